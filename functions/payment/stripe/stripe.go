// Package stripe takes payments through Stripe's hosted payment page.
//
// An order is a Checkout Session. The money of a card is reserved first and taken by a
// call of Capture. The state is fetched; a webhook only says that it may have changed.
//
// It is not part of package payment, so that a program that takes no payments does not
// contain Stripe's library. It must not know what happens to an order.
package stripe

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"

	"seatlock/functions/payment"
	"seatlock/lockstore"
)

const (
	// callTime bounds one attempt of a call.
	callTime = 20 * time.Second

	// retries is how often a call is repeated: by the library if the connection was
	// lost or another call was using the same object, and by repeat. That is safe,
	// since each attempt has the same idempotency key: ours, or one that the library
	// made for the call. The library does not repeat a call that Stripe answered with
	// an error, because the answer would be the same.
	retries = 2

	// pause is the time before the first repetition by repeat.
	pause = 500 * time.Millisecond
)

// Config configures a [Stripe].
type Config struct {
	Key     string   // secret or restricted, of test mode or live
	Secrets []string // of the webhook's endpoint; two during a rotation, none without webhooks

	// Installation names this installation among those that share the account: Recent
	// and Verify leave the orders of others to them. Orders that were opened without a
	// name are found by Recent but not by Verify. It must be the same in all processes
	// of the installation, and must not change while orders are open. If it is empty,
	// all orders without a name are this installation's.
	Installation string

	// Delayed offers every payment method of the Stripe account, including those whose
	// money comes days later or never. Otherwise, only cards and methods based on cards
	// are offered, such as Apple Pay.
	Delayed bool

	URL       string            // of the API; empty for Stripe itself
	Transport http.RoundTripper // nil for the default one
}

// Stripe is a [payment.Provider].
type Stripe struct {
	client       *stripe.Client
	test         bool
	secrets      []string
	installation string
	delayed      bool
}

var _ payment.Provider = (*Stripe)(nil)

// New returns a Stripe. It makes no call yet.
func New(c Config) (*Stripe, error) {
	kind, rest, _ := strings.Cut(c.Key, "_")
	mode, _, _ := strings.Cut(rest, "_")
	if kind != "sk" && kind != "rk" || mode != "test" && mode != "live" {
		// The error must not show the key.
		return nil, errors.New("the key of Stripe must be a secret or restricted one, which begins with sk_test_, sk_live_, rk_test_ or rk_live_")
	}
	if lockstore.Ref(c.Installation).Check() != nil {
		return nil, fmt.Errorf("the installation must be named with up to 64 letters, digits, '_', '.' and '-', not %q", c.Installation)
	}
	for _, secret := range c.Secrets {
		if !strings.HasPrefix(secret, "whsec_") {
			return nil, errors.New("a secret of Stripe's webhooks must begin with whsec_")
		}
	}
	transport := c.Transport
	if transport == nil {
		transport = usualTransport()
	}
	backend := &stripe.BackendConfig{
		HTTPClient:        &http.Client{Timeout: callTime, Transport: transport},
		MaxNetworkRetries: stripe.Int64(retries),
		EnableTelemetry:   stripe.Bool(false),
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull}, // the caller logs errors
	}
	if c.URL != "" {
		if u, err := url.Parse(c.URL); err != nil || u.Host == "" {
			return nil, fmt.Errorf("the address of Stripe's API must be an absolute URL, not %q", c.URL)
		}
		backend.URL = stripe.String(c.URL)
	}
	return &Stripe{
		client:       stripe.NewClient(c.Key, stripe.WithBackends(stripe.NewBackendsWithConfig(backend))),
		test:         mode == "test",
		secrets:      c.Secrets,
		installation: c.Installation,
		delayed:      c.Delayed,
	}, nil
}

// usualTransport returns the default transport, changed to keep a connection for each
// of [payment.DefaultWorkers], however many workers there are. It keeps two otherwise,
// and opens a new one for each further call if the server does not speak HTTP/2, as it
// still does for additional workers.
func usualTransport() http.RoundTripper {
	usual, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // the program has replaced it
		return http.DefaultTransport
	}
	t := usual.Clone()
	t.MaxIdleConnsPerHost = payment.DefaultWorkers
	return t
}

// installationKey is the name of the installation's name in the metadata of sessions,
// payments and refunds.
const installationKey = "installation"

// Test reports whether the key belongs to Stripe's test mode, in which no money moves.
func (s *Stripe) Test() bool { return s.test }

// Name returns "stripe", or "stripe-test" in test mode, since the objects of one mode
// do not exist in the other.
func (s *Stripe) Name() string {
	if s.test {
		return "stripe-test"
	}
	return "stripe"
}
