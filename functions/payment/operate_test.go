package payment_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// A shop takes payments for the seats A1 to A9 of one event.
type shop struct {
	*testing.T
	*payment.Payments
	ctx      context.Context
	store    *memstore.Store
	bank     *paymenttest.Bank
	provider payment.Provider // the bank, or something in front of it
	event    *lockstore.Event
}

// inShop runs a test in a bubble, with a worker if work is set.
func inShop(t *testing.T, work bool, test func(*shop)) {
	var ids []lockstore.SeatID
	for n := range 9 {
		ids = append(ids, lockstore.SeatID("A"+string(rune('1'+n))))
	}
	if work {
		inHall(t, ids, test)
	} else {
		inIdleHall(t, ids, test)
	}
}

// on returns Payments with that store of orders.
func (s *shop) on(orders lockstore.OrderStore) *payment.Payments {
	return s.with(func(c *payment.Config) { c.Orders = orders })
}

// with returns Payments with a changed Config.
func (s *shop) with(change func(*payment.Config)) *payment.Payments {
	c := payment.Config{Seats: s.store, Orders: s.store, Provider: s.provider, Within: 5 * time.Minute, Margin: 2 * time.Minute,
		Log: slog.New(slog.DiscardHandler), Event: func(lockstore.EventID) (*lockstore.Event, error) { return s.event, nil }}
	change(&c)
	p, err := payment.New(c)
	if err != nil {
		s.Fatal(err)
	}
	return p
}

func (s *shop) do(op lockstore.Op) {
	s.Helper()
	if _, err := s.store.Do(s.ctx, s.event, op); err != nil {
		s.Fatal(err)
	}
}

// checkout begins the user's checkout, at 100 a seat.
func (s *shop) checkout(user lockstore.UserID, seats ...lockstore.SeatID) (*payment.Order, error) {
	total := int64(100 * len(seats))
	return s.Checkout(s.ctx, payment.Checkout{Event: s.event, User: user, Seats: seats, ReturnURL: "https://shop.example/?a=b",
		Bill: payment.Bill{Total: total, Currency: "EUR", Lines: []payment.Line{{Text: "First", Count: len(seats), Amount: total, Seats: seats}}}})
}

// begin locks seats and checks out.
func (s *shop) begin(user lockstore.UserID, seats ...lockstore.SeatID) *payment.Order {
	s.Helper()
	s.do(lockstore.Lock(user, seats...))
	o, err := s.checkout(user, seats...)
	if err != nil {
		s.Fatal(err)
	}
	return o
}

// paid locks seats, checks out and pays.
func (s *shop) paid(user lockstore.UserID, seats ...lockstore.SeatID) *payment.Order {
	s.Helper()
	o := s.begin(user, seats...)
	if err := s.bank.Pay(o.Session); err != nil {
		s.Fatal(err)
	}
	o, err := s.Reconcile(s.ctx, o.Order)
	if err != nil || o.Stage != payment.StagePaid {
		s.Fatalf("the order is %s (%v), want paid", o.Stage, err)
	}
	return o
}

// is checks the stage of an order, how much was paid back, and the seats that are
// booked for it.
func (s *shop) is(id lockstore.OrderID, stage payment.Stage, refunded int64, seats ...lockstore.SeatID) *payment.Order {
	s.Helper()
	o, err := s.Order(s.ctx, id)
	if err != nil {
		s.Fatal(err)
	}
	var booked []lockstore.SeatID
	_, all := s.store.Roster(s.ctx, s.event, lockstore.Filter{})
	for h, err := range all {
		if err != nil {
			s.Fatal(err)
		}
		if h.Ref == lockstore.Ref(id) {
			booked = append(booked, h.Seat)
		}
	}
	if o.Stage != stage || s.bank.Balances()[id].Back != refunded || !slices.Equal(booked, seats) {
		s.Errorf("the order is %s with %d paid back and %s booked, want %s, %d and %s; its history is %+v",
			o.Stage, s.bank.Balances()[id].Back, booked, stage, refunded, seats, o.History)
	}
	return o
}

