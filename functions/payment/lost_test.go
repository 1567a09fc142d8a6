package payment_test

import (
	"testing"
	"time"

	"seatlock/functions/payment"
)

// A refund that the store has lost is counted once it is found at the provider: what is
// left is paid back later and not more, and seats whose money is all back are given back.
func TestLostRefundIsFound(t *testing.T) {
	inShop(t, false, func(s *shop) {
		part, whole := s.paid("ann", "A1"), s.paid("bob", "A2")
		for o, amount := range map[*payment.Order]int64{part: 40, whole: 100} {
			if _, err := s.bank.Refund(s.ctx, o.Payment, amount, string(o.Order)+"-refund-1"); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Recover(s.ctx, time.Time{}); err != nil {
			t.Fatal(err)
		}
		s.is(part.Order, payment.StagePaid, 40, "A1")
		s.reconcile(whole.Order)
		s.is(whole.Order, payment.StageRefunded, 100)
		s.mustRefund(part, payment.Refunding{})
		s.reconcile(part.Order)
		s.is(part.Order, payment.StageRefunded, 100)
	})
}
