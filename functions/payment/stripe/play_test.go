package stripe_test

import (
	"errors"
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
		Lang:      "de-AT",
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
