package payment_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/functions/payment"
)

// TestNoticeDoesNotDependOnBrowsers checks that a notice finds a payment even if buyers who
// were waiting for the same order go away.
func TestNoticeDoesNotDependOnBrowsers(t *testing.T) {
	inIdleHall(t, seats("A1"), func(s *shop) {
		s.Payments = s.with(func(c *payment.Config) { c.Provider = slow{s.bank, new(atomic.Int64), 1500 * time.Millisecond} })
		o := s.begin("ann", "A1")
		go s.Look(s.ctx, o)
		time.Sleep(100 * time.Millisecond)
		waits, leave := context.WithCancel(s.ctx)
		go s.Look(waits, o)
		time.Sleep(100 * time.Millisecond)
		s.bank.Pay(o.Session)
		go s.Notice(s.ctx, o.Order)
		time.Sleep(100 * time.Millisecond)
		leave()
		time.Sleep(10 * time.Second)
		s.is(o.Order, payment.StagePaid, 0, "A1")
	})
}

// TestLookEndsInTime checks that buyers get their order soon even if the provider does not
// answer.
func TestLookEndsInTime(t *testing.T) {
	inIdleHall(t, seats("A1"), func(s *shop) {
		p := &slow{s.bank, new(atomic.Int64), 0}
		s.Payments = s.with(func(c *payment.Config) { c.Provider = p })
		o := s.begin("ann", "A1")
		p.takes = time.Hour
		for range 3 {
			go func() {
				began := time.Now()
				got, err := s.Look(s.ctx, o)
				if took := time.Since(began); took > 2*time.Second || got == nil || got.Stage != payment.StageOpen {
					t.Errorf("a look took %v and returned %+v, %v", took, got, err)
				}
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			}()
			time.Sleep(500 * time.Millisecond)
		}
		began := time.Now()
		got, err := s.checkout("ann", "A1")
		if took := time.Since(began); took > 2*time.Second || err != nil || got.Order != o.Order {
			t.Errorf("a repeated checkout took %v and returned %+v, %v", took, got, err)
		}
		time.Sleep(time.Minute)
	})
}
