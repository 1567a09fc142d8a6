package payment_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
	"seatlock/lockstore"
)

// refund makes a refund one minute later, when no booking or move is under way any
// more, and lets another minute pass.
func (s *shop) refund(o *payment.Order, f payment.Refunding) error {
	time.Sleep(time.Minute)
	f.Order, f.By = o.Order, "operator"
	_, err := s.Refund(s.ctx, f)
	time.Sleep(time.Minute)
	return err
}

func (s *shop) mustRefund(o *payment.Order, f payment.Refunding) {
	s.Helper()
	if err := s.refund(o, f); err != nil {
		s.Fatal(err)
	}
}

// TestRequestPaysOnce checks that a repeated request pays once, and that another
// request pays again.
func TestRequestPaysOnce(t *testing.T) {
	inShop(t, true, func(s *shop) {
		o := s.paid("ann", "A1", "A2", "A3")
		for _, request := range []string{"r1", "r1", "r2", "r1", "r2"} {
			s.mustRefund(o, payment.Refunding{Amount: 50, Keep: true, Request: request})
		}
		s.is(o.Order, payment.StagePaid, 100, "A1", "A2", "A3")
		for name, f := range map[string]payment.Refunding{
			"the name of another request": {Amount: 60, Keep: true, Request: "r1"},
			"no name":                     {Amount: 50, Keep: true},
			"a name that is none":         {Amount: 50, Keep: true, Request: "r 3"},
			"an amount below 0":           {Amount: -5},
			"an amount below 0 of a seat": {Seats: []lockstore.SeatID{"A1"}, Amount: -5},
		} {
			if err := s.refund(o, f); !errors.Is(err, lockstore.ErrInvalid) {
				s.Errorf("%s: %v, want an InvalidError", name, err)
			}
		}
		s.is(o.Order, payment.StagePaid, 100, "A1", "A2", "A3")
	})
}

// TestSeatIsPaidBackOnce checks that what was paid back for a seat is not paid back
// again, and that no more than its price is paid back.
func TestSeatIsPaidBackOnce(t *testing.T) {
	a1 := []lockstore.SeatID{"A1"}
	for _, c := range []struct {
		name     string
		first    payment.Refunding
		move     bool // A1 becomes A5
		then     payment.Refunding
		refunded int64
	}{
		{"a part of the whole, then a seat", payment.Refunding{Amount: 60, Keep: true, Request: "r"}, false, payment.Refunding{Seats: a1}, 60 + 80},
		{"a part of a seat, then the seat", payment.Refunding{Seats: a1, Amount: 30, Keep: true, Request: "r"}, false, payment.Refunding{Seats: a1}, 100},
		{"a part of a seat, then the rest, and it is kept", payment.Refunding{Seats: a1, Amount: 30, Keep: true, Request: "r"}, false, payment.Refunding{Seats: a1, Keep: true}, 100},
		{"a seat that is kept, moved and given back", payment.Refunding{Seats: a1, Keep: true}, true, payment.Refunding{Seats: []lockstore.SeatID{"A5"}}, 100},
		{"a seat that is named twice", payment.Refunding{Seats: []lockstore.SeatID{"A1", "A1"}}, false, payment.Refunding{Seats: a1}, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			inShop(t, true, func(s *shop) {
				o := s.paid("ann", "A1", "A2", "A3")
				s.mustRefund(o, c.first)
				if c.move {
					if _, err := s.Move(s.ctx, o.Order, a1, c.then.Seats, "operator"); err != nil {
						s.Fatal(err)
					}
				}
				s.mustRefund(o, c.then)
				left := []lockstore.SeatID{"A2", "A3"}
				if c.then.Keep {
					left = slices.Concat(a1, left)
				}
				s.is(o.Order, payment.StagePaid, c.refunded, left...)
				s.mustRefund(o, payment.Refunding{})
				s.is(o.Order, payment.StageRefunded, 300)
			})
		})
	}
}

// TestKeptSeatsAreGivenBack checks that seats that a buyer keeps after a refund can
// still be given back.
func TestKeptSeatsAreGivenBack(t *testing.T) {
	inShop(t, true, func(s *shop) {
		o := s.paid("ann", "A1", "A2")
		s.mustRefund(o, payment.Refunding{Keep: true})
		s.is(o.Order, payment.StageRefunded, 200, "A1", "A2")
		s.mustRefund(o, payment.Refunding{Seats: []lockstore.SeatID{"A1"}})
		s.is(o.Order, payment.StageRefunded, 200, "A2")
		s.mustRefund(o, payment.Refunding{})
		s.is(o.Order, payment.StageRefunded, 200)
	})
}

