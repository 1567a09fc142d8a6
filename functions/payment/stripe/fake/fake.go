// Package fake is Stripe for tests: what Seatlock uses of it, with its state.
//
// It has Checkout Sessions, payment intents with their charges, refunds, idempotency
// keys and webhooks. It refuses parameters that it does not know. The tests hold its
// answers to Stripe's own OpenAPI description. What it cannot show is a checklist in
// the README of package stripe.
//
// A test plays three parts with it: the buyer at the payment page ([Stripe.Pay] and
// its like), the network ([Stripe.Fail] loses and delays calls and answers, and
// [Stripe.TakeEvents] hands out the webhooks, to be delivered in any order, or not),
// and time ([Stripe.Advance]).
package fake

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Version is the version of Stripe's API that the answers have.
const Version = "2026-03-25.dahlia"

// A Config is what a [Stripe] is made of.
type Config struct {
	Key     string   // the only API key that it accepts
	Secrets []string // sign the webhooks; two during a rotation
}

// Stripe is a stateful fake of Stripe's API, an [http.Handler]. It is also an
// [http.RoundTripper] that answers without a network, as a test in a
// testing/synctest bubble needs. It is safe for concurrent use.
type Stripe struct {
	config Config
	mux    *http.ServeMux
	calls  sync.WaitGroup // of RoundTrip

	mu       sync.Mutex // protects what follows; never held while waiting
	offset   time.Duration
	fail     func(Call) Fault
	last     int // number of the last object
	sessions []*session
	intents  []*intent
	refunds  []*refund
	events   []Event
	keys     map[string]*saved
	refundAs string // status of new refunds
}

// New returns a Stripe without any objects.
func New(c Config) *Stripe {
	s := &Stripe{config: c, mux: http.NewServeMux(), keys: make(map[string]*saved), refundAs: succeeded}
	s.routes()
	return s
}

// Now returns the time of its clock.
func (s *Stripe) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// Advance moves its clock, which otherwise goes as the machine's, forward by d. What
// is due by then happens: sessions and authorisations expire, and keys are forgotten.
func (s *Stripe) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
	s.elapse()
}

func (s *Stripe) now() time.Time { return time.Now().Add(s.offset) }

// elapse does what is due.
func (s *Stripe) elapse() {
	now := s.now()
	for _, c := range s.sessions {
		if c.status == open && !now.Before(c.expiresAt) {
			s.expire(c)
		}
	}
	for _, p := range s.intents {
		if p.status == requiresCapture && !now.Before(p.charge.captureBefore) {
			s.cancel(p, "expired")
		}
	}
	for key, saved := range s.keys {
		if saved.done && now.Sub(saved.at) >= keyLife {
			delete(s.keys, key)
		}
	}
}

// newID returns an id that no other object has.
func (s *Stripe) newID(prefix string) string {
	s.last++
	return fmt.Sprintf("%s_%024d", prefix, s.last)
}

// Money is what became of the payments for one order.
type Money struct {
	Sessions   int   // opened
	Payable    int   // that are open
	Authorised int64 // reserved now
	Captured   int64 // taken, whether refunded or not
	Captures   int   // payments that were captured
	Refunded   int64 // paid back, or on the way
}

// Money returns what became of all payments, by the value "order" of the sessions'
// metadata.
func (s *Stripe) Money() map[string]Money {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.elapse()
	all := make(map[string]Money)
	for _, c := range s.sessions {
		m := all[c.metadata["order"]]
		m.Sessions++
		if c.status == open {
			m.Payable++
		}
		if p := c.intent; p != nil {
			switch p.status {
			case requiresCapture:
				m.Authorised += p.amount
			case succeeded:
				m.Captured += p.received
				m.Captures++
			}
			for _, r := range s.refunds {
				if r.intent == p && r.live() {
					m.Refunded += r.amount
				}
			}
		}
		all[c.metadata["order"]] = m
	}
	return all
}
