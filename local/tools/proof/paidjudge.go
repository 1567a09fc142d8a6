package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

const (
	// settleTime is how long an order may take after the last that happened to it: the
	// worker looks within a minute and a half, and may have to wait for the end of the
	// booking window and for another worker's lease.
	settleTime = 3 * time.Minute

	// endTime is when an order that has not ended is counted as one that never will.
	endTime = time.Hour
)

// byComparison is who asks for a move when the store has lost something.
const byComparison = "payment"

// judge waits until every order has ended, and counts what became of them.
func (s *paidSale) judge(ctx context.Context, landed time.Time) (paidTally, error) {
	var all []*payment.Order
	var wrong error
	for end := landed.Add(s.world.Paced(endTime + s.takes)); ; {
		var read error
		if all, wrong, read = s.look(ctx); read != nil {
			return paidTally{}, read
		}
		open := slices.ContainsFunc(all, func(o *payment.Order) bool { return o.Stage.Unsettled() && o.Stage != payment.StageNeedsPerson })
		if !open && wrong == nil || time.Now().After(end) {
			break
		}
		if err := sleep(ctx, s.world.Paced(20*time.Second)); err != nil {
			return paidTally{}, err
		}
	}
	s.world.Stop()
	t := paidTally{orders: len(all), faults: s.faults + int(s.lost.Load()) + s.world.Bank.Failures(), unjudged: s.forgets}
	for _, p := range s.started {
		t.faults += p.Fired()
	}
	t.count(wrong)
	recovered := 0
	for _, o := range all {
		if slices.ContainsFunc(o.History, func(m payment.Move) bool { return m.By == byComparison }) {
			recovered++
		}
		switch o.Stage {
		case payment.StagePaid:
			t.paid++
		case payment.StageRefunded:
			t.back++
		case payment.StageClosed:
			t.closed++
		case payment.StageNeedsPerson:
			t.person++
			t.words = append(t.words, fmt.Sprintf("order %s of %s needs a person: %+v", o.Order, o.Event, o.History))
		}
		if took := s.settled(o, landed); took > s.world.Paced(settleTime+s.takes) {
			t.late++
			t.words = append(t.words, fmt.Sprintf("order %s of %s settled %v after it could: %+v", o.Order, o.Event, took, o.History))
		}
	}
	if s.forgets {
		t.words = append(t.words, fmt.Sprintf("%d orders were rebuilt, or their seats booked again", recovered))
		return t, nil
	}
	return t, s.books.check(s, &t)
}

// look reads all orders with what is wrong. It repeats a read that fails.
func (s *paidSale) look(ctx context.Context) (all []*payment.Order, wrong, read error) {
	read = history.Repeat(ctx, func() (err error) {
		all, err = s.world.Check(ctx)
		if errors.Is(err, lockstore.ErrUnavailable) || errors.Is(err, lockstore.ErrOutcomeUnknown) {
			return err
		}
		wrong = err
		return nil
	})
	return all, wrong, read
}

// settled returns how long an order took to end after the last that happened to it: the
// end of its play, its deadline if it was not paid, and the last fault, if there are
// faults that stand in the way.
func (s *paidSale) settled(o *payment.Order, landed time.Time) time.Duration {
	var last time.Time
	s.mu.Lock()
	for _, b := range s.buyers {
		if b.ev.ID == o.Event {
			last = time.UnixMilli(b.left.Load())
		}
	}
	s.mu.Unlock()
	if o.Stage != payment.StagePaid && o.PayBefore.After(last) {
		last = o.PayBefore
	}
	if (s.killed != nil || s.failing != nil || s.fail != nil || s.bank != nil) && landed.After(last) {
		last = landed
	}
	return o.History[len(o.History)-1].Time.Sub(last) // every order has a first move
}

// count counts what is wrong with orders.
func (t *paidTally) count(wrong error) {
	if wrong == nil {
		return
	}
	each := []error{wrong}
	if joined, ok := wrong.(interface{ Unwrap() []error }); ok {
		each = joined.Unwrap()
	}
	for _, err := range each {
		switch {
		case errors.Is(err, paymenttest.ErrCharged):
			t.charged++
		case errors.Is(err, paymenttest.ErrNotPaid):
			t.unpaid++
		case errors.Is(err, paymenttest.ErrTwice):
			t.twice++
		default:
			t.open++
		}
		t.words = append([]string{err.Error()}, t.words...)
	}
}