func TestCheckoutKeepsTheLocks(t *testing.T) {
	inShop(t, true, func(s *shop) {
		o := s.begin("ann", "A1", "A2")
		if o.Stage != payment.StageOpen || o.PayURL == "" || o.PayBefore.Sub(o.Created) != 5*time.Minute {
			s.Errorf("the order is %+v", o)
		}
		if want := "https://shop.example/?a=b&order=" + string(o.Order); o.ReturnURL != want {
			s.Errorf("the buyer comes back to %s, want %s", o.ReturnURL, want)
		}
		time.Sleep(7*time.Minute - time.Second)
		if _, err := s.store.Do(s.ctx, s.event, lockstore.Lock("bob", "A1")); !errors.Is(err, lockstore.SeatLocked) {
			s.Errorf("just before deadline and margin, the seat can be locked: %v", err)
		}
		time.Sleep(2 * time.Second)
		s.do(lockstore.Lock("bob", "A1"))
		s.is(o.Order, payment.StageClosed, 0)
	})
}

func TestCheckoutNeedsTheLocks(t *testing.T) {
	inShop(t, false, func(s *shop) {
		s.do(lockstore.Lock("ann", "A1"))
		if o, err := s.checkout("ann", "A1", "A2"); !errors.Is(err, lockstore.LockNotHeld) {
			s.Errorf("the order is %+v (%v), want lock_not_held", o, err)
		}
		if n := len(s.bank.Sessions()); n != 0 {
			s.Errorf("%d sessions were opened", n)
		}
	})
}

func TestCheckoutRefusesLocksThatCannotLast(t *testing.T) {
	inShop(t, false, func(s *shop) {
		brief := *s.event
		brief.MaxLock = time.Minute
		if s.CheckEvent(&brief) == nil || s.CheckEvent(s.event) != nil {
			s.Error("an event whose locks last a minute must be refused at the start, and no other")
		}
	})
}

// TestSameSeatsHaveOneOrder checks that two tabs, and a buyer who comes again, have one
// order.
func TestSameSeatsHaveOneOrder(t *testing.T) {
	inShop(t, true, func(s *shop) {
		s.do(lockstore.Lock("ann", "A1", "A2"))
		var orders [6]*payment.Order
		var tabs sync.WaitGroup
		for i := range orders {
			tabs.Go(func() {
				var err error
				for range 5 { // repeat a checkout that another one overtakes
					if orders[i], err = s.checkout("ann", "A1", "A2"); err == nil {
						return
					}
					time.Sleep(time.Second)
				}
				s.Error(err)
			})
		}
		tabs.Wait()
		again, err := s.checkout("ann", "A2", "A1")
		if err != nil {
			s.Fatal(err)
		}
		for _, o := range orders {
			if o == nil || o.Order != again.Order {
				s.Fatalf("the orders are %+v and %s, want one", o, again.Order)
			}
		}
		if n := len(s.bank.Sessions()); n != 1 {
			s.Errorf("%d sessions were opened, want one", n)
		}
	})
}

func TestOtherSeatsWaitForTheOrder(t *testing.T) {
	inShop(t, true, func(s *shop) {
		first := s.begin("ann", "A1")
		s.do(lockstore.Lock("ann", "A2"))
		_, err := s.checkout("ann", "A1", "A2")
		if e, ok := errors.AsType[*payment.OtherOrderError](err); !ok || e.Order.Order != first.Order {
			s.Fatalf("a checkout of more seats: %v, want an OtherOrderError of %s", err, first.Order)
		}
		if _, err := s.Close(s.ctx, first.Order, ""); err != nil {
			s.Fatal(err)
		}
		s.is(first.Order, payment.StageClosed, 0)
		second, err := s.checkout("ann", "A1", "A2")
		if err != nil || second.Order == first.Order {
			s.Errorf("after the first order was closed: %+v (%v), want another", second, err)
		}
		if err := s.bank.Pay(first.Session); err == nil {
			s.Error("the first order can still be paid")
		}
	})
}

