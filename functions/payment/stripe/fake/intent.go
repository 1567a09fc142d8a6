package fake

import (
	"fmt"
	"time"
)

// The states of a payment intent. Charges and refunds may also be succeeded.
const (
	requiresMethod  = "requires_payment_method"
	requiresCapture = "requires_capture"
	processing      = "processing"
	succeeded       = "succeeded"
	canceled        = "canceled"
)

// cardHold is how long the money of a card is reserved.
const cardHold = 7 * 24 * time.Hour

// An intent is a payment intent: a buyer's attempt to pay in a session.
type intent struct {
	id       string
	session  *session
	status   string
	created  time.Time
	amount   int64
	received int64
	currency string
	method   string // "card", or one that takes days, such as "sepa_debit"
	manual   bool
	metadata map[string]string
	declined bool // whether the last attempt was

	canceledAt time.Time
	reason     string // of the cancellation

	charge  *charge // nil before an attempt has succeeded
	refunds []*refund
}

// A charge is the money that moves for an intent.
type charge struct {
	id            string
	created       time.Time
	captured      bool
	captureBefore time.Time // zero if it is not captured by a call
}

func (s *Stripe) intent(id string) (*intent, error) {
	if i := s.intents[id]; i != nil {
		return i, nil
	}
	return nil, missing("payment_intent", id)
}

func (s *Stripe) getIntent(id string, p params) (object, error) {
	i, err := s.intent(id)
	if err != nil {
		return nil, err
	}
	return i.render(p.expands("")), nil
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
		e.intent = i.render(nil)
		return nil, e
	}
	s.collect(i, amount)
	s.emit("payment_intent.succeeded", i.render(nil))
	return i.render(p.expands("")), nil
}

// collect takes the money of an intent.
func (s *Stripe) collect(i *intent, amount int64) {
	i.status, i.received = succeeded, amount
	i.charge.captured = true
	s.emit("charge.captured", i.renderCharge())
}

func (s *Stripe) cancelIntent(id string, p params) (object, error) {
	i, err := s.intent(id)
	if err != nil {
		return nil, err
	}
	if i.session.status == open {
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
		e.intent = i.render(nil)
		return nil, e
	}
	s.cancel(i, reason)
	return i.render(p.expands("")), nil
}

// cancel gives up an intent that was not captured.
func (s *Stripe) cancel(i *intent, reason string) {
	i.status, i.canceledAt, i.reason = canceled, s.now(), reason
	s.emit("payment_intent.canceled", i.render(nil))
}
