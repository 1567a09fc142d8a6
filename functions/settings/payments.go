package settings

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"seatlock/lockstore"
)

// The values of Payments.Checkout.
const (
	Till   = "till" // the built-in provider, with which no money moves
	Stripe = "stripe"
)

// Payments holds the settings of payments. Lambda functions read [PaymentsElsewhere] or
// [Checkout].
type Payments struct {
	origins

	Checkout     string        // the provider; empty: no payments are taken
	Within       time.Duration // how long a buyer has to pay
	Margin       time.Duration // how much longer the seats stay locked
	Workers      int           // orders that the program works on at the same time
	Installation string        // name among those that share an account at the provider; empty: the store's name

	StripeKey     string   // secret or restricted
	StripeSecrets []string // of the webhook's endpoint, up to two; empty: no webhooks
	StripeURL     string   // of the API; empty: Stripe's own
	StripeDelayed bool     // also accept payments whose money comes days later or never
}

func (p *Payments) declare() (string, []Setting) {
	return "Payments", []Setting{
		{Flag: "checkout", Env: "CHECKOUT", ReadBy: ByBoth,
			into:  checked(&p.Checkout, func(name string) bool { return slices.Contains([]string{"", Till, Stripe}, name) }, "must be till or stripe"),
			Usage: "let buyers pay at `PROVIDER`: stripe, or till for trying it out, where no money moves. A payment then confirms bookings, unless -confirm-by says otherwise"},
		{Flag: "pay-within", Env: "PAY_WITHIN", Default: "10m", ReadBy: ByBoth,
			into:  duration(&p.Within, time.Second, 24*time.Hour, "must be a duration from 1s to 24h, such as 10m"),
			Usage: "give a buyer `DURATION` to pay"},
		{Flag: "pay-margin", Env: "PAY_MARGIN", Default: "2m", ReadBy: ByBoth,
			into:  duration(&p.Margin, time.Minute, 24*time.Hour, "must be a duration from 1m to 24h, such as 2m"),
			Usage: "keep the seats locked for `DURATION` after the time to pay, so that a last-minute payment still gets them"},
		{Flag: "pay-workers", Env: "PAY_WORKERS", Default: "64", ReadBy: ByBoth,
			into:  parsed(&p.Workers, strconv.Atoi, func(n int) bool { return n >= 1 && n <= lockstore.MaxOrders }, fmt.Sprintf("must be a number of orders from 1 to %d", lockstore.MaxOrders)),
			Usage: "settle `NUMBER` orders at the same time; a higher number reaches the provider's rate limit sooner"},
		{Flag: "installation", Env: "INSTALLATION", ReadBy: ByBoth,
			into:  checked(&p.Installation, func(name string) bool { return lockstore.Ref(name).Check() == nil }, "must be 1 to 64 letters, digits, '_', '.' and '-'"),
			Usage: "with -checkout stripe: call this installation `NAME` at the provider, so that others with the same account leave its orders alone; must be the same in all of its processes. Without it, a name is generated once and kept in the store"},
		{Env: "STRIPE_KEY", Secret: true, ReadBy: ByBoth, into: text(&p.StripeKey),
			Usage: "with -checkout stripe: a secret or restricted key of the Stripe account. With a test-mode key, no money moves"},
		{Env: "STRIPE_WEBHOOK_SECRET", Secret: true, ReadBy: ByBoth,
			into:  list(&p.StripeSecrets, func(s string) bool { return strings.HasPrefix(s, "whsec_") }, "must begin with whsec_, or be two such secrets, separated by a comma"),
			Usage: "the secret with which Stripe signs what it sends to /webhooks/stripe; two, separated by a comma, while you replace one. Without it, payments are noticed later"},
		{Flag: "stripe-delayed", Env: "STRIPE_DELAYED", Default: "false", ReadBy: ByBoth, into: yesNo(&p.StripeDelayed),
			Usage: "also take payments whose money comes days later or never; their seats are booked when it has come"},
		{Env: "STRIPE_URL", ReadBy: ByBoth, into: text(&p.StripeURL),
			Usage: "for tests: call Stripe at this address, with a test-mode key only"},
	}
}

func (p *Payments) check() error {
	for _, flag := range []string{"pay-within", "pay-margin", "pay-workers"} {
		if p.Checkout == "" && p.given(flag) {
			return p.wrong(flag, "needs -checkout")
		}
	}
	for _, key := range []string{"STRIPE_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_URL", "stripe-delayed", "installation"} {
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
		return p.wrong("STRIPE_URL", "is for tests; STRIPE_KEY must be a test-mode key")
	}
	return nil
}