func TestPaidOrderIsNotClosed(t *testing.T) {
	inShop(t, false, func(s *shop) {
		o := s.paid("ann", "A1")
		if _, err := s.Close(s.ctx, o.Order, ""); !errors.Is(err, payment.ErrStage) {
			s.Errorf("closing a paid order: %v, want ErrStage", err)
		}
		s.is(o.Order, payment.StagePaid, 0, "A1")
	})
}

// TestRefunds requests each refund twice, like an operator who got no answer.
func TestRefunds(t *testing.T) {
	a12 := []lockstore.SeatID{"A1", "A2"}
	for _, c := range []struct {
		name     string
		ask      payment.Refunding
		stage    payment.Stage
		refunded int64
		booked   []lockstore.SeatID
	}{
		{"everything", payment.Refunding{}, payment.StageRefunded, 300, nil},
		{"everything, and the buyer keeps the seats", payment.Refunding{Keep: true}, payment.StageRefunded, 300, []lockstore.SeatID{"A1", "A2", "A3"}},
		{"everything but a fee", payment.Refunding{Amount: 280}, payment.StageRefunded, 280, nil},
		{"some seats", payment.Refunding{Seats: a12}, payment.StagePaid, 200, []lockstore.SeatID{"A3"}},
		{"some seats, which the buyer keeps", payment.Refunding{Seats: a12, Keep: true}, payment.StagePaid, 200, []lockstore.SeatID{"A1", "A2", "A3"}},
		{"some seats for less", payment.Refunding{Seats: a12, Amount: 150}, payment.StagePaid, 150, []lockstore.SeatID{"A3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inShop(t, true, func(s *shop) {
				o := s.paid("ann", "A1", "A2", "A3")
				time.Sleep(time.Minute) // the booking window has ended
				for range 2 {
					c.ask.Order, c.ask.By = o.Order, "operator"
					if _, err := s.Refund(s.ctx, c.ask); err != nil {
						s.Error(err)
					}
				}
				s.is(o.Order, c.stage, c.refunded, c.booked...)
			})
		})
	}
}

func TestSeatsAreRefundedOneAfterTheOther(t *testing.T) {
	inShop(t, true, func(s *shop) {
		o := s.paid("ann", "A1", "A2", "A3")
		time.Sleep(time.Minute)
		for n, seat := range []lockstore.SeatID{"A2", "A1", "A3"} {
			if _, err := s.Refund(s.ctx, payment.Refunding{Order: o.Order, Seats: []lockstore.SeatID{seat}}); err != nil {
				s.Fatal(err)
			}
			s.is(o.Order, []payment.Stage{payment.StagePaid, payment.StagePaid, payment.StageRefunded}[n], int64(100*(n+1)), [][]lockstore.SeatID{{"A1", "A3"}, {"A3"}, nil}[n]...)
		}
	})
}

func TestNoMoreIsRefundedThanWasPaid(t *testing.T) {
	inShop(t, true, func(s *shop) {
		o := s.paid("ann", "A1", "A2")
		for _, f := range []payment.Refunding{{Amount: 201}, {Seats: []lockstore.SeatID{"A1"}, Amount: 201}} {
			f.Order = o.Order
			if _, err := s.Refund(s.ctx, f); !errors.Is(err, lockstore.ErrInvalid) {
				s.Errorf("refunding %d of 200: %v, want an InvalidError", f.Amount, err)
			}
		}
		s.is(o.Order, payment.StagePaid, 0, "A1", "A2")
	})
}

