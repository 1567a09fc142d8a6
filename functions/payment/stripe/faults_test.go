package stripe_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/stripe"
	"seatlock/functions/payment/stripe/fake"
)

// TestWorkersDoOneThingTogether checks that calls of several workers with one key are
// one call, and that none of the workers gets an error.
func TestWorkersDoOneThingTogether(t *testing.T) {
	play(t, stripe.Config{}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
		together := func(what string, call func() error) {
			t.Helper()
			var workers sync.WaitGroup
			for range 3 {
				workers.Go(func() { must(t, what, call()) })
			}
			workers.Wait()
		}
		at.Fail(func(fake.Call) fake.Fault { return fake.Fault{Before: 300 * time.Millisecond} })
		r := order("o1")
		together("open", func() error { _, err := s.Open(t.Context(), r); return err })
		p := paid(t, s, at, "o1")
		together("capture", func() error { return s.Capture(t.Context(), p.ID, "o1.1") })
		together("refund", func() error { _, err := s.Refund(t.Context(), p.ID, 42, "o1.1"); return err })
		want := fake.Money{Sessions: 1, Captured: 8400, Captures: 1, Refunded: 42}
		if m := at.Money()["o1"]; m != want {
			t.Errorf("Stripe has %+v, want %+v", m, want)
		}
	})
}

func TestALostAnswerIsRepeatedWithTheSameKey(t *testing.T) {
	for _, fault := range []fake.Fault{{Lost: true}, {Lost: true, NoEffect: true}} {
		play(t, stripe.Config{}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
			failing(at, openRoute, true, fault)
			p := paid(t, s, at, "o1")
			failing(at, captureRoute, true, fault)
			must(t, "capture", s.Capture(t.Context(), p.ID, "o1.1"))
			failing(at, refundRoute, true, fault)
			_, err := s.Refund(t.Context(), p.ID, 4200, "o1.1")
			must(t, "refund", err)
			want := fake.Money{Sessions: 1, Captured: 8400, Captures: 1, Refunded: 4200}
			if m := at.Money()["o1"]; m != want {
				t.Errorf("Stripe has %+v, want %+v", m, want)
			}
		})
	}
}

// TestAnErrorIsNoDecision checks that a call counts as refused or failed only if Stripe
// has said so.
func TestAnErrorIsNoDecision(t *testing.T) {
	for name, fault := range map[string]fake.Fault{
		"no connection":     {Lost: true, NoEffect: true},
		"every answer lost": {Lost: true},
		"too many requests": {Status: 429},
		"gateway":           {Status: 502, NoEffect: true},
		"not available":     {Status: 503, NoEffect: true},
		"too slow":          {After: time.Minute},
		"wrong key":         {Status: 401, NoEffect: true},
		"not found":         {Status: 404, NoEffect: true},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stripe.Config{}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
				p := paid(t, s, at, "o1")
				captured := paid(t, s, at, "o2")
				must(t, "capture", s.Capture(t.Context(), captured.ID, "o2.1"))
				at.Fail(func(fake.Call) fake.Fault { return fault })
				_, err := s.Open(t.Context(), order("o3"))
				mustBeUnknown(t, "open", err)
				_, err = s.Fetch(t.Context(), p.Session)
				mustBeUnknown(t, "fetch", err)
				mustBeUnknown(t, "expire", s.Expire(t.Context(), p.Session))
				mustBeUnknown(t, "capture", s.Capture(t.Context(), p.ID, "o1.1"))
				mustBeUnknown(t, "void", s.Void(t.Context(), p.ID))
				_, err = s.Refund(t.Context(), captured.ID, 1, "o2.1")
				mustBeUnknown(t, "refund", err)
				_, err = s.Refunds(t.Context(), captured.ID)
				mustBeUnknown(t, "refunds", err)
			})
		})
	}
}

func TestACallTakesEffectAfterItsCallerGaveUp(t *testing.T) {
	play(t, stripe.Config{}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
		p := paid(t, s, at, "o1")
		failing(at, captureRoute, true, fake.Fault{Before: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		mustBeUnknown(t, "capture", s.Capture(ctx, p.ID, "o1.1"))
		mustBe(t, s, p.Session, payment.Authorised)
		time.Sleep(2 * time.Minute)
		mustBe(t, s, p.Session, payment.Captured)
		must(t, "capture with the same key", s.Capture(t.Context(), p.ID, "o1.1"))
	})
}

// TestErrorsSayWhatHappened checks an error's text, which must not contain other parts
// of Stripe's answer.
func TestErrorsSayWhatHappened(t *testing.T) {
	play(t, stripe.Config{}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
		p := paid(t, s, at, "o1")
		must(t, "void", s.Void(t.Context(), p.ID))
		err := s.Capture(t.Context(), p.ID, "o1.1")
		for _, part := range []string{p.ID, "status of canceled", "payment_intent_unexpected_state"} {
			if !strings.Contains(fmt.Sprint(err), part) {
				t.Errorf("the error is %v, want %s in it", err, part)
			}
		}
		if strings.Contains(err.Error(), "client_secret") {
			t.Errorf("the error has the payment in it: %v", err)
		}
		_, err = s.Fetch(t.Context(), "cs_test_of_another_account")
		if !strings.Contains(fmt.Sprint(err), "account and mode") {
			t.Errorf("the error is %v, want a hint at the key", err)
		}
	})
}
