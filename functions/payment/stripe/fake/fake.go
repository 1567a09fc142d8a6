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
	last     int       // number of the last object
	due      time.Time // when something is to happen by itself
	sessions []*session
	refunds  []*refund
	byID     map[string]*session
	intents  map[string]*intent
	keys     map[string]*saved
	events   []Event
	refundAs string // status of new refunds
}

// New returns a Stripe without any objects.
func New(c Config) *Stripe {
	s := &Stripe{
		config:   c,
		mux:      http.NewServeMux(),
		byID:     make(map[string]*session),
		intents:  make(map[string]*intent),
		keys:     make(map[string]*saved),
		refundAs: succeeded,
	}
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

// wake makes elapse do something at that time.
func (s *Stripe) wake(at time.Time) {
	if s.due.IsZero() || at.Before(s.due) {
		s.due = at
	}
}

// elapse does what is due.
func (s *Stripe) elapse() {
	now := s.now()
	if s.due.IsZero() || now.Before(s.due) {
		return
	}
	s.due = time.Time{}
	// over reports whether something has ended, or makes elapse look again.
	over := func(end time.Time) bool {
		if now.Before(end) {
			s.wake(end)
			return false
		}
		return true
	}
	for _, c := range s.sessions { // in order of creation, and so are the events
		if c.status == open && over(c.expiresAt) {
			s.expire(c)
		}
		if i := c.intent; i != nil && i.status == requiresCapture && over(i.charge.captureBefore) {
			s.cancel(i, "expired")
		}
	}
	for key, saved := range s.keys {
		if saved.done && over(saved.at.Add(keyLife)) {
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
			m.Refunded += p.refunded()
		}
		all[c.metadata["order"]] = m
	}
	return all
}
