// Program checkout answers the calls about orders as a Lambda function. A schedule
// invokes it to settle the orders that are due.
package main

import (
	"fmt"
	"log/slog"

	"seatlock/functions/booking"
	"seatlock/functions/internal/boot"
	"seatlock/functions/payment"
	"seatlock/functions/payment/stripe"
	"seatlock/functions/settings"
	"seatlock/functions/telemetry"
)

func main() {
	boot.Checkout(openStripe, func(api *booking.API) telemetry.Handler {
		return api.At("/checkout", "/order", "/orders", "/refund", "/webhooks/stripe")
	})
}

func openStripe(s settings.Payments, log *slog.Logger) (payment.Provider, error) {
	provider, err := stripe.New(stripe.Config{Key: s.StripeKey, Secrets: s.StripeSecrets, Installation: s.Installation, Delayed: s.StripeDelayed, URL: s.StripeURL})
	if err != nil {
		return nil, fmt.Errorf("STRIPE_KEY: %w", err)
	}
	if provider.Test() {
		log.Warn("STRIPE_KEY is a test-mode key: no money moves")
	}
	if len(s.StripeSecrets) == 0 {
		log.Warn("Stripe's webhooks are refused, so payments are noticed later: set STRIPE_WEBHOOK_SECRET")
	}
	return provider, nil
}
