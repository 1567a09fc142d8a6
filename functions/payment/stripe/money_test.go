package stripe_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/stripe"
	"seatlock/functions/payment/stripe/fake"
	"seatlock/lockstore"
)

func TestACardIsReservedFirstAndThenCharged(t *testing.T) {
	play(t, stripe.Config{}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
		r := order("o1")
		session, err := s.Open(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(session.URL, "https://checkout.stripe.com/") {
			t.Errorf("the page is at %q", session.URL)
		}
		p := fetched(t, s, session.ID)
		if p.State != payment.Open || p.ID != "" || !reflect.DeepEqual(p.Terms, r.Terms) {
			t.Errorf("a new session is %+v, want open with the terms %+v", p, r.Terms)
		}

		must(t, "pay", at.Pay(session.ID))
		p = fetched(t, s, session.ID)
		if p.State != payment.Authorised || p.Terms.Amount != 8400 || p.Terms.Currency != "EUR" {
			t.Errorf("a paid session is %+v, want 84.00 EUR authorised", p)
		}
		if left := time.Until(p.Until); left < 6*24*time.Hour || left > 7*24*time.Hour {
			t.Errorf("the authorisation ends in %v, want 7 days", left)
		}
		mustFail(t, "expire a paid session", s.Expire(t.Context(), session.ID), payment.ErrComplete)

		must(t, "capture", s.Capture(t.Context(), p.ID, "o1.1"))
		must(t, "capture with the same key", s.Capture(t.Context(), p.ID, "o1.1"))
		must(t, "capture with another key", s.Capture(t.Context(), p.ID, "o1.2"))
		mustBe(t, s, session.ID, payment.Captured)
		mustFail(t, "void what was captured", s.Void(t.Context(), p.ID), payment.ErrRefused)
		if m := at.Money()["o1"]; m != (fake.Money{Sessions: 1, Captured: 8400, Captures: 1}) {
			t.Errorf("Stripe has %+v, want one capture of 84.00", m)
		}
	})
}

func TestAnExpiredSessionCannotBePaid(t *testing.T) {
	for name, expire := range map[string]func(*testing.T, *stripe.Stripe, *fake.Stripe, string){
		"by a call": func(t *testing.T, s *stripe.Stripe, _ *fake.Stripe, id string) {
			must(t, "expire", s.Expire(t.Context(), id))
		},
		"by itself": func(_ *testing.T, _ *stripe.Stripe, at *fake.Stripe, _ string) { at.Advance(35 * time.Minute) },
		"after a card was declined": func(t *testing.T, s *stripe.Stripe, at *fake.Stripe, id string) {
			must(t, "decline", at.Decline(id))
			mustBe(t, s, id, payment.Open)
			must(t, "expire", s.Expire(t.Context(), id))
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stripe.Config{}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
				id := opened(t, s, order("o1"))
				expire(t, s, at, id)
				mustFail(t, "pay on the page that is still open", at.Pay(id), fake.ErrNotOpen)
				mustBe(t, s, id, payment.Void)
				must(t, "expire again", s.Expire(t.Context(), id))
				if m := at.Money()["o1"]; m != (fake.Money{Sessions: 1}) {
					t.Errorf("Stripe has %+v, want no money", m)
				}
			})
		})
	}
}

func TestADeclinedBuyerMayTryAgain(t *testing.T) {
	play(t, stripe.Config{}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
		id := opened(t, s, order("o1"))
		must(t, "decline", at.Decline(id))
		mustBe(t, s, id, payment.Open)
		must(t, "pay", at.Pay(id))
		mustBe(t, s, id, payment.Authorised)
	})
}

func TestAnAuthorisationThatIsGivenUp(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *stripe.Stripe, *fake.Stripe, payment.Payment){
		"by a call": func(t *testing.T, s *stripe.Stripe, _ *fake.Stripe, p payment.Payment) {
			must(t, "void", s.Void(t.Context(), p.ID))
		},
		"by itself": func(_ *testing.T, _ *stripe.Stripe, at *fake.Stripe, _ payment.Payment) {
			at.Advance(7 * 24 * time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stripe.Config{}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
				p := paid(t, s, at, "o1")
				end(t, s, at, p)
				mustBe(t, s, p.Session, payment.Void)
				must(t, "void again", s.Void(t.Context(), p.ID))
				mustFail(t, "capture", s.Capture(t.Context(), p.ID, "o1.1"), payment.ErrRefused)
			})
		})
	}
}

func TestACaptureThatFails(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault fake.Fault
		want  error
		then  payment.State
	}{
		{"declined by the bank", fake.Fault{Status: 402}, payment.ErrRefused, payment.Authorised},
		{"answered with an error", fake.Fault{Status: 500, NoEffect: true}, payment.ErrFailed, payment.Authorised},
		{"done, but answered with an error", fake.Fault{Status: 500}, payment.ErrFailed, payment.Captured},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, stripe.Config{}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
				p := paid(t, s, at, "o1")
				failing(at, captureRoute, true, test.fault)
				mustFail(t, "capture", s.Capture(t.Context(), p.ID, "o1.1"), test.want)
				mustFail(t, "capture with the same key", s.Capture(t.Context(), p.ID, "o1.1"), test.want)
				mustBe(t, s, p.Session, test.then)
				must(t, "capture with the next key", s.Capture(t.Context(), p.ID, "o1.2"))
				mustBe(t, s, p.Session, payment.Captured)
			})
		})
	}
}

