package payment_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
	"seatlock/lockstore"
)

// slow is a provider with slow fetches, some of which never end.
type slow struct {
	*paymenttest.Bank
	fetches *atomic.Int64
	takes   time.Duration
}

func (p slow) Fetch(ctx context.Context, session string) (payment.Payment, error) {
	p.fetches.Add(1)
	select {
	case <-time.After(p.takes):
	case <-ctx.Done():
		return payment.Payment{}, ctx.Err()
	}
	return p.Bank.Fetch(ctx, session)
}

// TestManyOrdersAreSettledByPolling checks that buyers who pay are found in time
// without notices, even many at once, and that an order for which the provider does not
// answer does not keep others waiting.
func TestManyOrdersAreSettledByPolling(t *testing.T) {
	var seats []lockstore.SeatID
	for n := range 300 {
		seats = append(seats, lockstore.SeatID(fmt.Sprint("S", n)))
	}
	inIdleHall(t, seats, func(s *shop) {
		var fetches atomic.Int64
		s.Payments = s.with(func(c *payment.Config) { c.Provider = slow{s.bank, &fetches, 2 * time.Second} })
		s.work(func(s *shop) {
			var orders []lockstore.OrderID
			for n, seat := range seats {
				o := s.begin(lockstore.UserID(fmt.Sprint("user", n)), seat)
				s.bank.Pay(o.Session)
				orders = append(orders, o.Order)
			}
			time.Sleep(7 * time.Minute)
			for n, id := range orders {
				s.is(id, payment.StagePaid, 0, seats[n])
			}
		})
	})
}

// TestNoticesShareARun checks that a hundred simultaneous notices of one order cause
// two runs: the one that is under way, and one after the last notice.
func TestNoticesShareARun(t *testing.T) {
	inShop(t, false, func(s *shop) {
		var fetches atomic.Int64
		s.Payments = s.with(func(c *payment.Config) { c.Provider = slow{s.bank, &fetches, time.Second} })
		o := s.begin("ann", "A1")
		fetches.Store(0)
		for range 100 {
			go s.Notice(s.ctx, o.Order)
		}
		time.Sleep(time.Minute)
		if n := fetches.Load(); n != 2 {
			s.Errorf("the payment was fetched %d times, want twice", n)
		}
	})
}
