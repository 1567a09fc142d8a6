package settings

import (
	"slices"
	"strings"
	"time"
)

// The values of Payments.Checkout.
const (
	Till   = "till" // the provider at home
	Stripe = "stripe"
)

// Payments is the settings of how seats are paid for.
type Payments struct {
	origins

	Checkout string        // the provider; empty: nothing is paid for here
	Within   time.Duration // how long a buyer has to pay
	Margin   time.Duration // how much longer the seats are locked

	StripeKey     string   // secret or restricted
	StripeSecrets []string // of the webhook's endpoint, up to two; empty: there are no webhooks
	StripeURL     string   // of the API; empty is Stripe itself
	StripeDelayed bool     // also take payments whose money comes days later or never
}

func (p *Payments) declare() (string, []Setting) {
	return "Payments", []Setting{
		{Flag: "checkout", Env: "CHECKOUT",
			into:  checked(&p.Checkout, func(name string) bool { return slices.Contains([]string{"", Till, Stripe}, name) }, "must be till or stripe"),
			Usage: "let buyers pay at `PROVIDER`: stripe, or till for trying it out, where no money moves. A payment then confirms bookings, unless -confirm-by says otherwise"},
		{Flag: "pay-within", Env: "PAY_WITHIN", Default: "10m",
			into:  duration(&p.Within, time.Second, 24*time.Hour, "must be a duration from 1s to 24h, such as 10m"),
			Usage: "give a buyer `DURATION` to pay"},
		{Flag: "pay-margin", Env: "PAY_MARGIN", Default: "2m",
			into:  duration(&p.Margin, time.Minute, 24*time.Hour, "must be a duration from 1m to 24h, such as 2m"),
			Usage: "keep the seats locked for `DURATION` after the time to pay, so that a payment of the last moment still gets them"},
		{Env: "STRIPE_KEY", Secret: true, into: text(&p.StripeKey),
			Usage: "with -checkout stripe: a secret or restricted key of the Stripe account. With a key of its test mode no money moves"},
		{Env: "STRIPE_WEBHOOK_SECRET", Secret: true,
			into:  list(&p.StripeSecrets, func(s string) bool { return strings.HasPrefix(s, "whsec_") }, "must begin with whsec_, or be two such secrets, separated by a comma"),
			Usage: "the secret with which Stripe signs what it sends to /webhooks/stripe; two, separated by a comma, while you replace one. Without it, payments are noticed later"},
		{Flag: "stripe-delayed", Env: "STRIPE_DELAYED", Default: "false", into: yesNo(&p.StripeDelayed),
			Usage: "also take payments whose money comes days later or never; their seats are booked when it has come"},
		{Env: "STRIPE_URL", into: text(&p.StripeURL),
			Usage: "for tests: call Stripe at this address, with a key of the test mode alone"},
	}
}

func (p *Payments) check() error {
	for _, flag := range []string{"pay-within", "pay-margin"} {
		if p.Checkout == "" && p.given(flag) {
			return p.wrong(flag, "needs -checkout")
		}
	}
	for _, key := range []string{"STRIPE_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_URL", "stripe-delayed"} {
		if p.Checkout != Stripe && p.given(key) {
			return p.wrong(key, "needs -checkout stripe")
		}
	}
	switch {
	case p.Checkout == Stripe && p.StripeKey == "":
		return p.wrong("checkout", "needs STRIPE_KEY")
	case len(p.StripeSecrets) > 2:
		return p.wrong("STRIPE_WEBHOOK_SECRET", "must be one secret, or two while you replace one")
	case p.StripeURL != "" && strings.Contains(p.StripeKey, "_live_"):
		return p.wrong("STRIPE_URL", "is for tests, and STRIPE_KEY is a key with which money moves")
	}
	return nil
}
