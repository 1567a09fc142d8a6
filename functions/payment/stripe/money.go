package stripe

import (
	"context"
	"errors"
	"fmt"

	"github.com/stripe/stripe-go/v85"

	"seatlock/functions/payment"
)

// Expire closes an open session. If a buyer pays at the same moment, Stripe decides.
func (s *Stripe) Expire(ctx context.Context, session string) error {
	_, err := s.client.V1CheckoutSessions.Expire(ctx, session, nil)
	if err == nil {
		return nil
	}
	failed := failure("expire session "+session, err)
	if !errors.Is(failed, payment.ErrRefused) {
		return failed
	}
	c, err := s.client.V1CheckoutSessions.Retrieve(ctx, session, nil)
	switch {
	case err != nil:
		return failure("fetch session "+session, err)
	case c.Status == stripe.CheckoutSessionStatusComplete:
		return fmt.Errorf("%w: %s", payment.ErrComplete, session)
	case c.Status == stripe.CheckoutSessionStatusExpired:
		return nil
	}
	return failed
}

// Capture takes the whole amount of an authorised payment.
func (s *Stripe) Capture(ctx context.Context, id, key string) error {
	params := &stripe.PaymentIntentCaptureParams{}
	params.SetIdempotencyKey("capture-" + key)
	var intent *stripe.PaymentIntent
	err := repeat(ctx, func() (err error) {
		intent, err = s.client.V1PaymentIntents.Capture(ctx, id, params)
		return err
	})
	if err == nil {
		if intent.Status != stripe.PaymentIntentStatusSucceeded {
			return fmt.Errorf("stripe: the capture of %s is not done: it is %s", id, intent.Status)
		}
		return nil
	}
	return s.unless(ctx, "capture", id, err, stripe.PaymentIntentStatusSucceeded)
}

// Void gives up an authorised payment.
func (s *Stripe) Void(ctx context.Context, id string) error {
	_, err := s.client.V1PaymentIntents.Cancel(ctx, id, nil)
	if err == nil {
		return nil
	}
	return s.unless(ctx, "void", id, err, stripe.PaymentIntentStatusCanceled)
}

// unless returns nil if a call failed because the payment already has the wanted
// status, and the error otherwise.
func (s *Stripe) unless(ctx context.Context, what, id string, err error, wanted stripe.PaymentIntentStatus) error {
	failed := failure(what+" "+id, err)
	if !is(err, stripe.ErrorCodePaymentIntentUnexpectedState) {
		return failed
	}
	intent, err := s.client.V1PaymentIntents.Retrieve(ctx, id, nil)
	switch {
	case err != nil:
		return failure("fetch payment "+id, err)
	case intent.Status == wanted:
		return nil
	case intent.Status == stripe.PaymentIntentStatusSucceeded, intent.Status == stripe.PaymentIntentStatusCanceled:
		return failed
	}
	// Stripe refused the call in the current state, which may change.
	return fmt.Errorf("stripe: cannot %s %s now: it is %s", what, id, intent.Status)
}

// Refund pays money back. Stripe stores the key and the order with the refund.
func (s *Stripe) Refund(ctx context.Context, id string, amount int64, key string) (payment.Refund, error) {
	intent, err := s.client.V1PaymentIntents.Retrieve(ctx, id, nil)
	if err != nil {
		return payment.Refund{}, failure("fetch payment "+id, err)
	}
	metadata := map[string]string{"key": key, "order": intent.Metadata["order"]}
	if name := intent.Metadata[installationKey]; name != "" {
		metadata[installationKey] = name
	}
	params := &stripe.RefundCreateParams{
		PaymentIntent: stripe.String(id),
		Amount:        stripe.Int64(amount * max(scale(string(intent.Currency)), 1)),
		Metadata:      metadata,
	}
	params.SetIdempotencyKey("refund-" + key)
	var r *stripe.Refund
	err = repeat(ctx, func() (err error) {
		r, err = s.client.V1Refunds.Create(ctx, params)
		return err
	})
	if otherParams(err) {
		// The store has lost the refund that was made with the key. This one will never
		// be made; the caller fetches the refunds, which include the lost one, or else
		// uses another key. That is a minute later, when no call with this key is under
		// way.
		return payment.Refund{}, fmt.Errorf("%w: %w", payment.ErrRefused, failure("refund "+id, err))
	}
	if err != nil {
		return payment.Refund{}, failure("refund "+id, err)
	}
	return refundOf(r), nil
}

// Refunds returns every refund of a payment.
func (s *Stripe) Refunds(ctx context.Context, id string) ([]payment.Refund, error) {
	params := &stripe.RefundListParams{PaymentIntent: stripe.String(id)}
	params.Limit = stripe.Int64(page)
	var refunds []payment.Refund
	for r, err := range s.client.V1Refunds.List(ctx, params).All(ctx) {
		if err != nil {
			return nil, failure("list the refunds of "+id, err)
		}
		refunds = append(refunds, refundOf(r))
	}
	return refunds, nil
}

func refundOf(r *stripe.Refund) payment.Refund {
	refund := payment.Refund{
		ID:     r.ID,
		Key:    r.Metadata["key"],
		Amount: ours(r.Amount, string(r.Currency)),
		State:  payment.RefundPending, // even while the buyer is asked where to send the money
	}
	switch r.Status {
	case stripe.RefundStatusSucceeded:
		refund.State = payment.RefundDone
	case stripe.RefundStatusFailed, stripe.RefundStatusCanceled:
		refund.State = payment.RefundFailed
	}
	return refund
}
