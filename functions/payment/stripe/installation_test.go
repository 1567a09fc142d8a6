package stripe_test

import (
	"io"
	"testing"
	"time"

	"seatlock/functions/payment/stripe"
	"seatlock/functions/payment/stripe/fake"
	"seatlock/lockstore"
)

// TestInstallationsShareAnAccount checks that an installation finds its own sessions
// and ignores those of others, with and without names.
func TestInstallationsShareAnAccount(t *testing.T) {
	play(t, stripe.Config{Installation: "box-office"}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
		installations := map[string]*stripe.Stripe{"box-office": s}
		for _, name := range []string{"staging", ""} {
			other, err := stripe.New(stripe.Config{Key: key, Secrets: []string{secret}, Installation: name, Transport: held{t, at}})
			if err != nil {
				t.Fatal(err)
			}
			installations[name] = other
		}
		for name, s := range installations {
			p := paid(t, s, at, lockstore.OrderID("o-"+name))
			must(t, "capture", s.Capture(t.Context(), p.ID, "c-"+name))
			_, err := s.Refund(t.Context(), p.ID, 100, "r-"+name)
			must(t, "refund", err)
		}
		nameless := 0
		for name, s := range installations {
			own := lockstore.OrderID("o-" + name)
			found := 0
			for p, err := range s.Recent(t.Context(), time.Now().Add(-time.Hour)) {
				must(t, "recent", err)
				if p.Nameless && p.Terms.Order == "o-" && name != "" {
					nameless++
					continue
				}
				if found++; p.Terms.Order != own {
					t.Errorf("%q finds the session of order %s", name, p.Terms.Order)
				}
			}
			if found != 1 {
				t.Errorf("%q finds %d sessions, want its own", name, found)
			}
		}
		if nameless != 2 {
			t.Errorf("%d installations with a name find the session without one, want 2, which look whether it is theirs", nameless)
		}
		notices := make(map[string]int)
		for _, e := range at.TakeEvents() {
			hook, err := at.Webhook(t.Context(), "https://shop.example/webhooks/stripe", e)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(hook.Body)
			if err != nil {
				t.Fatal(err)
			}
			about := 0
			for name, s := range installations {
				order, err := s.Verify(body, hook.Header, time.Now())
				must(t, "verify", err)
				switch order {
				case lockstore.OrderID("o-" + name):
					about++
					notices[name]++
				case "":
				default:
					t.Errorf("%q takes a notice about order %s", name, order)
				}
			}
			if about != 1 {
				t.Errorf("%d installations take a notice: %s", about, body)
			}
		}
		for name := range installations {
			if notices[name] < 3 {
				t.Errorf("%q has taken %d notices, want those about session, payment and refund", name, notices[name])
			}
		}
	})
	if _, err := stripe.New(stripe.Config{Key: key, Installation: "a shop"}); err == nil {
		t.Error("a name with a space is accepted")
	}
}
