package fake

import (
	"fmt"
	"net/http"
	"time"
)

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
func (i *intent) refunded() (sum int64) {
	for _, r := range i.refunds {
		if r.live() {
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
	left := i.received - i.refunded()
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
	i.refunds = append(i.refunds, r)
	s.emit("refund.created", r.render())
	if r.live() {
		s.emit("charge.refunded", i.renderCharge())
	}
	return r.render(), nil
}

func (s *Stripe) listRefunds(_ string, p params) (object, error) {
	all := s.refunds
	if id := p.Get("payment_intent"); id != "" {
		i, err := s.intent(id)
		if err != nil {
			return nil, err
		}
		all = i.refunds
	}
	return list(p, "/v1/refunds", all,
		func(r *refund) string { return r.id },
		func(r *refund) time.Time { return r.created },
		(*refund).render)
}
