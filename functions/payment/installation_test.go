package payment_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// TestInstallation checks that the processes of a store share a name, and that two
// stores have different ones.
func TestInstallation(t *testing.T) {
	one, two := new(memstore.Store), new(memstore.Store)
	var names [8]string
	var starting sync.WaitGroup
	for i := range names {
		starting.Go(func() {
			var err error
			if names[i], err = payment.Installation(t.Context(), one); err != nil {
				t.Error(err)
			}
		})
	}
	starting.Wait()
	for _, name := range names {
		if name != names[0] || lockstore.Ref(name).Check() != nil || name == "" {
			t.Errorf("processes that start at once call their installation %q", names)
		}
	}
	if other, err := payment.Installation(t.Context(), two); err != nil || other == names[0] {
		t.Errorf("two stores have the name %s (%v)", other, err)
	}
}

// TestRebuildingIsBounded checks that a comparison rebuilds only some of the orders
// that the store lacks and reports the rest, and that the next one continues.
func TestRebuildingIsBounded(t *testing.T) {
	inShop(t, false, func(s *shop) {
		rebuilt := 0
		s.Payments = s.with(func(c *payment.Config) { c.Rebuilt = func() { rebuilt++ } })
		const lost = payment.MaxRebuilt + 7
		now := time.Now().Truncate(time.Second)
		for n := range lost {
			terms := payment.Terms{Order: lockstore.OrderID(fmt.Sprintf("ORDER%04d", n)), Event: s.event.ID, User: "ann", Seats: []lockstore.SeatID{"A1"},
				Amount: 100, Currency: "EUR", Created: now, PayBefore: now.Add(5 * time.Minute)}
			if _, err := s.bank.Open(s.ctx, payment.Request{Terms: terms}); err != nil {
				t.Fatal(err)
			}
		}
		err := s.Recover(s.ctx, now.Add(-time.Hour))
		if err == nil || !strings.Contains(err.Error(), "has lost 507 orders") || rebuilt != payment.MaxRebuilt {
			t.Errorf("%d orders were rebuilt, and the error is %v", rebuilt, err)
		}
		if err := s.Recover(s.ctx, now.Add(-time.Hour)); err != nil || rebuilt != lost {
			t.Errorf("then %d orders were rebuilt, want all %d (%v)", rebuilt, lost, err)
		}
	})
}

// TestPaymentsElsewhere checks that a process that calls no provider can close an
// order, and that another process then continues at once.
func TestPaymentsElsewhere(t *testing.T) {
	inShop(t, true, func(s *shop) {
		elsewhere := s.with(func(c *payment.Config) { c.Provider = payment.Elsewhere() })
		o := s.begin("ann", "A1")
		closed, err := elsewhere.Close(s.ctx, o.Order, "ann")
		if err != nil || closed.Stage != payment.StageGivingBack {
			t.Fatalf("the order is %+v, %v", closed, err)
		}
		time.Sleep(3 * time.Second)
		s.is(o.Order, payment.StageClosed, 0)
		if s.bank.Pay(o.Session) == nil {
			t.Error("the payment of an order that was closed can be made")
		}
	})
}

// TestWorkForAMoment checks that a process which works for a short time starts nothing
// after that, and finishes what it has started.
func TestWorkForAMoment(t *testing.T) {
	inShop(t, false, func(s *shop) {
		o := s.begin("ann", "A1")
		if err := s.bank.Pay(o.Session); err != nil {
			t.Fatal(err)
		}
		events := func() []lockstore.EventID { return []lockstore.EventID{s.event.ID} }
		began := time.Now()
		s.WorkUntil(s.ctx, began.Add(20*time.Second), events)
		if took := time.Since(began); took != 20*time.Second {
			t.Errorf("it worked for %v, want 20s", took)
		}
		s.is(o.Order, payment.StageOpen, 0)
		time.Sleep(2 * time.Minute) // a worker has checked the order by now: it does so within 90 s of its opening
		s.WorkUntil(s.ctx, time.Now().Add(time.Second), events)
		s.is(o.Order, payment.StagePaid, 0, "A1")
	})
}

// TestNamelessSession checks that a session without the name of an installation, such
// as an old one, is compared with its order but makes no new one: it may belong to
// another installation.
func TestNamelessSession(t *testing.T) {
	inShop(t, false, func(s *shop) {
		s.bank.Immediate = true
		own := s.begin("ann", "A1")
		s.bank.Pay(own.Session)
		found := s.bank.Sessions()
		for i := range found {
			found[i].Nameless = true
		}
		closed := s.begin("bob", "A2")
		if _, err := s.Close(s.ctx, closed.Order, ""); err != nil {
			t.Fatal(err)
		}
		foreign := found[0]
		foreign.Terms.Order = "FOREIGN"
		known := found[0]
		known.Terms.Order, known.Terms.Seats = closed.Order, closed.Seats
		s.Payments = s.with(func(c *payment.Config) { c.Provider = listing{s.bank, []payment.Payment{foreign, known}} })
		if err := s.Recover(s.ctx, time.Time{}); err != nil {
			t.Error(err)
		}
		if _, err := s.Order(s.ctx, "FOREIGN"); !errors.Is(err, lockstore.ErrNoOrder) {
			t.Errorf("the order of another installation is here: %v", err)
		}
		if o, err := s.Order(s.ctx, closed.Order); err != nil || o.Stage == payment.StageClosed {
			t.Errorf("the order of this installation is %+v (%v), want it to give back what was taken", o, err)
		}
	})
}