func TestPersonTriesAgain(t *testing.T) {
	inShop(t, true, func(s *shop) {
		s.bank.RefundStates = slices.Repeat([]paymenttest.RefundPlan{{First: payment.RefundFailed}}, 5)
		o := s.paid("ann", "A1")
		if _, err := s.Refund(s.ctx, payment.Refunding{Order: o.Order}); err != nil {
			s.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		s.is(o.Order, payment.StageNeedsPerson, 0)
		for range 2 {
			if _, err := s.Retry(s.ctx, o.Order, "operator"); err != nil {
				s.Fatal(err)
			}
		}
		o = s.is(o.Order, payment.StageRefunded, 100)
		if last := o.History[len(o.History)-2]; last.By != "operator" {
			s.Errorf("the history does not say who tried again: %+v", o.History)
		}
	})
}

func TestMovedSeatsStayPaid(t *testing.T) {
	inShop(t, true, func(s *shop) {
		o := s.paid("ann", "A1", "A2")
		move := func(seats, to lockstore.SeatID) error {
			time.Sleep(time.Minute) // no booking or move is under way any more
			_, err := s.Move(s.ctx, o.Order, []lockstore.SeatID{seats}, []lockstore.SeatID{to}, "operator")
			return err
		}
		for range 2 {
			if err := move("A1", "A5"); err != nil {
				s.Fatal(err)
			}
		}
		s.is(o.Order, payment.StagePaid, 0, "A2", "A5")
		s.do(lockstore.Book("bob", "", "A6"))
		if err := move("A5", "A6"); !errors.Is(err, lockstore.SeatBooked) {
			s.Errorf("moving to a booked seat: %v", err)
		}
		if err := move("A1", "A7"); !errors.Is(err, lockstore.NotBooked) {
			s.Errorf("moving a seat of nobody: %v", err)
		}
		time.Sleep(time.Minute)
		if _, err := s.Refund(s.ctx, payment.Refunding{Order: o.Order, Seats: []lockstore.SeatID{"A5"}}); err != nil {
			s.Fatal(err)
		}
		s.is(o.Order, payment.StagePaid, 100, "A2")
	})
}

// TestCancelledEvent checks that a cancelled event gives everything back, and that a
// call that failed can be continued.
func TestCancelledEvent(t *testing.T) {
	inShop(t, true, func(s *shop) {
		var orders []lockstore.OrderID
		for n, user := range []lockstore.UserID{"ann", "bob", "cid"} {
			orders = append(orders, s.paid(user, s.event.Seats[n]).Order)
		}
		open := s.begin("dan", "A4")
		slices.Sort(orders)
		moved, _, err := s.CancelEvent(s.ctx, s.event.ID, orders[0], "operator")
		if err != nil {
			s.Fatal(err)
		}
		rest, last, err := s.CancelEvent(s.ctx, s.event.ID, "", "operator")
		if err != nil || moved+rest != 4 || rest < 1 || last == "" {
			s.Errorf("%d and then %d orders were moved, up to %q (%v); want 4 in all", moved, rest, last, err)
		}
		time.Sleep(time.Minute)
		for _, id := range orders {
			s.is(id, payment.StageRefunded, 100)
		}
		s.is(open.Order, payment.StageClosed, 0)
	})
}

// TestLostOrderIsRebuilt checks that an order that the store has lost is rebuilt from
// the provider.
func TestLostOrderIsRebuilt(t *testing.T) {
	for _, c := range []struct {
		name     string
		lose     func(*shop, *payment.Order) // what happens before the store loses the order
		stage    payment.Stage
		refunded int64
		booked   []lockstore.SeatID
	}{
		{"open", func(*shop, *payment.Order) {}, payment.StageClosed, 0, nil},
		{"authorised", func(s *shop, o *payment.Order) { s.bank.Pay(o.Session) }, payment.StagePaid, 0, []lockstore.SeatID{"A1"}},
		{"paid", func(s *shop, o *payment.Order) { s.bank.Pay(o.Session); s.Reconcile(s.ctx, o.Order) }, payment.StagePaid, 0, []lockstore.SeatID{"A1"}},
		{"refunded", func(s *shop, o *payment.Order) {
			s.bank.Pay(o.Session)
			s.Reconcile(s.ctx, o.Order)
			time.Sleep(time.Minute)
			s.Refund(s.ctx, payment.Refunding{Order: o.Order})
		}, payment.StageRefunded, 100, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			inShop(t, false, func(s *shop) {
				o := s.begin("ann", "A1")
				c.lose(s, o)
				s.Payments = s.on(new(memstore.Store))
				if err := s.Recover(s.ctx, time.Now().Add(-time.Hour)); err != nil {
					s.Fatal(err)
				}
				time.Sleep(6 * time.Minute)
				s.Reconcile(s.ctx, o.Order)
				s.is(o.Order, c.stage, c.refunded, c.booked...)
			})
		})
	}
}

