package paymenttest

import (
	"context"
	"fmt"

	"seatlock/functions/payment"
)

// Pay pays a session as its buyer. It fails if the session cannot be paid.
func (b *Bank) Pay(session string) error {
	return b.change(context.Background(), session, func(a *account) error {
		if a.State != payment.Open {
			return fmt.Errorf("session %s is %s", session, a.State)
		}
		a.ID = "payment-of-" + session
		switch {
		case b.Decides > 0:
			a.State, a.decided = payment.Pending, b.now().Add(b.Decides)
			a.Until = a.decided
		case b.Immediate:
			a.State = payment.Captured
			a.captures++
		default:
			a.State = payment.Authorised
		}
		return nil
	})
}

// PayAmount is Pay with an amount that may differ from the order's.
func (b *Bank) PayAmount(session string, amount int64) error {
	if err := b.Pay(session); err != nil {
		return err
	}
	return b.change(context.Background(), session, func(a *account) error {
		a.Terms.Amount = amount
		return nil
	})
}

// ForgetKeys makes the Bank forget every key, as it does after KeyMemory.
func (b *Bank) ForgetKeys() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.answers)
}

// Lapse ends an authorisation, as the provider does by itself.
func (b *Bank) Lapse(session string) error {
	return b.change(context.Background(), session, func(a *account) error {
		if a.State == payment.Authorised {
			a.State = payment.Void
		}
		return nil
	})
}
