package payment_test

import (
	"context"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// ahead is a store whose clock is ahead of this process's.
type ahead struct {
	*memstore.Store
	by time.Duration
}

func (a ahead) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	for _, t := range []*time.Time{&op.Until, &op.NotAfter, &op.NotBefore} {
		a.shift(t, -a.by)
	}
	r, err := a.Store.Do(ctx, ev, op)
	a.shift(&r.Expires, a.by)
	a.shift(&r.Now, a.by)
	return r, err
}

func (a ahead) shift(t *time.Time, by time.Duration) {
	if !t.IsZero() {
		*t = t.Add(by)
	}
}

func (a ahead) List(ctx context.Context, ev *lockstore.Event, v lockstore.Version) (lockstore.Snapshot, error) {
	snap, err := a.Store.List(ctx, ev, v)
	snap.Now += a.by.Milliseconds()
	return snap, err
}

func (a ahead) Put(ctx context.Context, o lockstore.Order) (int64, error) {
	a.shift(&o.Due, -a.by)
	return a.Store.Put(ctx, o)
}

// TestFreshProcessKnowsTheTime checks that a process that has just started uses the
// store's clock instead of its own.
func TestFreshProcessKnowsTheTime(t *testing.T) {
	for _, by := range []time.Duration{-10 * time.Minute, 0, 10 * time.Minute} {
		inShop(t, false, func(s *shop) {
			store := ahead{s.store, by}
			fresh := func() *payment.Payments {
				return s.with(func(c *payment.Config) { c.Seats, c.Orders = store, store })
			}
			s.Payments = fresh()
			open, back := s.begin("ann", "A1"), s.paid("bob", "A2")
			s.Payments = fresh()
			s.work(func(s *shop) {
				if _, err := s.Refund(s.ctx, payment.Refunding{Order: back.Order}); err != nil {
					s.Fatal(err)
				}
				time.Sleep(time.Minute)
				if o := s.is(back.Order, payment.StageRefunded, 100); o.Revision > back.Revision+10 {
					s.Errorf("by %v: the refund took %d writes", by, o.Revision-back.Revision)
				}
				s.Reconcile(s.ctx, open.Order) // the buyer comes back
				time.Sleep(3*time.Minute + 50*time.Second)
				s.is(open.Order, payment.StageOpen, 0)
				time.Sleep(40 * time.Second)
				s.is(open.Order, payment.StageClosed, 0)
			})
		})
	}
}
