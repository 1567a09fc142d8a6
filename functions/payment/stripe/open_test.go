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
				// Wait until a session that may be under way would have expired.
				time.Sleep(45 * time.Minute)
				_, err = s.Open(t.Context(), r)
				mustFail(t, "open once it is too late", err, payment.ErrRefused)
			})
		})
	}
}

// TestAnotherVersionFindsTheSession checks that a program finds the session of an order
// that another version opened with other parameters.
func TestAnotherVersionFindsTheSession(t *testing.T) {
	play(t, stripe.Config{}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
		r := order("o1")
		first := opened(t, s, r)
		r.Title = "Another title"
		if second := opened(t, s, r); second != first || at.Money()["o1"].Sessions != 1 {
			t.Errorf("the other version opened %s, want %s", second, first)
		}
	})
}

// TestWhatAnOrderMayBe checks that orders at the limits get a page with their amount,
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
		"no lines and no title":      func(r *payment.Request) { r.Title, r.Lines = "", nil },
		"no lines":                   func(r *payment.Request) { r.Lines = nil },
		"a very long line":           func(r *payment.Request) { r.Lines[0].Text = strings.Repeat("ä", 1000) },
		"no e-mail":                  func(r *payment.Request) { r.Email = "" },
		"a wrong e-mail":             func(r *payment.Request) { r.Email = "ann" },
		"a name in the e-mail":       func(r *payment.Request) { r.Email = "Ann <ann@example.com>" },
		"an e-mail without a domain": func(r *payment.Request) { r.Email = "ann@localhost" },
		"a very long title":          func(r *payment.Request) { r.Title, r.Lines = strings.Repeat("ä", 1000), nil },
		"Icelandic krónur":           func(r *payment.Request) { r.Currency = "ISK" },
		"yen":                        func(r *payment.Request) { r.Currency = "JPY" },
		"23 hours":                   func(r *payment.Request) { r.PayBefore = r.Created.Add(23 * time.Hour) },
		"a minute":                   func(r *payment.Request) { r.PayBefore = r.Created.Add(time.Minute) },
		"retried for a while":        func(r *payment.Request) { r.Created = r.Created.Add(-4 * time.Minute) },
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

// TestLanguageOfThePage checks that Stripe's page has the language that the order asks for,
// if Stripe speaks it, and else the browser's.
func TestLanguageOfThePage(t *testing.T) {
	play(t, stripe.Config{}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
		for lang, want := range map[string]string{
			"":   "", // as orders were opened before, so that a repeat has the same parameters
			"de": "de", "de-AT": "de", "FR": "fr", "fr-CA": "fr-CA", "pt-PT": "pt", "pt-BR": "pt-BR", "no": "nb", "zh-Hant-TW": "zh-TW", "en-GB": "en-GB",
			"ar": "auto", "be": "auto", "kk": "auto", "ta": "auto", "nn": "auto", "bs": "auto", "cmn": "zh", "tl": "fil", "in": "id", "uk": "auto", "x": "auto", "klingon12": "auto",
		} {
			r := order(lockstore.OrderID("o" + lang))
			r.Lang = lang
			if got := at.Locale(opened(t, s, r)); got != want {
				t.Errorf("an order in %q has a page in %q, want %q", lang, got, want)
			}
		}
	})
}
