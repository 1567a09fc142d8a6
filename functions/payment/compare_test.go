package payment_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// TestStraySeatsAreGivenBack checks that seats which are booked for an order that does
// not have them are given back, and that bookings of other systems are left alone.
func TestStraySeatsAreGivenBack(t *testing.T) {
	inShop(t, true, func(s *shop) {
		paid, kept, refunded, closed := s.paid("ann", "A1"), s.paid("bob", "A2"), s.paid("cid", "A3"), s.begin("dan", "A4")
		s.Close(s.ctx, closed.Order, "")
		s.mustRefund(kept, payment.Refunding{Keep: true})
		s.mustRefund(refunded, payment.Refunding{})
		for n, o := range []*payment.Order{paid, kept, refunded, closed} {
			s.do(lockstore.Book(o.User, lockstore.Ref(o.Order), s.event.Seats[4+n])) // A5 to A8
		}
		s.do(lockstore.Book("eve", "another-system", "A9"))
		if err := s.Audit(s.ctx, s.event.ID); err != nil {
			s.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.is(paid.Order, payment.StagePaid, 0, "A1")
		s.is(kept.Order, payment.StageRefunded, 100, "A2")
		s.is(refunded.Order, payment.StageRefunded, 100)
		s.is(closed.Order, payment.StageClosed, 0)
		s.do(lockstore.Lock("fay", "A5", "A6", "A7", "A8"))
		if _, err := s.store.Do(s.ctx, s.event, lockstore.Lock("fay", "A9")); !errors.Is(err, lockstore.SeatBooked) {
			s.Errorf("the booking of another system: %v, want it to be left", err)
		}
	})
}

// TestUnreadableOrderHidesNoOther checks that the other orders are compared even if one
// cannot be read.
func TestUnreadableOrderHidesNoOther(t *testing.T) {
	inShop(t, true, func(s *shop) {
		paid, lost, rebuilt := s.paid("ann", "A1"), s.paid("bob", "A2"), s.begin("cid", "A3")
		for _, id := range []lockstore.OrderID{"0", "ZZZZZZZZ"} { // before and after the others
			if _, err := s.store.Put(s.ctx, lockstore.Order{ID: id, Event: s.event.ID, Body: []byte(`{"v":9}`)}); err != nil {
				s.Fatal(err)
			}
		}
		s.do(lockstore.Cancel("", lockstore.Ref(lost.Order), "A2"))
		if err := s.Audit(s.ctx, s.event.ID); err == nil {
			s.Error("Audit must name the orders that it cannot read")
		}
		s.is(lost.Order, payment.StagePaid, 0, "A2")
		page, _, err := s.Orders(s.ctx, s.event.ID, "")
		if err != nil || len(page) != 3 {
			s.Errorf("%d orders are listed (%v), want 3", len(page), err)
		}
		moved, _, err := s.CancelEvent(s.ctx, s.event.ID, "", "operator")
		if moved != 3 || err == nil {
			s.Errorf("%d orders were moved (%v), want 3 and an error about the others", moved, err)
		}
		time.Sleep(time.Minute)
		s.is(paid.Order, payment.StageRefunded, 100)
		s.is(rebuilt.Order, payment.StageClosed, 0)
	})
}

// TestUnreadableSessionHidesNoOther checks that the other sessions are compared even if
// one cannot be.
func TestUnreadableSessionHidesNoOther(t *testing.T) {
	inShop(t, false, func(s *shop) {
		first, second := s.begin("ann", "A1"), s.begin("bob", "A2")
		found := s.bank.Sessions()
		bad := slices.IndexFunc(found, func(p payment.Payment) bool { return p.Terms.Order == first.Order })
		found[bad].Terms.Order = "no order"
		s.Payments = s.with(func(c *payment.Config) {
			c.Orders = new(memstore.Store)
			c.Provider = listing{s.bank, []payment.Payment{found[bad], found[1-bad]}}
		})
		if err := s.Recover(s.ctx, time.Time{}); err == nil {
			s.Error("Recover must name the session that it cannot compare")
		}
		if o, err := s.Order(s.ctx, second.Order); err != nil || o.Stage != payment.StageOpen {
			s.Errorf("the second order is %+v (%v), want open", o, err)
		}
	})
}

// listing is a provider that also lists sessions with too little information.
type listing struct {
	*paymenttest.Bank
	sessions []payment.Payment
}

func (l listing) Recent(context.Context, time.Time) iter.Seq2[payment.Payment, error] {
	return func(yield func(payment.Payment, error) bool) {
		for _, p := range l.sessions {
			if !yield(p, nil) {
				return
			}
		}
	}
}

// stuck is a provider whose list of sessions does not arrive before the deadline.
type stuck struct {
	*paymenttest.Bank
	asked chan struct{}
}

func (p stuck) Recent(ctx context.Context, _ time.Time) iter.Seq2[payment.Payment, error] {
	return func(yield func(payment.Payment, error) bool) {
		p.asked <- struct{}{}
		<-ctx.Done()
		yield(payment.Payment{}, ctx.Err())
	}
}

// TestComparisonThatHangs checks that a comparison that hangs ends, and delays no
// order.
func TestComparisonThatHangs(t *testing.T) {
	inShop(t, false, func(s *shop) {
		asked := make(chan struct{}, 10)
		var unfinished atomic.Int64
		s.Payments = s.with(func(c *payment.Config) {
			c.Provider = stuck{s.bank, asked}
			c.Compared = func(finished bool) {
				if !finished {
					unfinished.Add(1)
				}
			}
		})
		s.work(func(s *shop) {
			<-asked
			o := s.begin("ann", "A1")
			s.bank.Pay(o.Session)
			time.Sleep(2 * time.Minute) // without a notice
			s.is(o.Order, payment.StagePaid, 0, "A1")
			select {
			case <-asked:
				s.Error("a second comparison began while the first one hung")
			default:
			}
			<-asked // until the first one was given up
			if n := unfinished.Load(); n != 1 {
				s.Errorf("%d comparisons count as unfinished, want the first one", n)
			}
		})
	})
}

// TestComparisonThatNeverFits checks that a comparison with the provider that takes
// longer than the process has does not keep the events waiting: the next comparison
// begins with them.
func TestComparisonThatNeverFits(t *testing.T) {
	inShop(t, false, func(s *shop) {
		o := s.paid("ann", "A1")
		s.do(lockstore.Book("ann", lockstore.Ref(o.Order), "A5")) // which is not the order's own
		s.Payments = s.with(func(c *payment.Config) { c.Provider = stuck{s.bank, make(chan struct{}, 10)} })
		for _, seats := range [][]lockstore.SeatID{{"A1", "A5"}, {"A1"}} {
			ctx, cancel := context.WithTimeout(s.ctx, time.Minute)
			s.WorkUntil(ctx, time.Now().Add(40*time.Second), func() []lockstore.EventID { return []lockstore.EventID{s.event.ID} })
			cancel()
			s.is(o.Order, payment.StagePaid, 0, seats...)
			time.Sleep(10 * time.Minute)
		}
	})
}

// slowLister is a provider that takes a while to return an empty list of sessions.
type slowLister struct {
	*paymenttest.Bank
	takes time.Duration
}

func (p slowLister) Recent(ctx context.Context, _ time.Time) iter.Seq2[payment.Payment, error] {
	return func(yield func(payment.Payment, error) bool) {
		select {
		case <-time.After(p.takes):
		case <-ctx.Done():
			yield(payment.Payment{}, ctx.Err())
		}
	}
}

// TestComparisonThatFitsAlone checks that an event for which the earlier parts left too
// little time comes first in the next comparison.
func TestComparisonThatFitsAlone(t *testing.T) {
	inShop(t, false, func(s *shop) {
		o := s.paid("ann", "A1")
		s.do(lockstore.Book("ann", lockstore.Ref(o.Order), "A5")) // which is not the order's own
		c := s.counting(func(c *payment.Config) { c.Provider, c.Counted = slowLister{s.bank, 30 * time.Second}, nil })
		c.slow = 40 * time.Second // for a page of orders
		for _, seats := range [][]lockstore.SeatID{{"A1", "A5"}, {"A1"}} {
			ctx, cancel := context.WithTimeout(s.ctx, time.Minute)
			c.WorkUntil(ctx, time.Now().Add(40*time.Second), func() []lockstore.EventID { return []lockstore.EventID{s.event.ID} })
			cancel()
			s.is(o.Order, payment.StagePaid, 0, seats...)
			time.Sleep(10 * time.Minute)
		}
	})
}
