package stripe_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/stripe"
	"seatlock/functions/payment/stripe/fake"
	"seatlock/lockstore"
)

const (
	key    = "sk_test_fake"
	secret = "whsec_first"
)

// play calls f with a provider and the fake that it talks to, on a clock that is not
// the machine's. The fake's answers are held to Stripe's description.
func play(t *testing.T, c stripe.Config, f func(t *testing.T, s *stripe.Stripe, at *fake.Stripe)) {
	t.Helper()
	description(t) // reading it is not part of the bubble
	synctest.Test(t, func(t *testing.T) {
		at := fake.New(fake.Config{Key: key, Secrets: []string{secret}})
		defer at.Wait()
		c.Key, c.Secrets, c.Transport = key, []string{secret}, held{t, at}
		s, err := stripe.New(c)
		if err != nil {
			t.Fatal(err)
		}
		f(t, s, at)
	})
}

// order returns what a session is opened with: two seats for 84.00 €, to be paid within
// a quarter of an hour.
func order(id lockstore.OrderID) payment.Request {
	return payment.Request{
		Terms: payment.Terms{
			Order: id, Event: "fri", User: "ann", Seats: []lockstore.SeatID{"Parkett 1-2", "Löge 3"},
			Amount: 8400, Currency: "EUR",
			Created: time.Now().Truncate(time.Second), PayBefore: time.Now().Truncate(time.Second).Add(15 * time.Minute),
		},
		Title:     "A Winter's Tale",
		Lines:     []payment.Line{{Text: "First", Count: 2, Amount: 8400}},
		Email:     "ann@example.com",
		ReturnURL: "https://shop.example/order?id=" + string(id),
	}
}

func opened(t *testing.T, s *stripe.Stripe, r payment.Request) string {
	t.Helper()
	c, err := s.Open(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return c.ID
}

// paid opens an order's session and pays there.
func paid(t *testing.T, s *stripe.Stripe, at *fake.Stripe, id lockstore.OrderID) payment.Payment {
	t.Helper()
	session := opened(t, s, order(id))
	if err := at.Pay(session); err != nil {
		t.Fatal(err)
	}
	return fetched(t, s, session)
}

func fetched(t *testing.T, s *stripe.Stripe, session string) payment.Payment {
	t.Helper()
	p, err := s.Fetch(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// mustBe checks the state of a session.
func mustBe(t *testing.T, s *stripe.Stripe, session string, want payment.State) {
	t.Helper()
	if p := fetched(t, s, session); p.State != want {
		t.Errorf("the payment is %s, want %s", p.State, want)
	}
}

func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func mustFail(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// mustBeUnknown checks that an error leaves open whether a call took effect.
func mustBeUnknown(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil || errors.Is(err, payment.ErrRefused) || errors.Is(err, payment.ErrFailed) || errors.Is(err, payment.ErrComplete) {
		t.Errorf("%s: %v, want an error that is not a decision", what, err)
	}
}

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

func TestAnOrderHasOneSession(t *testing.T) {
	for name, meanwhile := range map[string]func(*testing.T, *stripe.Stripe, *fake.Stripe, string){
		"at once":      func(*testing.T, *stripe.Stripe, *fake.Stripe, string) {},
		"a day later":  func(_ *testing.T, _ *stripe.Stripe, at *fake.Stripe, _ string) { at.Advance(25 * time.Hour) },
		"once it paid": func(t *testing.T, _ *stripe.Stripe, at *fake.Stripe, id string) { must(t, "pay", at.Pay(id)) },
		"paid, a day later": func(t *testing.T, _ *stripe.Stripe, at *fake.Stripe, id string) {
			must(t, "pay", at.Pay(id))
			at.Advance(25 * time.Hour)
		},
		"once it expired": func(t *testing.T, s *stripe.Stripe, _ *fake.Stripe, id string) {
			must(t, "expire", s.Expire(t.Context(), id))
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stripe.Config{}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
				opened(t, s, order("another"))
				r := order("o1")
				first := opened(t, s, r)
				opened(t, s, order("a third"))
				meanwhile(t, s, at, first)
				if second := opened(t, s, r); second != first || at.Money()["o1"].Sessions != 1 {
					t.Errorf("a second call opened %s, want %s again", second, first)
				}
			})
		})
	}
}

// TestWorkersDoOneThingTogether checks that the calls of several workers with one key
// are one call, and that none of the workers sees an error.
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

// failing makes the calls of a route fail: each of them, or the first alone.
func failing(at *fake.Stripe, route string, once bool, f fake.Fault) {
	var mu sync.Mutex
	done := false
	at.Fail(func(c fake.Call) fake.Fault {
		mu.Lock()
		defer mu.Unlock()
		if c.Route != route || once && done {
			return fake.Fault{}
		}
		done = true
		return f
	})
}

const (
	openRoute    = "POST /v1/checkout/sessions"
	fetchRoute   = "GET /v1/checkout/sessions/{id}"
	expireRoute  = "POST /v1/checkout/sessions/{id}/expire"
	captureRoute = "POST /v1/payment_intents/{id}/capture"
	voidRoute    = "POST /v1/payment_intents/{id}/cancel"
	refundRoute  = "POST /v1/refunds"
)

func TestOpeningThatStripeAnswersWithAnError(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault fake.Fault
		found bool
	}{
		{"took effect", fake.Fault{Status: 500}, true},
		{"had no effect", fake.Fault{Status: 500, NoEffect: true}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, stripe.Config{}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
				failing(at, openRoute, false, test.fault)
				r := order("o1")
				c, err := s.Open(t.Context(), r)
				if test.found {
					must(t, "open", err)
					mustBe(t, s, c.ID, payment.Open)
					return
				}
				mustFail(t, "open", err, payment.ErrFailed)
				// Until the session that may be on its way would have expired.
				time.Sleep(45 * time.Minute)
				_, err = s.Open(t.Context(), r)
				mustFail(t, "open once it is too late", err, payment.ErrRefused)
			})
		})
	}
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
		mustBe(t, s, paid(t, s, at, "o1").Session, payment.Authorised) // a card as ever
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

