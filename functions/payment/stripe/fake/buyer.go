package fake

import (
	"errors"
	"fmt"
	"slices"
)

// ErrNotOpen is returned when a buyer pays in a session that has expired or is
// complete. Nothing happens. Stripe's page does not notice that a session has expired:
// it lets the buyer try, and shows a page that reads as if the payment had succeeded.
var ErrNotOpen = errors.New("the session is not open")

// Pay makes the buyer pay by card in an open session. The money is reserved, or taken
// if the session says so.
func (s *Stripe) Pay(id string) error {
	return s.attempt(id, "card", func(c *session, i *intent) {
		s.charge(i)
		if c.manual {
			i.charge.captureBefore = i.charge.created.Add(cardHold)
			s.wake(i.charge.captureBefore)
			i.status = requiresCapture
			s.emit("payment_intent.amount_capturable_updated", i.render(nil))
		} else {
			s.collect(i, i.amount)
			s.emit("payment_intent.succeeded", i.render(nil))
		}
		s.completed(c)
	})
}

// Decline makes the buyer pay by a card that is declined. The session stays open.
func (s *Stripe) Decline(id string) error {
	return s.attempt(id, "card", func(_ *session, i *intent) {
		i.declined = true
		s.emit("payment_intent.payment_failed", i.render(nil))
	})
}

// PayDelayed makes the buyer pay by a SEPA debit, whose success is known days later,
// when [Stripe.FinishDelayed] says so.
func (s *Stripe) PayDelayed(id string) error {
	return s.attempt(id, "sepa_debit", func(c *session, i *intent) {
		s.charge(i)
		i.status = processing
		s.emit("payment_intent.processing", i.render(nil))
		s.completed(c)
	})
}

// attempt makes the buyer pay in a session.
func (s *Stripe) attempt(id, method string, pay func(*session, *intent)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.elapse()
	c, err := s.session(id)
	if err != nil {
		return err
	}
	if c.status != open {
		return fmt.Errorf("%w: %s is %s", ErrNotOpen, id, c.status)
	}
	if !slices.Contains(c.offers(), method) {
		return fmt.Errorf("session %s does not take %s", id, method)
	}
	if c.intent == nil {
		c.intent = &intent{id: s.newID("pi"), session: c, created: s.now(), amount: c.amount, currency: c.currency, metadata: c.intentMetadata}
		s.intents[c.intent.id] = c.intent
	}
	i := c.intent
	i.status, i.method, i.manual, i.declined = requiresMethod, method, c.allManual, false
	pay(c, i)
	return nil
}

// charge makes the charge of an intent.
func (s *Stripe) charge(i *intent) {
	i.charge = &charge{id: s.newID("ch"), created: s.now()}
}

// completed ends a session in which the buyer has paid.
func (s *Stripe) completed(c *session) {
	c.status = complete
	s.emit("checkout.session.completed", c.render(nil))
}

// offers returns the payment methods of the session.
func (c *session) offers() []string {
	switch {
	case len(c.methods) > 0:
		return c.methods
	case c.allManual:
		return []string{"card"}
	}
	return []string{"card", "sepa_debit"} // the account has these
}

// FinishDelayed ends the payment of [Stripe.PayDelayed]: the money has come, or it
// never will.
func (s *Stripe) FinishDelayed(id string, paid bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.elapse()
	c, err := s.session(id)
	if err != nil {
		return err
	}
	i := c.intent
	if i == nil || i.status != processing {
		return fmt.Errorf("no payment of session %s is being decided", id)
	}
	if !paid {
		i.status, i.declined, i.charge = requiresMethod, true, nil
		s.emit("payment_intent.payment_failed", i.render(nil))
		s.emit("checkout.session.async_payment_failed", c.render(nil))
		return nil
	}
	s.collect(i, i.amount)
	s.emit("payment_intent.succeeded", i.render(nil))
	s.emit("checkout.session.async_payment_succeeded", c.render(nil))
	return nil
}

// RefundsBecome sets how new refunds turn out: "succeeded", which is what they do
// otherwise, "pending" or "failed".
func (s *Stripe) RefundsBecome(status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refundAs = status
}

// FinishRefunds makes every refund with the status from have the status to: pending
// ones succeed or fail, and ones that had succeeded may fail, too.
func (s *Stripe) FinishRefunds(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.refunds {
		if r.status == from {
			r.status = to
			s.emit("refund.updated", r.render())
			if to == failed {
				s.emit("refund.failed", r.render())
			}
		}
	}
}

// Locale returns the language that a session's page was asked for: empty if it was not.
func (s *Stripe) Locale(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, err := s.session(id); err == nil {
		return c.locale
	}
	return ""
}
