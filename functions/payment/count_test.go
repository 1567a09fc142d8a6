package payment_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/lockstore"
)

// TestCount checks how many orders there are in each state, how long the oldest one is
// unsettled, and how late the latest one is.
func TestCount(t *testing.T) {
	inShop(t, false, func(s *shop) {
		events := []lockstore.EventID{s.event.ID, "another"}
		count := func() payment.Counts {
			t.Helper()
			c, err := s.Count(s.ctx, events)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		if c := count(); len(c.Orders) != len(payment.Stages()) || c.Oldest != 0 || c.Late != 0 {
			t.Errorf("without orders there are %+v", c)
		}
		s.paid("ann", "A1")
		given := s.begin("bob", "A2")
		if _, err := s.Close(s.ctx, given.Order, ""); err != nil {
			t.Fatal(err)
		}
		s.begin("cid", "A3")
		time.Sleep(time.Minute)
		s.begin("dan", "A4")
		time.Sleep(time.Second)
		c := count()
		if c.Orders[payment.StagePaid] != 1 || c.Orders[payment.StageClosed] != 1 || c.Orders[payment.StageOpen] != 2 {
			t.Errorf("there are %v", c.Orders)
		}
		if c.Oldest != 61*time.Second {
			t.Errorf("the oldest order is unsettled for %v, want 1m1s", c.Oldest)
		}
		time.Sleep(10 * time.Minute) // nobody works
		if c := count(); c.Late < 9*time.Minute || c.Late > 11*time.Minute {
			t.Errorf("the most overdue order is %v late, want some ten minutes, since none is worked on", c.Late)
		}
		if _, err := s.store.Put(s.ctx, lockstore.Order{ID: "0", Event: s.event.ID, Body: []byte(`{"v":9}`)}); err != nil {
			t.Fatal(err)
		}
		if c, err := s.Count(s.ctx, events); err == nil || c.Orders[payment.StageOpen] != 2 {
			t.Errorf("with a record that cannot be read there are %v, %v; want the others, and an error", c.Orders, err)
		}
	})
}

// TestErrorsNameFewOrders checks that the error of a call that goes through all orders is
// short enough for a log, however many of them fail.
func TestErrorsNameFewOrders(t *testing.T) {
	inShop(t, false, func(s *shop) {
		for n := range 1000 {
			id := lockstore.OrderID(fmt.Sprintf("X%03d", n))
			if _, err := s.store.Put(s.ctx, lockstore.Order{ID: id, Event: s.event.ID, Body: []byte(`{"v":9}`)}); err != nil {
				t.Fatal(err)
			}
		}
		_, counted := s.Count(s.ctx, []lockstore.EventID{s.event.ID})
		_, _, cancelled := s.CancelEvent(s.ctx, s.event.ID, "", "operator")
		for call, err := range map[string]error{"count": counted, "refund of the event": cancelled, "comparison": s.Audit(s.ctx, s.event.ID)} {
			some, ok := errors.AsType[*payment.OrdersError](err)
			if !ok || some.Count != 1000 || !errors.Is(err, payment.ErrUnreadable) {
				t.Fatalf("the %s fails with %v, want an OrdersError of 1,000 that cannot be read", call, err)
			}
			text := err.Error()
			if len(text) > 4000 || !strings.Contains(text, "order X000 ") || !strings.Contains(text, "980 more") || strings.Contains(text, "\n") {
				t.Errorf("the error of the %s has %d bytes, want up to 4,000 in one line, with the first order and the number of the others: %.300s", call, len(text), text)
			}
		}
	})
}

// TestCountFromTimeToTime checks that a worker counts without being asked, and that an
// order that needs a person counts as long as it does.
func TestCountFromTimeToTime(t *testing.T) {
	inShop(t, false, func(s *shop) {
		var last atomic.Pointer[payment.Counts]
		var times atomic.Int64
		s.Payments = s.with(func(c *payment.Config) {
			c.Counted = func(n payment.Counts) { last.Store(&n); times.Add(1) }
		})
		s.work(func(s *shop) {
			s.bank.FailRefunds = 5
			o := s.paid("ann", "A1")
			s.mustRefund(o, payment.Refunding{})
			time.Sleep(3 * time.Hour)
			if n := last.Load().Orders[payment.StageNeedsPerson]; n != 1 || times.Load() < 3*110 || times.Load() > 3*125 {
				t.Errorf("%d orders need a person after %d counts, want 1 after one each half a minute", n, times.Load())
			}
			if _, err := s.Retry(s.ctx, o.Order, "olga"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Minute)
			if c := last.Load(); c.Orders[payment.StageNeedsPerson] != 0 || c.Orders[payment.StageRefunded] != 1 {
				t.Errorf("after the refund there are %v", c.Orders)
			}
		})
	})
}
