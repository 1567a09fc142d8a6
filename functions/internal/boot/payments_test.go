package boot

import (
	"context"
	"iter"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/booking"
	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// endless is a provider that takes all the available time to list its sessions.
type endless struct{ *paymenttest.Bank }

func (endless) Recent(ctx context.Context, _ time.Time) iter.Seq2[payment.Payment, error] {
	return func(yield func(payment.Payment, error) bool) {
		<-ctx.Done()
		yield(payment.Payment{}, ctx.Err())
	}
}

// TestSettlingEndsInTime checks that a function with too much work ends before it is
// killed, and reports it.
func TestSettlingEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, err := venue.ReadEvents("hall", strings.NewReader(`{"events":[{"id":"gala","seats":["A1"]}]}`), venue.Defaults{LockTTL: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		store, log := new(memstore.Store), slog.New(slog.NewTextHandler(&said, nil))
		p := new(payments)
		p.Payments, err = payment.New(payment.Config{Seats: store, Orders: store, Provider: endless{new(paymenttest.Bank)}, Within: 10 * time.Minute, Margin: 2 * time.Minute, Log: log,
			Event: func(id lockstore.EventID) (*lockstore.Event, error) { return p.api.Event(id) }})
		if err != nil {
			t.Fatal(err)
		}
		if p.api, err = booking.New(booking.Config{Store: store, Events: events, Payments: p.Payments, Logger: log}); err != nil {
			t.Fatal(err)
		}
		const long = 75 * time.Second
		ctx, cancel := context.WithTimeout(t.Context(), long)
		defer cancel()
		began := time.Now()
		if _, err := (&scheduled{payments: p}).Invoke(ctx, []byte(`{"settle":true}`)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > long-2*time.Second {
			t.Errorf("it took %v of %v", took, long)
		}
		if !strings.Contains(said.String(), "not everything could be compared") {
			t.Errorf("the log has %q, want that the comparison is not done", said.String())
		}
	})
}