// TestLostSeatsAreBookedAgain checks that seats that the store has lost are booked
// again, unless others have them.
func TestLostSeatsAreBookedAgain(t *testing.T) {
	inShop(t, false, func(s *shop) {
		free, taken, fine := s.paid("ann", "A1"), s.paid("bob", "A2"), s.paid("cid", "A3")
		for _, o := range []*payment.Order{free, taken} {
			s.do(lockstore.Cancel("", lockstore.Ref(o.Order), o.Seats...))
		}
		s.do(lockstore.Book("dan", "", "A2"))
		if err := s.Audit(s.ctx, s.event.ID); err != nil {
			s.Fatal(err)
		}
		s.is(free.Order, payment.StagePaid, 0, "A1")
		s.is(taken.Order, payment.StageNeedsPerson, 0)
		if o := s.is(fine.Order, payment.StagePaid, 0, "A3"); o.Revision != fine.Revision {
			s.Error("an order with all its seats was changed")
		}
		time.Sleep(time.Minute)
		if _, err := s.Retry(s.ctx, taken.Order, "operator"); err != nil {
			s.Fatal(err)
		}
		s.is(taken.Order, payment.StageRefunded, 100)
	})
}

// TestEndedOrderKeepsNoMoney checks that a payment for an order that has ended is given
// back.
func TestEndedOrderKeepsNoMoney(t *testing.T) {
	inShop(t, true, func(s *shop) {
		o := s.begin("ann", "A1")
		s.Close(s.ctx, o.Order, "")
		s.is(o.Order, payment.StageClosed, 0)
		// The provider opens a second session, as can happen if it forgets a key after
		// a day.
		s.bank.ForgetKeys()
		late, err := s.bank.Open(s.ctx, payment.Request{Terms: o.Terms, Lines: o.Lines, Title: o.Title, ReturnURL: o.ReturnURL})
		if err != nil {
			s.Fatal(err)
		}
		if err := s.bank.Pay(late.ID); err != nil {
			s.Fatal(err)
		}
		if err := s.Recover(s.ctx, time.Now().Add(-time.Hour)); err != nil {
			s.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.is(o.Order, payment.StageClosed, 0)
		for _, p := range s.bank.Sessions() {
			if p.State != payment.Void {
				s.Errorf("session %s is %s", p.Session, p.State)
			}
		}
	})
}

func TestHistoryIsBounded(t *testing.T) {
	inShop(t, true, func(s *shop) {
		o := s.paid("ann", "A1")
		seats := []lockstore.SeatID{"A1", "A2"}
		for n := range 60 {
			time.Sleep(time.Minute)
			if _, err := s.Move(s.ctx, o.Order, seats[n%2:n%2+1], []lockstore.SeatID{seats[1-n%2]}, "operator"); err != nil {
				s.Fatal(err)
			}
		}
		o = s.is(o.Order, payment.StagePaid, 0, "A1")
		if n := len(o.History); n > 40 || o.History[0].To != payment.StageOpening || !strings.Contains(o.History[n-1].Why, "moved from [A2] to [A1]") {
			s.Errorf("the history has %d moves, from %+v to %+v", n, o.History[0], o.History[n-1])
		}
	})
}

func TestOrdersOfAnotherFormatAreRefused(t *testing.T) {
	inShop(t, false, func(s *shop) {
		for id, body := range map[lockstore.OrderID]string{"NEWER": `{"v":2,"order":"NEWER","event":"concert","stage":"paid"}`, "BROKEN": `{`, "OTHER": `{"v":1,"order":"X","event":"concert","stage":"paid"}`} {
			if _, err := s.store.Put(s.ctx, lockstore.Order{ID: id, Event: "concert", Body: []byte(body)}); err != nil {
				s.Fatal(err)
			}
			if o, err := s.Order(s.ctx, id); err == nil {
				s.Errorf("%s is read as %+v", id, o)
			}
		}
	})
}
