package payment_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// TestLostRefundNeedsAPerson checks an order of which the store has lost a refund. It
// is not known whether the buyer was to keep the seats, or which of them, so it needs a
// person, however the loss is found. The person's decision pays nothing twice.
func TestLostRefundNeedsAPerson(t *testing.T) {
	for _, c := range []struct {
		name    string
		back    int64 // of 200
		decides func(*shop, *payment.Order)
		stage   payment.Stage
		paid    int64 // back in the end
		seats   []lockstore.SeatID
	}{
		{"a part, and the buyer keeps the seats", 40, retried, payment.StagePaid, 40, seats("A1", "A2")},
		{"everything, and the buyer keeps the seats", 200, retried, payment.StageRefunded, 200, seats("A1", "A2")},
		{"one seat", 100, refunded(payment.Refunding{Seats: seats("A1")}), payment.StagePaid, 100, seats("A2")},
		{"one seat that the buyer keeps", 100, refunded(payment.Refunding{Seats: seats("A1"), Keep: true}), payment.StagePaid, 100, seats("A1", "A2")},
		{"everything with the seats", 200, refunded(payment.Refunding{}), payment.StageRefunded, 200, nil},
		{"a part, and everything is to be given back", 40, refunded(payment.Refunding{}), payment.StageRefunded, 200, nil},
	} {
		for found, find := range map[string]func(*shop, *payment.Order){
			"comparison": func(s *shop, _ *payment.Order) {
				if err := s.Recover(s.ctx, time.Time{}); err != nil {
					s.Fatal(err)
				}
			},
			"notice": func(s *shop, o *payment.Order) { s.Notice(s.ctx, o.Order) },
		} {
			t.Run(fmt.Sprintf("%s, found by a %s", c.name, found), func(t *testing.T) {
				inShop(t, true, func(s *shop) {
					o := s.paid("ann", "A1", "A2")
					if _, err := s.bank.Refund(s.ctx, o.Payment, c.back, string(o.Order)+"-refund-1"); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Minute)
					find(s, o)
					s.is(o.Order, payment.StageNeedsPerson, c.back, "A1", "A2")
					c.decides(s, o)
					time.Sleep(time.Hour)
					s.is(o.Order, c.stage, c.paid, c.seats...)
				})
			})
		}
	}
}

// forgets makes the store lose all changes of an order since the record was read.
func (s *shop) forgets(r lockstore.Order) {
	s.Helper()
	newest, err := s.store.Order(s.ctx, r.ID)
	if err != nil {
		s.Fatal(err)
	}
	r.Revision = newest.Revision
	if _, err := s.store.Put(s.ctx, r); err != nil {
		s.Fatal(err)
	}
}

// TestLostRefundIsNotTakenForTheNext checks that an order pays back the right amount if
// the store has lost a refund, whose key the next one uses.
func TestLostRefundIsNotTakenForTheNext(t *testing.T) {
	part := payment.Refunding{Seats: seats("A1")}
	for _, c := range []struct {
		name  string
		lost  payment.Refunding
		then  payment.Refunding
		err   error
		stage payment.Stage
		paid  int64 // back in the end, of 200
		seats []lockstore.SeatID
	}{
		{"a seat, then everything", part, payment.Refunding{}, nil, payment.StageRefunded, 200, nil},
		{"a part that keeps the seats, then everything", payment.Refunding{Amount: 40, Keep: true, Request: "r"}, payment.Refunding{}, nil, payment.StageRefunded, 200, nil},
		{"everything, twice", payment.Refunding{}, payment.Refunding{}, nil, payment.StageRefunded, 200, nil},
		{"everything that keeps the seats, then everything", payment.Refunding{Keep: true}, payment.Refunding{}, nil, payment.StageRefunded, 200, nil},
		{"a seat, then a part", part, payment.Refunding{Amount: 40}, payment.ErrStage, payment.StageNeedsPerson, 100, seats("A2")},
		{"everything that keeps the seats, then a seat", payment.Refunding{Keep: true}, part, payment.ErrStage, payment.StageNeedsPerson, 200, seats("A1", "A2")},
	} {
		for _, pending := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, pending %t", c.name, pending), func(t *testing.T) {
				inShop(t, true, func(s *shop) {
					if pending {
						s.bank.RefundStates = []paymenttest.RefundPlan{{First: payment.RefundPending, Then: payment.RefundDone, After: 15 * time.Minute}}
					}
					o := s.paid("ann", "A1", "A2")
					before, err := s.store.Order(s.ctx, o.Order)
					if err != nil {
						t.Fatal(err)
					}
					s.mustRefund(o, c.lost)
					s.forgets(before)
					if err := s.refund(o, c.then); !errors.Is(err, c.err) {
						t.Errorf("the refund: %v, want %v", err, c.err)
					}
					time.Sleep(time.Hour)
					s.is(o.Order, c.stage, c.paid, c.seats...)
				})
			})
		}
	}
}

