package stripe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"

	"seatlock/functions/payment"
)

const (
	// shortest is the shortest time from the order's creation until its session expires
	// by itself. Stripe requires 30 minutes from the session's creation. The rest is
	// for repeated calls and differing clocks.
	shortest = 35 * time.Minute

	// longest is the longest time that an order may have for its payment. Stripe's
	// limit is 24 hours.
	longest = 23 * time.Hour

	// clockError is the largest difference expected between this clock and Stripe's.
	clockError = 5 * time.Minute

	maxLines = 100 // in a session
	maxName  = 250 // characters; the page shows even fewer
)

// Open opens the session of an order. The order's id is the idempotency key. A call
// after Stripe has forgotten the key opens no second session, because it is then too
// late for the session's fixed end, and Stripe refuses.
func (s *Stripe) Open(ctx context.Context, r payment.Request) (payment.Session, error) {
	params, err := s.create(r)
	if err != nil {
		return payment.Session{}, fmt.Errorf("%w: stripe: cannot open order %s: %w", payment.ErrRefused, r.Order, err)
	}
	params.SetIdempotencyKey("open-" + string(r.Order))
	var c *stripe.CheckoutSession
	err = repeat(ctx, func() (err error) {
		c, err = s.client.V1CheckoutSessions.Create(ctx, params)
		return err
	})
	if err == nil {
		return payment.Session{ID: c.ID, URL: c.URL}, nil
	}
	failed := failure("open order "+string(r.Order), err)
	// Another version of this program may have used other parameters for the order.
	answered := errors.Is(failed, payment.ErrFailed) || otherParams(err)
	if !answered && !aboutParam(err, "expires_at") {
		return payment.Session{}, failed
	}
	// There may still be a session: from a call that Stripe answered before, or from
	// one whose key it has forgotten.
	found, err := s.find(ctx, r.Terms)
	switch {
	case err != nil:
		return payment.Session{}, err
	case found != nil:
		return payment.Session{ID: found.ID, URL: found.URL}, nil
	case answered && time.Now().After(expiry(r.Terms).Add(clockError)):
		// A session that Stripe was still creating would have expired by now.
		return payment.Session{}, fmt.Errorf("%w: %w", payment.ErrRefused, failed)
	}
	return payment.Session{}, failed
}

// expiry returns when the session of an order expires by itself. It depends on the
// order alone, because an idempotency key wants the same parameters each time.
func expiry(t payment.Terms) time.Time {
	if earliest := t.Created.Add(shortest); t.PayBefore.Before(earliest) {
		return earliest
	}
	return t.PayBefore
}

// find returns the session of an order, or nil if there is none.
func (s *Stripe) find(ctx context.Context, t payment.Terms) (*stripe.CheckoutSession, error) {
	params := &stripe.CheckoutSessionListParams{CreatedRange: &stripe.RangeQueryParams{
		GreaterThanOrEqual: t.Created.Add(-clockError).Unix(),
		LesserThanOrEqual:  expiry(t).Unix(),
	}}
	params.Limit = stripe.Int64(page)
	for c, err := range s.client.V1CheckoutSessions.List(ctx, params).All(ctx) {
		if err != nil {
			return nil, failure("look for the session of order "+string(t.Order), err)
		}
		if c.Metadata["order"] == string(t.Order) {
			return c, nil
		}
	}
	return nil, nil
}

