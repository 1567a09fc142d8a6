package payment_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// TestPartIsNotRefundedUncompared checks that a part of an order is not paid back
// before the provider has listed the earlier refunds, whether it refuses to or cannot
// be reached.
func TestPartIsNotRefundedUncompared(t *testing.T) {
	for name, silence := range map[string]func(*strange, bool){
		"refuses": func(p *strange, on bool) { p.wrong.Store(on) },
		"is away": func(p *strange, on bool) { p.away.Store(on) },
	} {
		t.Run(name, func(t *testing.T) {
			withStrange(t, func(s *shop, p *strange) {
				o := s.paid("ann", "A1", "A2")
				before, err := s.store.Order(s.ctx, o.Order)
				if err != nil {
					t.Fatal(err)
				}
				s.mustRefund(o, payment.Refunding{Seats: seats("A1")})
				s.forgets(before)
				silence(p, true)
				for range 2 { // the first one does not affect the second
					if err := s.refund(o, payment.Refunding{Seats: seats("A1")}); !errors.Is(err, payment.ErrNotCompared) {
						t.Errorf("the refund while the provider is silent: %v, want ErrNotCompared", err)
					}
				}
				silence(p, false)
				if err := s.refund(o, payment.Refunding{Seats: seats("A1")}); !errors.Is(err, payment.ErrStage) {
					t.Errorf("the refund after that: %v, want ErrStage, since the store has lost one", err)
				}
				s.is(o.Order, payment.StageNeedsPerson, 100, "A2")
			})
		})
	}
}

// TestRepeatOfARequestNeedsNoProvider checks that a request that was carried out can be
// repeated while the provider does not answer.
func TestRepeatOfARequestNeedsNoProvider(t *testing.T) {
	withStrange(t, func(s *shop, p *strange) {
		o := s.paid("ann", "A1", "A2")
		request := payment.Refunding{Amount: 40, Keep: true, Request: "r"}
		s.mustRefund(o, request)
		p.away.Store(true)
		s.mustRefund(o, request)
		request.Amount = 50
		if err := s.refund(o, request); !errors.Is(err, lockstore.ErrInvalid) {
			t.Errorf("another request of that name: %v, want an InvalidError", err)
		}
		p.away.Store(false)
		s.is(o.Order, payment.StagePaid, 40, "A1", "A2")
	})
}

// anotherBank is a bank of another name.
type anotherBank struct{ *paymenttest.Bank }

func (anotherBank) Name() string { return "another bank" }

// TestPartOfAnOrderOfAnotherProvider checks that a program with another provider
// accepts the refund of a part, and leaves it to one with the order's provider.
func TestPartOfAnOrderOfAnotherProvider(t *testing.T) {
	inShop(t, true, func(s *shop) {
		o := s.paid("ann", "A1", "A2")
		time.Sleep(time.Minute)
		another := s.with(func(c *payment.Config) { c.Provider = anotherBank{new(paymenttest.Bank)} })
		if _, err := another.Refund(s.ctx, payment.Refunding{Order: o.Order, Seats: seats("A1")}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.is(o.Order, payment.StagePaid, 100, "A2")
	})
}

// unwritable is a store that refuses to write orders.
type unwritable struct {
	*memstore.Store
	err error
}

func (u unwritable) Put(context.Context, lockstore.Order) (int64, error) { return 0, u.err }

// TestStoreFailsWhileRefundsAreCompared checks that the error of a store that fails
// while refunds are compared is not reported as the provider's.
func TestStoreFailsWhileRefundsAreCompared(t *testing.T) {
	inShop(t, false, func(s *shop) {
		o := s.paid("ann", "A1", "A2")
		if _, err := s.bank.Refund(s.ctx, o.Payment, 50, "by hand"); err != nil {
			t.Fatal(err)
		}
		for _, want := range []error{lockstore.ErrUnavailable, lockstore.ErrOutcomeUnknown} {
			s.Payments = s.on(unwritable{s.store, want})
			if err := s.refund(o, payment.Refunding{Seats: seats("A1")}); !errors.Is(err, want) || errors.Is(err, payment.ErrNotCompared) {
				t.Errorf("the refund: %v, want %v", err, want)
			}
		}
	})
}
