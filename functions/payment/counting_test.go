package payment_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// A counting is a process that counts the orders in a store.
type counting struct {
	*payment.Payments
	last  atomic.Pointer[payment.Counts]
	pages atomic.Int64 // pages that it has read to the end
	slow  time.Duration
	store *memstore.Store
}

func (s *shop) counting(change func(*payment.Config)) *counting {
	c := &counting{store: s.store}
	c.Payments = s.with(func(config *payment.Config) {
		config.Orders = pages{s.store, c}
		config.Counted = func(n payment.Counts) { c.last.Store(&n) }
		change(config)
	})
	return c
}

// pages is a store that counts the pages of orders that are read, and takes a while for
// each.
type pages struct {
	*memstore.Store
	c *counting
}

func (p pages) Orders(ctx context.Context, event lockstore.EventID, after lockstore.OrderID) ([]lockstore.Order, error) {
	select {
	case <-time.After(p.c.slow):
		p.c.pages.Add(1)
		return p.Store.Orders(ctx, event, after)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// work lets the process work for a while, with these events in its event file.
func (c *counting) work(s *shop, d time.Duration, events ...lockstore.EventID) {
	ctx, stop := context.WithCancel(s.ctx)
	var working sync.WaitGroup
	working.Go(func() { c.Work(ctx, func() []lockstore.EventID { return events }) })
	time.Sleep(d)
	stop()
	working.Wait()
}

// TestOneProcessCounts checks that processes of a store take turns at counting and
// report the same, even one that has just started.
func TestOneProcessCounts(t *testing.T) {
	inShop(t, false, func(s *shop) {
		s.paid("ann", "A1")
		one, two := s.counting(func(*payment.Config) {}), s.counting(func(*payment.Config) {})
		var working sync.WaitGroup
		for _, c := range []*counting{one, two} {
			working.Go(func() { c.work(s, time.Hour, s.event.ID) })
		}
		working.Wait()
		for _, c := range []*counting{one, two} {
			if n := c.last.Load(); n.Orders[payment.StagePaid] != 1 || n.Age > time.Minute {
				t.Errorf("a process reports %v, %v old, want one paid order of the last minute", n.Orders, n.Age)
			}
		}
		// Both compare six times an hour, and one counts twice a minute, two pages each.
		if n := one.pages.Load() + two.pages.Load(); n < 2*110 || n > 2*135 {
			t.Errorf("two processes have read %d pages in an hour, want as many as one", n)
		}
		three := s.counting(func(*payment.Config) {})
		three.work(s, 2*time.Second, s.event.ID)
		if n := three.last.Load(); n == nil || n.Orders[payment.StagePaid] != 1 {
			t.Errorf("a process that has just started reports %+v, want what was counted before", n)
		}
	})
}

// TestCountGoesOn checks that a count which takes longer than a process has is
// continued at once by later ones, without reading anything twice.
func TestCountGoesOn(t *testing.T) {
	inShop(t, false, func(s *shop) {
		s.begin("ann", "A1")
		events := []lockstore.EventID{"concert"}
		for n := range 9 { // without orders
			events = append(events, lockstore.EventID("empty"+string(rune('0'+n))))
		}
		file := func() []lockstore.EventID { return events }
		s.WorkUntil(s.ctx, time.Now(), file) // compares, so that the others only count
		pages := int64(0)
		for range 5 { // 11 pages of 20 seconds, and 57 seconds at a time
			c := s.counting(func(*payment.Config) {})
			c.slow = 20 * time.Second
			ctx, stop := context.WithTimeout(s.ctx, 58*time.Second)
			c.WorkUntil(ctx, time.Now().Add(42*time.Second), file)
			stop()
			pages += c.pages.Load()
			if n := c.last.Load(); n != nil {
				t.Errorf("an unfinished count reports %v", n.Orders)
			}
		}
		c := s.counting(func(*payment.Config) {})
		c.work(s, 2*time.Second, events...)
		pages += c.pages.Load()
		if n := c.last.Load(); n == nil || n.Orders[payment.StageOpen] != 1 || pages != 11 {
			t.Errorf("after %d pages there are %+v, want an open order after 11", pages, n)
		}
	})
}

// TestCountsOfANewerVersion checks that a process leaves the counts of a newer version
// alone, and logs once that it does not count.
func TestCountsOfANewerVersion(t *testing.T) {
	inShop(t, false, func(s *shop) {
		newer := lockstore.Order{ID: "last.count", Event: "seatlock.payment", Body: []byte(`{"v":2,"last":"another format"}`)}
		if _, err := s.store.Put(s.ctx, newer); err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		c := s.counting(func(c *payment.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		c.work(s, 10*time.Minute, s.event.ID)
		r, err := s.store.Order(s.ctx, newer.ID)
		if err != nil || string(r.Body) != string(newer.Body) || c.last.Load() != nil {
			t.Errorf("the record is %s (%v), and there are %+v; want it left alone, and no counts", r.Body, err, c.last.Load())
		}
		if n := strings.Count(log.String(), "newer version"); n != 1 || strings.Count(log.String(), "\n") != 1 {
			t.Errorf("the log says %d times that a newer version counts, want once and nothing else: %s", n, &log)
		}
	})
}

// TestOrdersOfEventsThatHaveLeft checks that orders of events that have left the event
// file are counted until they are settled, whether they were counted or due before.
func TestOrdersOfEventsThatHaveLeft(t *testing.T) {
	inShop(t, false, func(s *shop) {
		gone := func(c *payment.Config) {
			c.Event = func(lockstore.EventID) (*lockstore.Event, error) { return nil, errors.New("no such event") }
		}
		s.bank.FailRefunds = 5
		o := s.paid("ann", "A1")
		before := s.counting(func(*payment.Config) {})
		before.work(s, time.Minute, s.event.ID)
		if _, err := s.Refund(s.ctx, payment.Refunding{Order: o.Order}); err != nil {
			t.Fatal(err)
		}
		before.work(s, 100*time.Minute, s.event.ID)
		if n := before.last.Load().Orders[payment.StageNeedsPerson]; n != 1 {
			t.Fatalf("%d orders need a person, want 1", n)
		}
		after := s.counting(gone)
		after.work(s, 10*time.Minute)
		if n := after.last.Load().Orders[payment.StageNeedsPerson]; n != 1 {
			t.Errorf("%d orders need a person after their event has left, want 1", n)
		}
		if _, err := s.Retry(s.ctx, o.Order, "olga"); err != nil {
			t.Fatal(err)
		}
		after.work(s, 10*time.Minute)
		if n := after.last.Load().Orders; n[payment.StageNeedsPerson] != 0 || n[payment.StageRefunded] != 0 {
			t.Errorf("after every order is settled there are %v, want none", n)
		}

		s.begin("bob", "A2")
		late := s.counting(gone)
		late.work(s, 30*time.Minute) // he had five minutes to pay
		if n := late.last.Load(); n.Orders[payment.StageOpen] != 1 || n.Late < 20*time.Minute {
			t.Errorf("there are %v, and the most overdue is %v late; want an open one that is late", n.Orders, n.Late)
		}
	})
}
