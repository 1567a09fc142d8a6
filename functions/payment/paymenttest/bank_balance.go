package paymenttest

import (
	"context"
	"time"

	"seatlock/functions/payment"
	"seatlock/lockstore"
)

// A Balance is the money of one order.
type Balance struct {
	Sessions int           // the number of sessions of the order
	Captures int           // how often money was taken
	State    payment.State // of the last session
	Taken    int64
	Back     int64 // paid back
	Coming   int64 // on its way back
}

// Kept returns what was taken and not paid back.
func (m Balance) Kept() int64 { return m.Taken - m.Back - m.Coming }

// Balances returns the money of every order.
func (b *Bank) Balances() map[lockstore.OrderID]Balance {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	all := make(map[lockstore.OrderID]Balance)
	for _, a := range b.accounts {
		m := all[a.Terms.Order]
		m.Sessions++
		m.Captures += a.captures
		m.State = a.State
		if a.State == payment.Captured {
			m.Taken += a.Terms.Amount
		}
		m.Back += a.back(false)
		m.Coming += a.back(true) - a.back(false)
		all[a.Terms.Order] = m
	}
	return all
}

// Failures returns how many captures, refunds and pending payments have failed because the
// Bank was set up to fail.
func (b *Bank) Failures() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	return b.failed
}

// Sessions returns every session, by id.
func (b *Bank) Sessions() []payment.Payment {
	var all []payment.Payment
	for p := range b.Recent(context.Background(), time.Time{}) {
		all = append(all, p)
	}
	return all
}
