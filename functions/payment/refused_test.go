package payment_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
)

// strange is a bank to which the sessions of others are unknown.
type strange struct {
	*paymenttest.Bank
	wrong atomic.Bool // asked with the key of another account
	away  atomic.Bool // unreachable
	once  atomic.Bool // answers once more, and is wrong then
}

func (p *strange) Fetch(ctx context.Context, session string) (payment.Payment, error) {
	if p.wrong.Load() {
		return payment.Payment{}, fmt.Errorf("%w: no such session: %s", payment.ErrRefused, session)
	}
	if p.away.Load() {
		return payment.Payment{}, errors.New("no route to the bank")
	}
	if p.once.Swap(false) {
		p.wrong.Store(true)
	}
	return p.Bank.Fetch(ctx, session)
}

func (p *strange) Refunds(ctx context.Context, id string) ([]payment.Refund, error) {
	if p.wrong.Load() {
		return nil, fmt.Errorf("%w: no such payment: %s", payment.ErrRefused, id)
	}
	if p.away.Load() {
		return nil, errors.New("no route to the bank")
	}
	return p.Bank.Refunds(ctx, id)
}

func (p *strange) Capture(ctx context.Context, id, key string) error {
	if p.wrong.Load() {
		return fmt.Errorf("%w: no such payment: %s", payment.ErrRefused, id)
	}
	return p.Bank.Capture(ctx, id, key)
}

// stuck returns an order that ann has paid, and that needs a person because the
// provider refused to answer. The provider answers from now on.
func (p *strange) stuck(s *shop) *payment.Order {
	s.Helper()
	o := s.begin("ann", "A1")
	s.bank.Pay(o.Session)
	p.wrong.Store(true)
	time.Sleep(2 * time.Hour)
	p.wrong.Store(false)
	return s.is(o.Order, payment.StageNeedsPerson, 0)
}

// withStrange runs a test with a worker and a strange bank.
func withStrange(t *testing.T, test func(*shop, *strange)) {
	inShop(t, false, func(s *shop) {
		p := &strange{Bank: s.bank}
		s.Payments = s.with(func(c *payment.Config) { c.Provider = p })
		s.work(func(s *shop) { test(s, p) })
	})
}

// TestProviderThatRefusesForGood checks that an order whose provider keeps refusing to
// answer needs a person, with the cause in its history, and that it continues once the
// provider answers.
func TestProviderThatRefusesForGood(t *testing.T) {
	for _, c := range []struct {
		name  string
		then  func(*shop, *payment.Order)
		stage payment.Stage
		kept  int64
	}{
		{"tried again", func(s *shop, o *payment.Order) { s.Retry(s.ctx, o.Order, "olga") }, payment.StagePaid, 100},
		{"refunded", func(s *shop, o *payment.Order) { s.mustRefund(o, payment.Refunding{}) }, payment.StageClosed, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			withStrange(t, func(s *shop, p *strange) {
				o := s.begin("ann", "A1")
				s.bank.Pay(o.Session)
				p.wrong.Store(true)
				time.Sleep(time.Hour)
				if got, err := s.Order(s.ctx, o.Order); err != nil || got.Stage != payment.StageOpen {
					t.Fatalf("after an hour the order is %v (%v), want open: the key may be wrong for a moment", got, err)
				}
				for range 100 { // a buyer who keeps coming back must not count
					s.Reconcile(s.ctx, o.Order)
				}
				time.Sleep(time.Hour)
				got, err := s.Order(s.ctx, o.Order)
				if err != nil || got.Stage != payment.StageNeedsPerson || !strings.Contains(got.History[len(got.History)-1].Why, "no such session") {
					t.Fatalf("after two hours the order is %+v (%v), want it to need a person and to say why", got, err)
				}
				p.wrong.Store(false)
				time.Sleep(time.Hour)
				if got, err := s.Order(s.ctx, o.Order); err != nil || got.Stage != payment.StageNeedsPerson {
					t.Errorf("before the person has decided, the order is %v (%v)", got, err)
				}
				c.then(s, o)
				time.Sleep(time.Minute)
				got, err = s.Order(s.ctx, o.Order)
				if money := s.bank.Balances()[o.Order]; err != nil || got.Stage != c.stage || money.Kept() != c.kept {
					t.Errorf("in the end the order is %+v (%v) with %+v, want it %s", got, err, money, c.stage)
				}
			})
		})
	}
}

// TestProviderThatRefusesForAMoment checks that an order is paid although the provider
// refused once.
func TestProviderThatRefusesForAMoment(t *testing.T) {
	withStrange(t, func(s *shop, p *strange) {
		o := s.begin("ann", "A1")
		s.bank.Pay(o.Session)
		p.wrong.Store(true)
		time.Sleep(2 * time.Minute)
		p.wrong.Store(false)
		time.Sleep(5 * time.Minute)
		s.is(o.Order, payment.StagePaid, 0, "A1")
	})
}