func TestAmountOfUnpaidOrderIsRefused(t *testing.T) {
	inShop(t, true, func(s *shop) {
		o := s.begin("ann", "A1")
		if _, err := s.Refund(s.ctx, payment.Refunding{Order: o.Order, Amount: 50}); !errors.Is(err, payment.ErrStage) {
			s.Errorf("paying back an amount of an open order: %v, want ErrStage", err)
		}
		s.is(o.Order, payment.StageOpen, 0)
	})
}

// TestCancelledEventPassesNoOrderOver checks that a cancelled event gives back the rest
// of every order, whatever its state.
func TestCancelledEventPassesNoOrderOver(t *testing.T) {
	pending := paymenttest.RefundPlan{First: payment.RefundPending, Then: payment.RefundDone, After: 15 * time.Minute}
	failing := slices.Repeat([]paymenttest.RefundPlan{{First: payment.RefundFailed}}, 5)
	for _, c := range []struct {
		name   string
		plans  []paymenttest.RefundPlan
		before func(*shop, *payment.Order)
		stage  payment.Stage // before the event is cancelled
	}{
		{"a part is being given back", []paymenttest.RefundPlan{pending}, func(s *shop, o *payment.Order) {
			s.mustRefund(o, payment.Refunding{Seats: o.Seats[:1]})
		}, payment.StageGivingBack},
		{"the money is being given back, and the buyer keeps the seats", []paymenttest.RefundPlan{pending}, func(s *shop, o *payment.Order) {
			s.mustRefund(o, payment.Refunding{Keep: true})
		}, payment.StageGivingBack},
		{"the buyer has kept the seats", nil, func(s *shop, o *payment.Order) { s.mustRefund(o, payment.Refunding{Keep: true}) }, payment.StageRefunded},
		{"a part could not be given back", failing, func(s *shop, o *payment.Order) {
			s.mustRefund(o, payment.Refunding{Seats: o.Seats[:1]})
			time.Sleep(3 * time.Hour)
		}, payment.StageNeedsPerson},
		{"others have the seats", nil, func(s *shop, o *payment.Order) {
			s.do(lockstore.Cancel("", lockstore.Ref(o.Order), o.Seats...))
			s.do(lockstore.Book("dan", "", o.Seats[0]))
			s.Audit(s.ctx, s.event.ID)
		}, payment.StageNeedsPerson},
	} {
		t.Run(c.name, func(t *testing.T) {
			inShop(t, true, func(s *shop) {
				s.bank.RefundStates = c.plans
				o := s.paid("ann", "A1", "A2", "A3")
				c.before(s, o)
				if o, err := s.Order(s.ctx, o.Order); err != nil || o.Stage != c.stage {
					s.Fatalf("the order is %+v (%v), want %s", o, err, c.stage)
				}
				for n := range 2 { // the second call has nothing to do
					moved, _, err := s.CancelEvent(s.ctx, s.event.ID, "", "operator")
					if err != nil || moved != 1-n {
						s.Errorf("call %d has moved %d orders (%v)", n, moved, err)
					}
				}
				time.Sleep(3 * time.Hour)
				s.is(o.Order, payment.StageRefunded, 300)
			})
		})
	}
}

// TestRefundThatFailsLaterIsMadeAgain checks that a refund that fails hours or days
// after it was done is made again, even without a notice.
func TestRefundThatFailsLaterIsMadeAgain(t *testing.T) {
	for _, age := range []time.Duration{time.Hour, 48 * time.Hour, 9 * 24 * time.Hour} {
		for _, notice := range []bool{false, true} {
			inShop(t, false, func(s *shop) {
				failing := paymenttest.RefundPlan{First: payment.RefundDone, Then: payment.RefundFailed, After: age}
				s.bank.RefundStates = []paymenttest.RefundPlan{{First: payment.RefundDone}, failing, {First: payment.RefundDone}, failing}
				whole, part := s.paid("ann", "A1", "A2", "A3"), s.paid("bob", "A4", "A5")
				s.mustRefund(whole, payment.Refunding{Seats: []lockstore.SeatID{"A1"}})
				s.mustRefund(whole, payment.Refunding{})
				s.bank.RefundStates = s.bank.RefundStates[1:]
				s.mustRefund(part, payment.Refunding{Seats: []lockstore.SeatID{"A4"}})
				s.is(whole.Order, payment.StageRefunded, 300)
				s.is(part.Order, payment.StagePaid, 100, "A5")
				time.Sleep(age)
				if notice {
					s.Notice(s.ctx, whole.Order)
					s.Notice(s.ctx, part.Order)
				} else {
					s.days(14)
				}
				s.is(whole.Order, payment.StageRefunded, 300)
				s.is(part.Order, payment.StagePaid, 100, "A5")
			})
		}
	}
}

