package paymenttest_test

import (
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
)

func TestBank(t *testing.T) {
	paymenttest.Provider(t, func(*testing.T) (payment.Provider, func(payment.Session) error) {
		b := new(paymenttest.Bank)
		return b, func(s payment.Session) error { return b.Pay(s.ID) }
	})
}

// TestBankCountsFailures checks that each planned failure is counted once, after it has
// happened.
func TestBankCountsFailures(t *testing.T) {
	b := &paymenttest.Bank{FailCaptures: 1, Refuse: 1, FailRefunds: 1, RefundStates: []paymenttest.RefundPlan{
		{First: payment.RefundFailed}, {First: payment.RefundPending, Then: payment.RefundFailed},
	}}
	s, err := b.Open(t.Context(), payment.Request{Terms: payment.Terms{Order: "ORDER1", Amount: 100, PayBefore: time.Now().Add(time.Hour)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Pay(s.ID); err != nil {
		t.Fatal(err)
	}
	p, err := b.Fetch(t.Context(), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	capture := func(key string) { b.Capture(t.Context(), p.ID, key) }
	refund := func(key string) { b.Refund(t.Context(), p.ID, 100, key) }
	for n, act := range []func(){
		func() { capture("c1") }, func() { capture("c2") }, func() { refund("r1") }, func() { refund("r2") }, func() { refund("r3") },
	} {
		act()
		if n == 1 {
			capture("c3") // succeeds
		}
		if got := b.Failures(); got != n+1 {
			t.Errorf("%d failures are counted after %d", got, n+1)
		}
	}
	refund("r4") // succeeds
	if got := b.Failures(); got != 5 {
		t.Errorf("%d failures are counted in the end, want 5", got)
	}
}
