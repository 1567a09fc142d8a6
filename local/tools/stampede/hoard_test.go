package main

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/access/session"
	"seatlock/functions/booking"
	"seatlock/functions/venue"
	"seatlock/lockstore/memstore"
)

// serveGuests serves an event of 60 seats to guests and to a back end. Guests may lock
// unbought seats an hour without buying them; 0 is no limit.
func serveGuests(t *testing.T, unbought float64) string {
	t.Helper()
	sealer, err := session.NewSealer(strings.Repeat("s", 32))
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(sealer, session.Options{Guests: true})
	if err != nil {
		t.Fatal(err)
	}
	p := access.Policy{Sessions: sessions, BackendKeys: []string{backendKey}, OperatorKeys: []string{operatorKey}}
	if unbought > 0 {
		p.Locks = access.NewBudget(unbought)
	}
	e, err := venue.Grid(6, 10, venue.Defaults{LockTTL: time.Second, SeatLimit: 10})
	if err != nil {
		t.Fatal(err)
	}
	api, err := booking.New(booking.Config{Store: new(memstore.Store), Events: []venue.Event{e}, Access: p, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	desk := &session.Desk{Policy: &p, Sessions: sessions, Guests: access.NewBudget(100)}
	s := httptest.NewServer(desk.Handler(api.Routes()))
	t.Cleanup(s.Close)
	return s.URL
}

// TestHoarders checks that hoarders are refused once they have used up the budget of their
// address while buyers still get seats, and that the report shows how much hoarders get
// without a budget.
func TestHoarders(t *testing.T) {
	t.Parallel()
	const unbought, address = 3, 30 // seats an hour
	args := []string{"-hoarders", "4", "-backend-key", backendKey, "-operator-key", operatorKey, "-confirm-by", "backend", "-think", "1s"}
	r, err := stampede(t.Context(), t, serveGuests(t, unbought), args...)
	if err != nil {
		t.Fatalf("%v: %+v", err, r)
	}
	if h := r.Hoarders; h.Seats == 0 || h.Seats > address || h.Refused["rate_limited"] == 0 || h.Guests < 4 || r.Buyers[paid] == 0 {
		t.Errorf("with a budget of %d seats an hour for an address: %+v, and the buyers %v", address, h, r.Buyers)
	}
	r, err = stampede(t.Context(), t, serveGuests(t, 0), args...)
	if err != nil {
		t.Fatalf("%v: %+v", err, r)
	}
	// How many seats they get before the sale ends depends on the machine.
	if h := r.Hoarders; h.Seats == 0 || h.Refused["rate_limited"] > 0 || h.Share <= 0 || h.Share > 1 || h.Most > 60 {
		t.Errorf("without a budget: %+v", h)
	}
}