// TestRetryWhileTheProviderIsAway checks that an order that is retried while the
// provider is unreachable is worked on later.
func TestRetryWhileTheProviderIsAway(t *testing.T) {
	withStrange(t, func(s *shop, p *strange) {
		o := p.stuck(s)
		p.away.Store(true)
		if got, err := s.Retry(s.ctx, o.Order, "olga"); err != nil || got.Stage != payment.StageOpen {
			t.Fatalf("the order is %+v (%v), want open", got, err)
		}
		p.away.Store(false)
		time.Sleep(time.Minute)
		s.is(o.Order, payment.StagePaid, 0, "A1")
	})
}

// TestRetryOfAnOrderThatWasGivenUp checks that a buyer who gives up an order that needs
// a person does not pay for it when it is retried, nor for two orders of one event.
func TestRetryOfAnOrderThatWasGivenUp(t *testing.T) {
	t.Run("released", func(t *testing.T) {
		withStrange(t, func(s *shop, p *strange) {
			o := p.stuck(s)
			p.wrong.Store(true)
			if _, err := s.Close(s.ctx, o.Order, "ann"); err != nil {
				t.Fatal(err)
			}
			p.wrong.Store(false)
			s.Retry(s.ctx, o.Order, "olga")
			time.Sleep(time.Hour)
			s.is(o.Order, payment.StageClosed, 0)
		})
	})
	t.Run("paying for another seat", func(t *testing.T) {
		withStrange(t, func(s *shop, p *strange) {
			o := p.stuck(s)
			other := s.begin("ann", "A2")
			s.Retry(s.ctx, o.Order, "olga")
			s.bank.Pay(other.Session)
			time.Sleep(5 * time.Minute)
			s.is(o.Order, payment.StageClosed, 0)
			s.is(other.Order, payment.StagePaid, 0, "A2")
		})
	})
}

// TestCheckoutOfAnOrderThatNeedsAPerson checks that a buyer whose seats are booked gets
// the existing order, even if it needs a person.
func TestCheckoutOfAnOrderThatNeedsAPerson(t *testing.T) {
	withStrange(t, func(s *shop, p *strange) {
		o := s.begin("ann", "A1")
		s.bank.Pay(o.Session)
		p.once.Store(true)
		s.Reconcile(s.ctx, o.Order)
		time.Sleep(2 * time.Hour)
		s.is(o.Order, payment.StageNeedsPerson, 0, "A1")
		if again, err := s.checkout("ann", "A1"); err != nil || again.Order != o.Order {
			t.Errorf("a second checkout has %+v, %v; want the first order", again, err)
		}
		p.wrong.Store(false)
		s.Retry(s.ctx, o.Order, "olga")
		time.Sleep(time.Minute)
		s.is(o.Order, payment.StagePaid, 0, "A1")
	})
}

// TestRefusalsInARow checks that refusals hours apart do not add up.
func TestRefusalsInARow(t *testing.T) {
	inShop(t, false, func(s *shop) {
		p := &strange{Bank: s.bank}
		s.Payments = s.with(func(c *payment.Config) { c.Provider = p })
		s.bank.Decides = 24 * time.Hour
		o := s.begin("ann", "A1")
		s.bank.Pay(o.Session)
		for range 6 {
			p.wrong.Store(true)
			if _, err := s.Reconcile(s.ctx, o.Order); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Hour)
			p.wrong.Store(false)
			s.reconcile(o.Order)
		}
		s.is(o.Order, payment.StageOpen, 0)
		time.Sleep(12 * time.Hour)
		s.reconcile(o.Order)
		s.is(o.Order, payment.StagePaid, 0, "A1")
	})
}

// TestLookIsPutOff checks that a refund that failed after it was done is noticed even
// if the provider refused to list the refunds when they were first checked.
func TestLookIsPutOff(t *testing.T) {
	inShop(t, false, func(s *shop) {
		p := &strange{Bank: s.bank}
		s.Payments = s.with(func(c *payment.Config) { c.Provider = p })
		s.bank.RefundStates = []paymenttest.RefundPlan{{First: payment.RefundDone, Then: payment.RefundFailed, After: 90 * time.Minute}}
		o := s.paid("ann", "A1")
		s.mustRefund(o, payment.Refunding{})
		look := func() {
			time.Sleep(61 * time.Minute)
			if _, err := s.Round(s.ctx); err != nil {
				t.Fatal(err)
			}
		}
		p.wrong.Store(true)
		look()
		p.wrong.Store(false)
		look()
		s.is(o.Order, payment.StageRefunded, 100)
	})
}
