package fake

import (
	"fmt"
	"net/http"
	"time"
)

// The states of a payment intent. A charge and a refund may be succeeded, too.
const (
	requiresMethod  = "requires_payment_method"
	requiresCapture = "requires_capture"
	processing      = "processing"
	succeeded       = "succeeded"
	canceled        = "canceled"
)

// cardHold is how long the money of a card is reserved.
const cardHold = 7 * 24 * time.Hour

// An intent is a payment intent, which is what a buyer has tried to pay in a session.
type intent struct {
	id       string
	status   string
	created  time.Time
	amount   int64
	received int64
	currency string
	method   string // "card", or one that takes days, such as "sepa_debit"
	manual   bool
	metadata map[string]string
	declined bool // the last attempt

	canceledAt time.Time
	reason     string // of being cancelled

	charge *charge // nil before an attempt has succeeded
}

// A charge is the money that moves for an intent.
type charge struct {
	id            string
	created       time.Time
	captured      bool
	captureBefore time.Time // zero if it is not to be captured by a call
}

func (s *Stripe) intent(id string) (*intent, error) {
	for _, p := range s.intents {
		if p.id == id {
			return p, nil
		}
	}
	return nil, missing("payment_intent", id)
}

// sessionOf returns the session in which the intent was made.
func (s *Stripe) sessionOf(p *intent) *session {
	for _, c := range s.sessions {
		if c.intent == p {
			return c
		}
	}
	panic("an intent without a session")
}

func (s *Stripe) getIntent(id string, p params) (object, error) {
	i, err := s.intent(id)
	if err != nil {
		return nil, err
	}
	return s.intentObject(i, p.expands("")), nil
}

func (s *Stripe) captureIntent(id string, p params) (object, error) {
	i, err := s.intent(id)
	if err != nil {
		return nil, err
	}
	amount, err := p.number("amount_to_capture", i.amount, 1, i.amount)
	if err != nil {
		return nil, err
	}
	if i.status != requiresCapture {
		e := unexpected("This PaymentIntent could not be captured because it has a status of " + i.status +
			". Only a PaymentIntent with one of the following statuses may be captured: requires_capture.")
		e.intent = s.intentObject(i, nil)
		return nil, e
	}
	s.collect(i, amount)
	s.emit("payment_intent.succeeded", s.intentObject(i, nil))
	return s.intentObject(i, p.expands("")), nil
}

// collect takes the money of an intent.
func (s *Stripe) collect(i *intent, amount int64) {
	i.status, i.received = succeeded, amount
	i.charge.captured = true
	s.emit("charge.captured", s.chargeObject(i))
}

func (s *Stripe) cancelIntent(id string, p params) (object, error) {
	i, err := s.intent(id)
	if err != nil {
		return nil, err
	}
	if s.sessionOf(i).status == open {
		return nil, unexpected("You cannot cancel the PaymentIntent of an open Checkout Session. Expire the Checkout Session instead.")
	}
	reason := p.Get("cancellation_reason")
	switch reason {
	case "", "abandoned", "duplicate", "fraudulent", "requested_by_customer":
	default:
		return nil, badParam("cancellation_reason", "Invalid cancellation_reason.")
	}
	if i.status != requiresCapture && i.status != requiresMethod {
		e := unexpected(fmt.Sprintf("You cannot cancel this PaymentIntent because it has a status of %s.", i.status))
		e.intent = s.intentObject(i, nil)
		return nil, e
	}
	s.cancel(i, reason)
	return s.intentObject(i, p.expands("")), nil
}

// cancel gives up an intent that was not captured.
func (s *Stripe) cancel(i *intent, reason string) {
	i.status, i.canceledAt, i.reason = canceled, s.now(), reason
	s.emit("payment_intent.canceled", s.intentObject(i, nil))
}

// The states of a refund, with succeeded.
const (
	pending = "pending"
	failed  = "failed"
)

// A refund is money on its way back.
type refund struct {
	id       string
	created  time.Time
	status   string
	amount   int64
	intent   *intent
	metadata map[string]string
}

// live reports whether the money is on its way back or has arrived.
func (r *refund) live() bool { return r.status == succeeded || r.status == pending }

// refunded returns the sum of an intent's refunds.
func (s *Stripe) refunded(i *intent) int64 {
	var sum int64
	for _, r := range s.refunds {
		if r.intent == i && r.live() {
			sum += r.amount
		}
	}
	return sum
}

func (s *Stripe) createRefund(_ string, p params) (object, error) {
	i, err := s.intent(p.Get("payment_intent"))
	if err != nil {
		return nil, err
	}
	metadata, err := p.metadata("metadata")
	if err != nil {
		return nil, err
	}
	if i.status != succeeded {
		return nil, unexpected("This PaymentIntent (" + i.id + ") does not have a successful charge to refund.")
	}
	left := i.received - s.refunded(i)
	if left == 0 {
		return nil, &apiError{status: http.StatusBadRequest, kind: invalidRequest, code: "charge_already_refunded", saved: true,
			message: "Charge " + i.charge.id + " has already been refunded."}
	}
	amount, err := p.number("amount", left, 1, 1<<40)
	if err != nil {
		return nil, err
	}
	if amount > left {
		return nil, &apiError{status: http.StatusBadRequest, kind: invalidRequest, param: "amount", saved: true,
			message: fmt.Sprintf("Refund amount (%d) is greater than unrefunded amount on charge (%d).", amount, left)}
	}
	r := &refund{id: s.newID("re"), created: s.now(), status: s.refundAs, amount: amount, intent: i, metadata: metadata}
	s.refunds = append(s.refunds, r)
	s.emit("refund.created", s.refundObject(r))
	if r.live() {
		s.emit("charge.refunded", s.chargeObject(i))
	}
	return s.refundObject(r), nil
}

func (s *Stripe) listRefunds(_ string, p params) (object, error) {
	var all []*refund
	for _, r := range s.refunds {
		if id := p.Get("payment_intent"); id == "" || r.intent.id == id {
			all = append(all, r)
		}
	}
	return list(p, "/v1/refunds", all,
		func(r *refund) string { return r.id },
		func(r *refund) time.Time { return r.created },
		s.refundObject)
}