// TestAnErrorIsNoDecision checks that nothing is taken for refused or failed unless
// Stripe has said so.
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

// TestWhatAnOrderMayBe checks that orders at the bounds have a page with their amount,
// and that others are refused.
func TestWhatAnOrderMayBe(t *testing.T) {
	for name, change := range map[string]func(*payment.Request){
		"200 seats with long names": func(r *payment.Request) {
			r.Seats = nil
			for i := range lockstore.MaxSeats {
				r.Seats = append(r.Seats, lockstore.SeatID(fmt.Sprintf("%064d", i)))
			}
		},
		"200 different lines": func(r *payment.Request) {
			r.Lines = nil
			for i := range 200 {
				r.Lines = append(r.Lines, payment.Line{Text: fmt.Sprint("Seat ", i), Count: 1, Amount: 42})
			}
		},
		"a line that does not divide": func(r *payment.Request) {
			r.Lines = []payment.Line{{Text: "Three for two", Count: 3, Amount: 8400}, {Text: "Free", Count: 2, Amount: 0}}
			r.Amount, r.Lines[0].Amount = 8401, 8401
		},
		"a discount": func(r *payment.Request) {
			r.Lines = []payment.Line{{Text: "First", Count: 2, Amount: 9000}, {Text: "Friends", Count: 1, Amount: -600}}
		},
		"no lines":            func(r *payment.Request) { r.Lines = nil },
		"a very long line":    func(r *payment.Request) { r.Lines[0].Text = strings.Repeat("ä", 1000) },
		"no e-mail":           func(r *payment.Request) { r.Email = "" },
		"a wrong e-mail":      func(r *payment.Request) { r.Email = "ann" },
		"Icelandic krónur":    func(r *payment.Request) { r.Currency = "ISK" },
		"yen":                 func(r *payment.Request) { r.Currency = "JPY" },
		"23 hours":            func(r *payment.Request) { r.PayBefore = r.Created.Add(23 * time.Hour) },
		"a minute":            func(r *payment.Request) { r.PayBefore = r.Created.Add(time.Minute) },
		"retried for a while": func(r *payment.Request) { r.Created = r.Created.Add(-4 * time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stripe.Config{}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
				r := order("o1")
				change(&r)
				id := opened(t, s, r)
				must(t, "pay", at.Pay(id))
				p := fetched(t, s, id)
				if !reflect.DeepEqual(p.Terms, r.Terms) {
					t.Errorf("the terms are %+v, want %+v", p.Terms, r.Terms)
				}
				must(t, "capture", s.Capture(t.Context(), p.ID, "o1.1"))
				refund, err := s.Refund(t.Context(), p.ID, r.Amount, "o1.1")
				if err != nil || refund.Amount != r.Amount {
					t.Errorf("the refund is %+v, %v, want %d", refund, err, r.Amount)
				}
			})
		})
	}
	for name, change := range map[string]func(*payment.Request){
		"lines that do not add up":              func(r *payment.Request) { r.Lines[0].Amount-- },
		"more than a day":                       func(r *payment.Request) { r.PayBefore = r.Created.Add(25 * time.Hour) },
		"less than Stripe takes":                func(r *payment.Request) { r.Amount, r.Lines = 49, nil },
		"more than Stripe takes":                func(r *payment.Request) { r.Amount, r.Lines = 1e9, nil },
		"a currency that Stripe has no unit of": func(r *payment.Request) { r.Currency = "MGA" },
		"nowhere to return to":                  func(r *payment.Request) { r.ReturnURL = "/order" },
		"an order of yesterday":                 func(r *payment.Request) { r.Created = r.Created.Add(-24 * time.Hour); r.PayBefore = r.Created },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, stripe.Config{}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
				r := order("o1")
				change(&r)
				_, err := s.Open(t.Context(), r)
				mustFail(t, "open", err, payment.ErrRefused)
				if m := at.Money()["o1"]; m.Sessions != 0 {
					t.Errorf("there is a session, want none")
				}
			})
		})
	}
}

func TestNew(t *testing.T) {
	for key, test := range map[string]bool{"sk_test_1": true, "rk_test_1": true, "sk_live_1": false, "rk_live_1": false} {
		s, err := stripe.New(stripe.Config{Key: key})
		if err != nil {
			t.Fatal(err)
		}
		if s.Test() != test || strings.HasSuffix(s.Name(), "-test") != test {
			t.Errorf("%s: Test is %v and the name %s", key, s.Test(), s.Name())
		}
	}
	for _, wrong := range []stripe.Config{
		{}, {Key: "pk_live_secret"}, {Key: "whsec_secret"}, {Key: "sk_secret"},
		{Key: key, Secrets: []string{"sk_test_secret"}}, {Key: key, URL: "secret"},
	} {
		if _, err := stripe.New(wrong); err == nil {
			t.Errorf("%+v is accepted", wrong)
		} else if wrong.URL == "" && strings.Contains(err.Error(), "secret") && strings.Contains(err.Error(), "_secret") {
			t.Errorf("the error shows the key: %v", err)
		}
	}
}

// TestErrorsSayWhatHappened checks an error's text, which must not have what else is
// in Stripe's answer.
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