// days lets days pass, and works on due orders every hour.
func (s *shop) days(n int) {
	for range n * 24 {
		time.Sleep(time.Hour)
		if _, err := s.Round(s.ctx); err != nil {
			s.Fatal(err)
		}
	}
}

// TestRefundAtTheProviderCounts checks that refunds made by hand at the provider count.
func TestRefundAtTheProviderCounts(t *testing.T) {
	inShop(t, true, func(s *shop) {
		part, whole := s.paid("ann", "A1", "A2"), s.paid("bob", "A3")
		byHand := func(o *payment.Order, amount int64) {
			if _, err := s.bank.Refund(s.ctx, o.Payment, amount, "by hand, "+o.Payment); err != nil {
				s.Fatal(err)
			}
			time.Sleep(time.Minute)
			s.Notice(s.ctx, o.Order)
		}
		byHand(part, 50)
		if o := s.is(part.Order, payment.StagePaid, 50, "A1", "A2"); o.Refunded != 50 {
			s.Errorf("the order says that %d were paid back", o.Refunded)
		}
		s.mustRefund(part, payment.Refunding{})
		s.is(part.Order, payment.StageRefunded, 200)
		byHand(whole, 100)
		s.is(whole.Order, payment.StageRefunded, 100) // and the seat is free
	})
}

// TestNoticeOfARefundChangesNothing checks that a notice that is repeated a hundred
// times changes nothing more.
func TestNoticeOfARefundChangesNothing(t *testing.T) {
	inShop(t, true, func(s *shop) {
		o := s.paid("ann", "A1", "A2")
		s.mustRefund(o, payment.Refunding{Seats: []lockstore.SeatID{"A1"}})
		before, _ := s.Order(s.ctx, o.Order)
		for range 100 {
			s.Notice(s.ctx, o.Order)
		}
		if after := s.is(o.Order, payment.StagePaid, 100, "A2"); after.Revision != before.Revision {
			s.Errorf("the order was written %d times", after.Revision-before.Revision)
		}
	})
}

// lateRefunds is a provider whose first refunds fail, but the last of them takes effect
// a little later.
type lateRefunds struct {
	*paymenttest.Bank
	failing *int
}

func (l lateRefunds) Refund(ctx context.Context, id string, amount int64, key string) (payment.Refund, error) {
	if *l.failing--; *l.failing < 0 {
		return l.Bank.Refund(ctx, id, amount, key)
	}
	if *l.failing == 0 {
		go func() {
			time.Sleep(10 * time.Second)
			l.Bank.Refund(context.WithoutCancel(ctx), id, amount, key)
		}()
	}
	return payment.Refund{}, payment.ErrFailed
}

// TestRetryFindsEarlierAttempts checks that a retry finds an attempt that was reported
// as failed but took effect.
func TestRetryFindsEarlierAttempts(t *testing.T) {
	inShop(t, false, func(s *shop) {
		failing := 5
		s.Payments = s.with(func(c *payment.Config) { c.Provider = lateRefunds{s.bank, &failing} })
		s.work(func(s *shop) {
			o := s.paid("ann", "A1", "A2", "A3")
			s.mustRefund(o, payment.Refunding{Seats: []lockstore.SeatID{"A1"}})
			time.Sleep(3 * time.Hour)
			s.is(o.Order, payment.StageNeedsPerson, 100, "A2", "A3")
			if _, err := s.Retry(s.ctx, o.Order, "operator"); err != nil {
				s.Fatal(err)
			}
			time.Sleep(time.Hour)
			if o := s.is(o.Order, payment.StagePaid, 100, "A2", "A3"); o.Refunded != 100 {
				s.Errorf("the order says that %d were paid back", o.Refunded)
			}
		})
	})
}

// tipping is a provider that takes a different amount than it was asked for.
type tipping struct {
	*paymenttest.Bank
	more int64
}

func (b tipping) Open(ctx context.Context, r payment.Request) (payment.Session, error) {
	r.Amount += b.more
	return b.Bank.Open(ctx, r)
}

// TestOtherAmountIsGivenBackInFull checks that a payment whose amount differs from the
// order's is given back in full.
func TestOtherAmountIsGivenBackInFull(t *testing.T) {
	for _, more := range []int64{-40, 50, 100} {
		for _, closed := range []bool{false, true} {
			inShop(t, false, func(s *shop) {
				s.bank.Immediate = true
				s.Payments = s.with(func(c *payment.Config) { c.Provider = tipping{s.bank, more} })
				s.work(func(s *shop) {
					o := s.begin("ann", "A1")
					s.bank.Pay(o.Session)
					if closed {
						s.Close(s.ctx, o.Order, "")
					}
					time.Sleep(time.Hour)
					s.is(o.Order, payment.StageRefunded, 100+more)
				})
			})
		}
	}
}
