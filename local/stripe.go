package main

import (
	"context"
	"errors"
	"log/slog"

	"seatlock/functions/payment"
	"seatlock/functions/payment/stripe"
	"seatlock/functions/settings"
	"seatlock/lockstore"
)

// openStripe returns Stripe as the settings describe it. In live mode, it fails unless
// the store outlives the program.
func openStripe(ctx context.Context, s settings.Runner, store openStore, orders lockstore.OrderStore, log *slog.Logger) (*stripe.Stripe, error) {
	p := s.Payments
	installation := p.Installation
	if installation == "" {
		var err error
		if installation, err = payment.Installation(ctx, orders); err != nil {
			return nil, err
		}
	}
	log.Info("orders at Stripe with this installation name belong to this store; set -installation to the name before starting with an empty store", "installation", installation)
	provider, err := stripe.New(stripe.Config{Key: p.StripeKey, Secrets: p.StripeSecrets, Installation: installation, Delayed: p.StripeDelayed, URL: p.StripeURL})
	if err != nil {
		return nil, p.Wrong("STRIPE_KEY", err)
	}
	switch inMemory := s.File.Path == "" && s.Redis.URL == "" && s.Postgres.URL == ""; {
	case inMemory && !provider.Test():
		return nil, p.Wrong("checkout", errors.New("needs -data, -redis or -postgres: in memory, paid orders would be lost when the program stops"))
	case inMemory:
		log.Warn("orders and bookings are lost when this program stops, so it starts only with a test-mode key of Stripe")
	}
	if provider.Test() {
		log.Warn("STRIPE_KEY is a test-mode key: no money moves")
	}
	if len(p.StripeSecrets) == 0 {
		log.Warn("Stripe's webhooks are refused, so payments are noticed later: set STRIPE_WEBHOOK_SECRET")
	}
	if checked, ok := store.LockStore.(interface {
		Check(context.Context) ([]string, error)
	}); ok {
		warnings, err := checked.Check(ctx)
		if err != nil {
			return nil, err
		}
		for _, w := range warnings {
			log.Warn("-checkout stripe: the store may lose what it has acknowledged. Lost orders are rebuilt from Stripe's sessions, but their seats may have been sold again by then", "store", w)
		}
	}
	return provider, nil
}
