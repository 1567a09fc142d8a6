// Package fake is a stateful fake of Stripe for tests, with everything that Seatlock
// uses.
//
// It has Checkout Sessions, payment intents with their charges, refunds, idempotency
// keys and webhooks. It refuses unknown parameters. The tests compare its answers with
// Stripe's own OpenAPI description. The README of package stripe has a checklist of
// what it cannot show.
//
// A test plays three parts with it: the buyer at the payment page ([Stripe.Pay] and
// others), the network ([Stripe.Fail] loses and delays calls and answers, and
// [Stripe.TakeEvents] returns the webhooks, to be delivered in any order, or not at
// all), and time ([Stripe.Advance]).
package fake

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Version is the version of Stripe's API in the answers.
const Version = "2026-03-25.dahlia"

// A Config configures a [Stripe].
type Config struct {
	Key     string   // the only API key that it accepts
	Secrets []string // sign the webhooks; two during a rotation
}

// Stripe is a stateful fake of Stripe's API, an [http.Handler]. It is also an
// [http.RoundTripper] that answers without a network, for tests in a testing/synctest
// bubble. It is safe for concurrent use.
type Stripe struct {
	config Config
	mux    *http.ServeMux
	calls  sync.WaitGroup // of RoundTrip

	mu       sync.Mutex // protects the fields below; never held while waiting
	offset   time.Duration
	fail     func(Call) Fault
	last     int       // number of the last object
	due      time.Time // when something happens next by itself
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

// Now returns the time of the fake's clock.
func (s *Stripe) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// Advance moves the fake's clock, which otherwise follows the machine's, forward by d.
// Sessions and authorisations that are due by then expire, and keys are forgotten.
func (s *Stripe) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
	s.elapse()
}

func (s *Stripe) now() time.Time { return time.Now().Add(s.offset) }

// wake schedules the next elapse at that time or earlier.
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
	// over reports whether a time has passed, and otherwise calls wake.
	over := func(end time.Time) bool {
		if now.Before(end) {
			s.wake(end)
			return false
		}
		return true
	}
	for _, c := range s.sessions { // in order of creation, which is then the order of the events
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

// newID returns a unique id.
func (s *Stripe) newID(prefix string) string {
	s.last++
	return fmt.Sprintf("%s_%024d", prefix, s.last)
}

// Money is the state of the payments for one order.
type Money struct {
	Sessions   int   // opened
	Payable    int   // of which are open
	Authorised int64 // reserved now
	Captured   int64 // taken, whether refunded or not
	Captures   int   // payments that were captured
	Refunded   int64 // paid back, or on the way
}

// Money returns the state of all payments, by the value "order" in the sessions'
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
