package payment_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
	"seatlock/lockstore"
)

// An unluckyBank is a bank that lets something happen just before or after a call,
// which would otherwise happen only by chance.
type unluckyBank struct {
	*paymenttest.Bank
	open, capture, void func(call func() error) error
}

func (b *unluckyBank) Open(ctx context.Context, r payment.Request) (s payment.Session, err error) {
	if b.open == nil {
		return b.Bank.Open(ctx, r)
	}
	err = b.open(func() error { s, err = b.Bank.Open(ctx, r); return err })
	return s, err
}

func (b *unluckyBank) Capture(ctx context.Context, id, key string) error {
	if b.capture == nil {
		return b.Bank.Capture(ctx, id, key)
	}
	return b.capture(func() error { return b.Bank.Capture(ctx, id, key) })
}

func (b *unluckyBank) Void(ctx context.Context, id string) error {
	if b.void == nil {
		return b.Bank.Void(ctx, id)
	}
	return b.void(func() error { return b.Bank.Void(ctx, id) })
}

// atUnluckyBank is inShop with an unlucky bank and without a worker.
func atUnluckyBank(t *testing.T, test func(*shop, *unluckyBank)) {
	inShop(t, false, func(s *shop) {
		b := &unluckyBank{Bank: s.bank}
		s.provider = b
		s.Payments = s.on(s.store)
		test(s, b)
	})
}

// reconcile works on an order until nothing more needs to be done.
func (s *shop) reconcile(id lockstore.OrderID) {
	for range 20 {
		s.Reconcile(s.ctx, id) // may fail; the next one continues
		time.Sleep(time.Minute)
	}
}

// TestUnknownSessionIsClosed checks that a session is closed even if the answer to the
// call that opened it was lost.
func TestUnknownSessionIsClosed(t *testing.T) {
	atUnluckyBank(t, func(s *shop, b *unluckyBank) {
		b.open = func(call func() error) error { return errors.Join(call(), errors.New("no answer")) }
		s.do(lockstore.Lock("ann", "A1"))
		o, err := s.checkout("ann", "A1")
		if err == nil || o == nil || o.Stage != payment.StageOpening {
			t.Fatalf("the checkout is %+v (%v), want an order that is not open yet", o, err)
		}
		time.Sleep(time.Hour / 2)
		b.open = nil
		s.reconcile(o.Order)
		s.is(o.Order, payment.StageClosed, 0)
		if p := s.bank.Sessions()[0]; p.State != payment.Void {
			t.Errorf("the session is %s", p.State)
		}
	})
}

// TestRefusedCaptureMayHaveHappened checks an order whose capture is refused because an
// earlier call has made it.
func TestRefusedCaptureMayHaveHappened(t *testing.T) {
	atUnluckyBank(t, func(s *shop, b *unluckyBank) {
		b.capture = func(call func() error) error { return errors.Join(call(), payment.ErrRefused) }
		s.paid("ann", "A1")
	})
}

// TestMoneyIsTakenWhileItIsGivenUp checks a late call that takes the money just before
// the payment is given up.
func TestMoneyIsTakenWhileItIsGivenUp(t *testing.T) {
	atUnluckyBank(t, func(s *shop, b *unluckyBank) {
		o := s.begin("ann", "A1")
		s.do(lockstore.Evict("ann", "A1"))
		s.do(lockstore.Book("bob", "", "A1"))
		if err := s.bank.Pay(o.Session); err != nil {
			t.Fatal(err)
		}
		b.void = func(call func() error) error {
			if err := s.bank.Capture(s.ctx, s.bank.Sessions()[0].ID, "late"); err != nil {
				t.Error(err)
			}
			return call()
		}
		s.reconcile(o.Order)
		s.is(o.Order, payment.StageRefunded, 100)
	})
}

// TestSeatsAreCancelledWhileMoneyIsTaken checks an order whose seats are cancelled in
// the store while the money is taken.
func TestSeatsAreCancelledWhileMoneyIsTaken(t *testing.T) {
	atUnluckyBank(t, func(s *shop, b *unluckyBank) {
		o := s.begin("ann", "A1")
		if err := s.bank.Pay(o.Session); err != nil {
			t.Fatal(err)
		}
		b.capture = func(call func() error) error {
			s.do(lockstore.Cancel("ann", "", "A1"))
			return call()
		}
		s.reconcile(o.Order)
		s.is(o.Order, payment.StageRefunded, 100)
	})
}

// TestOtherAmountIsGivenBack checks that a payment whose amount differs from the
// order's is given back.
func TestOtherAmountIsGivenBack(t *testing.T) {
	inShop(t, false, func(s *shop) {
		o := s.begin("ann", "A1")
		if err := s.bank.PayAmount(o.Session, 50); err != nil {
			t.Fatal(err)
		}
		s.reconcile(o.Order)
		s.is(o.Order, payment.StageClosed, 0)
	})
}

// TestProviderAway checks that an order is not lost while the provider is unreachable.
func TestProviderAway(t *testing.T) {
	atUnluckyBank(t, func(s *shop, b *unluckyBank) {
		away := fmt.Errorf("no route")
		b.open = func(func() error) error { return away }
		s.do(lockstore.Lock("ann", "A1"))
		first, err := s.checkout("ann", "A1")
		if !errors.Is(err, away) || first == nil {
			t.Fatalf("the checkout is %+v (%v)", first, err)
		}
		b.open = nil
		again, err := s.checkout("ann", "A1")
		if err != nil || again.Order != first.Order || again.Stage != payment.StageOpen {
			t.Errorf("the second checkout is %+v (%v), want the same order, open", again, err)
		}
	})
}