// TestSeveralLostRefundsCountOnce checks that several lost refunds count once each,
// even if an attempt between them failed without a trace.
func TestSeveralLostRefundsCountOnce(t *testing.T) {
	for _, failing := range []int{0, 1} {
		t.Run(fmt.Sprintf("after %d that failed", failing), func(t *testing.T) {
			inShop(t, true, func(s *shop) {
				o := s.paid("ann", "A1", "A2", "A3")
				before, err := s.store.Order(s.ctx, o.Order)
				if err != nil {
					t.Fatal(err)
				}
				s.mustRefund(o, payment.Refunding{Seats: seats("A1")})
				s.bank.FailRefunds = failing
				s.mustRefund(o, payment.Refunding{Seats: seats("A2")})
				time.Sleep(time.Hour)
				s.is(o.Order, payment.StagePaid, 200, "A3")
				s.forgets(before)
				s.mustRefund(o, payment.Refunding{})
				o = s.is(o.Order, payment.StageRefunded, 300) // before a check of the refunds corrects it
				if o.Refunded != 300 || o.Outside != 0 {
					t.Errorf("the order says that %d were paid back, %d of them by somebody else; want 300 and 0", o.Refunded, o.Outside)
				}
				for _, m := range o.History {
					if strings.Contains(m.Why, "already") || strings.Contains(m.Why, "100 of") {
						t.Errorf("the history says %q, but the order has paid back 200 itself", m.Why)
					}
				}
			})
		})
	}
}

// TestLostRefundOfAnUnpaidOrder checks that an order which the store has as unpaid pays
// back what a lost refund has left.
func TestLostRefundOfAnUnpaidOrder(t *testing.T) {
	inShop(t, true, func(s *shop) {
		booked := make(map[lockstore.OrderID]lockstore.Order)
		s.Payments = s.on(noting{s.store, booked})
		o := s.paid("ann", "A1", "A2")
		s.mustRefund(o, payment.Refunding{Seats: seats("A1")})
		s.do(lockstore.Book("ann", lockstore.Ref(o.Order), "A1"))
		s.forgets(booked[o.Order])
		time.Sleep(time.Hour)
		s.is(o.Order, payment.StageRefunded, 200)
	})
}

// noting is a store that keeps the record of each order from when its seats are booked.
type noting struct {
	*memstore.Store
	booked map[lockstore.OrderID]lockstore.Order
}

func (n noting) Put(ctx context.Context, r lockstore.Order) (int64, error) {
	if strings.Contains(string(r.Body), `"stage":"booked"`) {
		n.booked[r.ID] = r
	}
	return n.Store.Put(ctx, r)
}

// straggling is a provider at which a lost refund takes effect just before the next one
// with its key.
type straggling struct {
	*paymenttest.Bank
	amount *int64
}

func (b straggling) Refund(ctx context.Context, id string, amount int64, key string) (payment.Refund, error) {
	if late := *b.amount; late > 0 {
		*b.amount = 0
		if _, err := b.Bank.Refund(ctx, id, late, key); err != nil {
			return payment.Refund{}, err
		}
	}
	return b.Bank.Refund(ctx, id, amount, key)
}

// TestLostRefundThatComesLate checks that a lost refund can be found while a part is
// already being given back.
func TestLostRefundThatComesLate(t *testing.T) {
	for _, c := range []struct {
		late  int64
		f     payment.Refunding
		stage payment.Stage
		paid  int64
		seats []lockstore.SeatID
	}{
		{40, payment.Refunding{Seats: seats("A1")}, payment.StagePaid, 100, seats("A2")},
		{40, payment.Refunding{Seats: seats("A1"), Keep: true}, payment.StagePaid, 100, seats("A1", "A2")},
		{40, payment.Refunding{}, payment.StageRefunded, 200, nil},
		{200, payment.Refunding{Seats: seats("A1")}, payment.StageNeedsPerson, 200, seats("A2")},
		{160, payment.Refunding{Seats: seats("A1"), Keep: true}, payment.StageNeedsPerson, 160, seats("A1", "A2")},
	} {
		t.Run(fmt.Sprintf("%d, then %s, kept %t", c.late, c.f.Seats, c.f.Keep), func(t *testing.T) {
			inShop(t, false, func(s *shop) {
				late := c.late
				s.Payments = s.with(func(config *payment.Config) { config.Provider = straggling{s.bank, &late} })
				s.work(func(s *shop) {
					o := s.paid("ann", "A1", "A2")
					s.mustRefund(o, c.f)
					time.Sleep(time.Hour)
					s.is(o.Order, c.stage, c.paid, c.seats...)
					if c.stage == payment.StageNeedsPerson {
						retried(s, o)
						time.Sleep(time.Hour)
						s.mustRefund(o, payment.Refunding{})
						s.is(o.Order, payment.StageRefunded, 200)
					}
				})
			})
		})
	}
}

func retried(s *shop, o *payment.Order) {
	if _, err := s.Retry(s.ctx, o.Order, "olga"); err != nil {
		s.Fatal(err)
	}
}

func refunded(f payment.Refunding) func(*shop, *payment.Order) {
	return func(s *shop, o *payment.Order) { s.mustRefund(o, f) }
}

func seats(ids ...lockstore.SeatID) []lockstore.SeatID { return ids }
