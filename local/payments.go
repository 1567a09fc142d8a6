package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"seatlock/functions/booking"
	"seatlock/functions/payment"
	"seatlock/functions/payment/till"
	"seatlock/functions/settings"
	"seatlock/functions/telemetry"
	"seatlock/functions/telemetry/metrics"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// payments are the orders of buyers. Without -checkout there are none.
type payments struct {
	*payment.Payments
	till *till.Till   // nil unless it is the provider
	api  *booking.API // has the events; set before the first call
}

// openPayments returns the payments that the settings describe. Seats is the measured
// store; orders are kept in the same store.
func openPayments(ctx context.Context, s settings.Runner, events []venue.Event, seats lockstore.LockStore, store openStore, counts *metrics.Metrics, log *slog.Logger) (*payments, error) {
	p := new(payments)
	report := counts.Orders()
	if s.Payments.Checkout == "" {
		return p, nil
	}
	orders, ok := store.LockStore.(lockstore.OrderStore)
	if !ok {
		return nil, s.Payments.Wrong("checkout", fmt.Errorf("needs a store that keeps orders, and this one does not: %s", store.description))
	}
	var provider payment.Provider
	var err error
	if s.Payments.Checkout == settings.Stripe {
		if provider, err = openStripe(ctx, s, store, orders, log); err != nil {
			return nil, err
		}
	} else {
		p.till = till.New(till.Config{
			Orders:  orders,
			Events:  func() []lockstore.EventID { return p.api.EventIDs() },
			Late:    s.Payments.Margin + 5*time.Second,
			Deliver: p.deliver,
		})
		provider = p.till
	}
	config := payment.Config{
		Seats: seats, Orders: orders, Provider: provider,
		Event:  func(id lockstore.EventID) (*lockstore.Event, error) { return p.api.Event(id) },
		Within: s.Payments.Within, Margin: s.Payments.Margin, Workers: s.Payments.Workers, Log: log,
		Moved: report.Moved, Rebuilt: report.Rebuilt, Compared: report.Compared,
	}
	if report != nil { // without metrics nobody needs the counts
		config.Counted = report.Counted
	}
	if p.Payments, err = payment.New(config); err != nil {
		return nil, err
	}
	for _, e := range events {
		if err := p.CheckEvent(e.Event); err != nil {
			return nil, s.Payments.Wrong("pay-within", err)
		}
	}
	return p, nil
}

// deliver passes on a notice of the till as if it had come as a webhook.
func (p *payments) deliver(ctx context.Context, body []byte, header http.Header) {
	id, err := p.till.Verify(body, header, time.Now())
	if err == nil && id != "" {
		p.Notice(ctx, id)
	}
}

// handler returns next with the page of the till added.
func (p *payments) handler(next telemetry.Handler) telemetry.Handler {
	if p.till == nil {
		return next
	}
	return func(w http.ResponseWriter, r *http.Request) telemetry.Outcome {
		if r.URL.Path != "/till" {
			return next(w, r)
		}
		r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
		p.till.ServeHTTP(w, r)
		return telemetry.Outcome{}
	}
}
