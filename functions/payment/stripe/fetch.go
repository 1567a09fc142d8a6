package stripe

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/stripe/stripe-go/v85"

	"seatlock/functions/payment"
)

const (
	// page is how many objects are requested at once, which is Stripe's limit.
	page = 100

	// decided bounds the time of a method whose money comes later. The slowest, such as
	// SEPA and ACH debits, take some seven working days.
	decided = 14 * 24 * time.Hour
)

// Fetch returns the state of a session and its payment.
func (s *Stripe) Fetch(ctx context.Context, session string) (payment.Payment, error) {
	params := &stripe.CheckoutSessionRetrieveParams{Expand: stripe.StringSlice([]string{"payment_intent.latest_charge"})}
	c, err := s.client.V1CheckoutSessions.Retrieve(ctx, session, params)
	if err != nil {
		return payment.Payment{}, failure("fetch session "+session, err)
	}
	return paymentOf(c)
}

// Recent returns the sessions that this installation has opened since then, newest
// first, and those that were opened without a name.
func (s *Stripe) Recent(ctx context.Context, since time.Time) iter.Seq2[payment.Payment, error] {
	return func(yield func(payment.Payment, error) bool) {
		params := &stripe.CheckoutSessionListParams{
			CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: since.Unix()},
			Expand:       stripe.StringSlice([]string{"data.payment_intent.latest_charge"}),
		}
		params.Limit = stripe.Int64(page)
		for c, err := range s.client.V1CheckoutSessions.List(ctx, params).All(ctx) {
			if err != nil {
				yield(payment.Payment{}, failure("list recent sessions", err))
				return
			}
			name := c.Metadata[installationKey]
			if name != s.installation && name != "" {
				continue // another installation's, which handles it itself
			}
			p, err := paymentOf(c)
			if err != nil {
				continue // not of an order: the account sells other things, too
			}
			p.Nameless = name != s.installation // of this installation before it had a name, or of another one
			if !yield(p, nil) {
				return
			}
		}
	}
}

// paymentOf converts a session, which must contain its payment intent, and that its
// charge.
func paymentOf(c *stripe.CheckoutSession) (payment.Payment, error) {
	p := payment.Payment{Session: c.ID}
	amount, currency := c.AmountTotal, string(c.Currency)
	intent := c.PaymentIntent
	if intent == nil {
		intent = new(stripe.PaymentIntent) // nobody has tried to pay
	}
	p.ID = intent.ID
	switch {
	case c.Status == stripe.CheckoutSessionStatusOpen:
		p.State = payment.Open // whatever became of attempts so far
	case intent.Status == stripe.PaymentIntentStatusRequiresCapture:
		p.State = payment.Authorised
		amount, currency = intent.AmountCapturable, string(intent.Currency)
		if card := cardOf(intent); card != nil && card.CaptureBefore != 0 {
			p.Until = time.Unix(card.CaptureBefore, 0)
		}
	case intent.Status == stripe.PaymentIntentStatusSucceeded:
		p.State = payment.Captured
		amount, currency = intent.AmountReceived, string(intent.Currency)
		if intent.LatestCharge != nil {
			p.Back = ours(intent.LatestCharge.AmountRefunded, currency)
		}
	case c.Status == stripe.CheckoutSessionStatusComplete && undecided(intent.Status):
		p.State = payment.Pending
		p.Until = time.Unix(intent.Created, 0).Add(decided)
		if intent.LatestCharge != nil && intent.LatestCharge.Created != 0 {
			p.Until = time.Unix(intent.LatestCharge.Created, 0).Add(decided)
		}
	case c.Status == stripe.CheckoutSessionStatusExpired, intent.Status == stripe.PaymentIntentStatusCanceled,
		intent.Status == stripe.PaymentIntentStatusRequiresPaymentMethod: // a debit that failed; the page is closed
		p.State = payment.Void
	default:
		return payment.Payment{}, fmt.Errorf("stripe: session %s is %q with a payment that is %q, which an order's never is", c.ID, c.Status, intent.Status)
	}
	var err error
	if p.Terms, err = payment.ParseTerms(c.Metadata, ours(amount, currency), currency); err != nil {
		return payment.Payment{}, fmt.Errorf("stripe: session %s is not of an order: %w", c.ID, err)
	}
	return p, nil
}

// undecided reports whether the buyer has done everything on the page, but the money is
// still to come: a debit under way, or a voucher to be paid.
func undecided(status stripe.PaymentIntentStatus) bool {
	return status == stripe.PaymentIntentStatusProcessing || status == stripe.PaymentIntentStatusRequiresAction
}

func cardOf(intent *stripe.PaymentIntent) *stripe.ChargePaymentMethodDetailsCard {
	if intent.LatestCharge == nil || intent.LatestCharge.PaymentMethodDetails == nil {
		return nil
	}
	return intent.LatestCharge.PaymentMethodDetails.Card
}