// create returns the parameters of a new session.
func (s *Stripe) create(r payment.Request) (*stripe.CheckoutSessionCreateParams, error) {
	if r.PayBefore.Sub(r.Created) > longest {
		return nil, fmt.Errorf("it has %v for its payment; it may have at most %v", r.PayBefore.Sub(r.Created), longest)
	}
	items, err := lineItems(r)
	if err != nil {
		return nil, err
	}
	metadata := r.Metadata()
	if s.installation != "" { // Stripe treats an empty value as none
		metadata[installationKey] = s.installation
	}
	p := &stripe.CheckoutSessionCreateParams{
		Mode:              stripe.String(stripe.CheckoutSessionModePayment),
		ClientReferenceID: stripe.String(string(r.Order)),
		ExpiresAt:         stripe.Int64(expiry(r.Terms).Unix()),
		SuccessURL:        stripe.String(r.ReturnURL),
		CancelURL:         stripe.String(r.ReturnURL),
		Metadata:          metadata,
		LineItems:         items,
		// Webhooks of the payment contain its own metadata.
		PaymentIntentData: &stripe.CheckoutSessionCreatePaymentIntentDataParams{
			Description: stripe.String(clip(title(r))),
			Metadata:    metadata,
		},
	}
	if isAddress(r.Email) { // otherwise Stripe would refuse the whole order
		p.CustomerEmail = stripe.String(r.Email)
	}
	if r.Lang != "" { // an order that another version of this program began has none
		p.Locale = stripe.String(locale(r.Lang))
	}
	if s.delayed {
		p.PaymentMethodOptions = &stripe.CheckoutSessionCreatePaymentMethodOptionsParams{
			Card: &stripe.CheckoutSessionCreatePaymentMethodOptionsCardParams{CaptureMethod: stripe.String("manual")},
		}
	} else {
		p.PaymentMethodTypes = stripe.StringSlice([]string{"card"})
		p.PaymentIntentData.CaptureMethod = stripe.String("manual")
	}
	return p, nil
}

// title returns what the buyer pays for. Stripe refuses an empty text.
func title(r payment.Request) string { return cmp.Or(r.Title, string(r.Event)) }

// lineItems converts the lines of a bill to Stripe's, which have a price and a number
// each. If that is not possible, it returns one line with the sum.
func lineItems(r payment.Request) ([]*stripe.CheckoutSessionCreateLineItemParams, error) {
	factor := scale(r.Currency)
	if factor == 0 {
		return nil, fmt.Errorf("an amount in %s cannot be paid through Stripe", r.Currency)
	}
	item := func(name string, unit int64, count int) *stripe.CheckoutSessionCreateLineItemParams {
		return &stripe.CheckoutSessionCreateLineItemParams{
			Quantity: stripe.Int64(int64(count)),
			PriceData: &stripe.CheckoutSessionCreateLineItemPriceDataParams{
				Currency:    stripe.String(strings.ToLower(r.Currency)),
				UnitAmount:  stripe.Int64(unit * factor),
				ProductData: &stripe.CheckoutSessionCreateLineItemPriceDataProductDataParams{Name: stripe.String(clip(name))},
			},
		}
	}
	var items []*stripe.CheckoutSessionCreateLineItemParams
	var sum int64
	plain := len(r.Lines) <= maxLines
	for _, line := range r.Lines {
		sum += line.Amount
		switch {
		case line.Amount < 0 || line.Count < 1 || line.Text == "":
			plain = false // such as a discount, which Stripe's lines do not allow
		case line.Amount%int64(line.Count) == 0:
			items = append(items, item(line.Text, line.Amount/int64(line.Count), line.Count))
		default:
			items = append(items, item(fmt.Sprintf("%d × %s", line.Count, line.Text), line.Amount, 1))
		}
	}
	if len(r.Lines) > 0 && sum != r.Amount {
		return nil, fmt.Errorf("its lines add up to %d; they must add up to its amount, %d", sum, r.Amount)
	}
	if !plain || len(items) == 0 {
		return []*stripe.CheckoutSessionCreateLineItemParams{item(title(r), r.Amount, 1)}, nil
	}
	return items, nil
}

// clip shortens a name that is too long.
func clip(name string) string {
	if runes := []rune(name); len(runes) > maxName {
		return string(runes[:maxName-1]) + "…"
	}
	return name
}

// isAddress reports whether Stripe is expected to accept an e-mail address: without a
// name, and at a domain with a dot.
func isAddress(email string) bool {
	a, err := mail.ParseAddress(email)
	_, domain, _ := strings.Cut(email, "@")
	return err == nil && a.Address == email && strings.Contains(domain, ".")
}