func TestRefunds(t *testing.T) {
	play(t, stripe.Config{}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
		p := paid(t, s, at, "o1")
		_, err := s.Refund(t.Context(), p.ID, 4200, "o1.early")
		mustFail(t, "refund what was not captured", err, payment.ErrRefused)
		must(t, "capture", s.Capture(t.Context(), p.ID, "o1.1"))

		at.RefundsBecome("pending")
		part, err := s.Refund(t.Context(), p.ID, 4200, "o1.a")
		must(t, "refund a part", err)
		again, err := s.Refund(t.Context(), p.ID, 4200, "o1.a")
		must(t, "refund it again with the same key", err)
		if part.State != payment.RefundPending || part.Amount != 4200 || part.Key != "o1.a" || again != part {
			t.Errorf("the refunds are %+v and %+v, want the same, pending", part, again)
		}
		_, err = s.Refund(t.Context(), p.ID, 1000, "o1.a")
		mustFail(t, "refund another amount with the same key", err, payment.ErrRefused)
		_, err = s.Refund(t.Context(), p.ID, 4201, "o1.b")
		mustFail(t, "refund more than is left", err, payment.ErrRefused)

		at.FinishRefunds("pending", "failed")
		listed := func() map[string]payment.RefundState {
			list, err := s.Refunds(t.Context(), p.ID)
			must(t, "list", err)
			states := make(map[string]payment.RefundState)
			for _, r := range list {
				states[fmt.Sprint(r.Key, " ", r.Amount)] = r.State
			}
			return states
		}
		if have, want := listed(), (map[string]payment.RefundState{"o1.a 4200": payment.RefundFailed}); !reflect.DeepEqual(have, want) {
			t.Errorf("the refunds are %v, want %v", have, want)
		}
		at.RefundsBecome("succeeded")
		whole, err := s.Refund(t.Context(), p.ID, 8400, "o1.c")
		must(t, "refund the whole", err)
		if whole.State != payment.RefundDone {
			t.Errorf("the refund is %+v, want done", whole)
		}
		want := map[string]payment.RefundState{"o1.a 4200": payment.RefundFailed, "o1.c 8400": payment.RefundDone}
		if have := listed(); !reflect.DeepEqual(have, want) {
			t.Errorf("the refunds are %v, want %v", have, want)
		}
		mustBe(t, s, p.Session, payment.Captured)
	})
}

func TestMethodsWhoseMoneyComesLater(t *testing.T) {
	play(t, stripe.Config{}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
		if err := at.PayDelayed(opened(t, s, order("o1"))); err == nil {
			t.Error("a debit was taken, want cards alone")
		}
	})
	for paid, want := range map[bool]payment.State{true: payment.Captured, false: payment.Void} {
		play(t, stripe.Config{Delayed: true}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
			id := opened(t, s, order("o1"))
			must(t, "pay by a debit", at.PayDelayed(id))
			p := fetched(t, s, id)
			if left := time.Until(p.Until); p.State != payment.Pending || left < 13*24*time.Hour || left > 14*24*time.Hour {
				t.Errorf("the payment is %+v, want pending for 14 days", p)
			}
			mustFail(t, "expire", s.Expire(t.Context(), id), payment.ErrComplete)
			must(t, "decide", at.FinishDelayed(id, paid))
			mustBe(t, s, id, want)
		})
	}
	play(t, stripe.Config{Delayed: true}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
		mustBe(t, s, paid(t, s, at, "o1").Session, payment.Authorised) // a card, as usual
	})
}

func TestRecentSessions(t *testing.T) {
	play(t, stripe.Config{}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
		opened(t, s, order("old"))
		time.Sleep(2 * time.Hour)
		since := time.Now()
		want := map[lockstore.OrderID]payment.State{"paid": payment.Authorised, "void": payment.Void}
		paid(t, s, at, "paid")
		must(t, "expire", s.Expire(t.Context(), opened(t, s, order("void"))))
		for i := range 120 { // more than a page
			id := lockstore.OrderID(fmt.Sprint("o", i))
			opened(t, s, order(id))
			want[id] = payment.Open
		}
		have := make(map[lockstore.OrderID]payment.State)
		for p, err := range s.Recent(t.Context(), since) {
			must(t, "list", err)
			have[p.Terms.Order] = p.State
		}
		if !reflect.DeepEqual(have, want) {
			t.Errorf("the recent sessions are %v, want %v", have, want)
		}

		failing(at, "GET /v1/checkout/sessions", false, fake.Fault{Status: 503, NoEffect: true})
		var last error
		for _, err := range s.Recent(t.Context(), since) {
			last = err
		}
		mustBeUnknown(t, "list while Stripe is away", last)
	})
}
