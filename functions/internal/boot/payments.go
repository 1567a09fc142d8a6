package boot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"seatlock/functions/booking"
	"seatlock/functions/payment"
	"seatlock/functions/settings"
	"seatlock/functions/telemetry/emf"
	"seatlock/lockstore"
)

// OpenProvider returns the provider of payments that the settings describe.
type OpenProvider func(settings.Payments, *slog.Logger) (payment.Provider, error)

// payments are the orders of buyers, if the settings turn payments on. Either this
// function takes the payments, or another one does.
type payments struct {
	read     settings.Group     // the settings that the function reads
	of       *settings.Payments // the same settings
	returnTo *[]string          // the same settings; nil if buyers do not come back here
	provider OpenProvider       // nil: another function takes the payments

	*payment.Payments
	api *booking.API // set before the first call; has the events
}

// paidElsewhere returns the payments of a function that takes none. If CHECKOUT turns
// payments on, the function only changes their orders.
func paidElsewhere() *payments {
	read := new(settings.PaymentsElsewhere)
	return &payments{read: read, of: &read.Payments}
}

// paidHere returns the payments of the function that takes them.
func paidHere(open OpenProvider) *payments {
	read := new(settings.Checkout)
	return &payments{read: read, of: &read.Payments, returnTo: &read.ReturnTo, provider: open}
}

// open opens the payments on the store, if they are on, and sets them in the Config.
func (p *payments) open(c *booking.Config, store lockstore.LockStore, s settings.Telemetry) error {
	if p.of.Checkout == "" {
		return nil
	}
	orders, ok := store.(lockstore.OrderStore)
	if !ok {
		return errors.New("CHECKOUT: the store must keep orders, and this one does not")
	}
	provider := payment.Elsewhere()
	if p.provider != nil {
		var err error
		if provider, err = p.provider(*p.of, c.Logger); err != nil {
			return err
		}
		c.ReturnTo = *p.returnTo
	}
	config := payment.Config{
		Seats: c.Store, Orders: orders, Provider: provider,
		Event:  func(id lockstore.EventID) (*lockstore.Event, error) { return p.api.Event(id) },
		Within: p.of.Within, Margin: p.of.Margin, Workers: p.of.Workers, Log: c.Logger,
	}
	if s.MetricsNamespace != "" {
		config.Counted = func(n payment.Counts) { emf.Orders(os.Stdout, s.MetricsNamespace, n) }
		config.Compared = func(finished bool) { emf.Compared(os.Stdout, s.MetricsNamespace, finished) }
	}
	var err error
	if p.Payments, err = payment.New(config); err != nil {
		return fmt.Errorf("PAY_WITHIN, PAY_MARGIN: %w", err)
	}
	c.Payments = p.Payments
	if p.provider == nil {
		return nil
	}
	for _, e := range c.Events {
		if err := p.CheckEvent(e.Event); err != nil {
			return fmt.Errorf("PAY_WITHIN, PAY_MARGIN: %w", err)
		}
	}
	return nil
}

// A scheduled answers calls, and settles orders when the schedule invokes it.
type scheduled struct {
	calls    lambda.Handler
	payments *payments
}

// A settleEvent is the payload of the schedule, which differs from that of any request.
type settleEvent struct {
	Settle bool `json:"settle"`
}

const (
	// toLog is how long before its deadline the function ends all work, to log
	// failures: the lines of a function that is killed are lost.
	toLog = 3 * time.Second

	// ending is how long before its deadline the function stops starting work on
	// orders. The work on one takes up to 15 s.
	ending = 15*time.Second + toLog
)

// Invoke implements [lambda.Handler].
func (s *scheduled) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var event settleEvent
	if err := json.Unmarshal(payload, &event); err != nil || !event.Settle {
		return s.calls.Invoke(ctx, payload)
	}
	now := time.Now()
	until := now.Add(time.Minute)
	if deadline, ok := ctx.Deadline(); ok {
		left := deadline.Sub(now)
		until = deadline.Add(-min(ending, left/2))
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-min(toLog, left/4)))
		defer cancel()
	}
	s.payments.WorkUntil(ctx, until, s.payments.api.EventIDs)
	return []byte("{}"), nil
}
