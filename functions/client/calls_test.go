package client_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/client"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// serve starts a server of ten rows of ten seats with the policy, and returns its
// URL.
func serve(t *testing.T, p access.Policy) string {
	t.Helper()
	hall, err := venue.Grid(10, 10, venue.Defaults{LockTTL: time.Minute, SeatLimit: 4})
	if err != nil {
		t.Fatal(err)
	}
	api, err := booking.New(booking.Config{Store: new(memstore.Store), Events: []venue.Event{hall}, Access: p, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api.Routes())
	t.Cleanup(server.Close)
	return server.URL
}

func theEvent(t *testing.T, c *client.Client) *lockstore.Event {
	t.Helper()
	events, err := c.Events(t.Context())
	if err != nil || len(events) != 1 {
		t.Fatalf("the events are %v, %v", events, err)
	}
	return events[0]
}

// TestToken checks that a client sends its token, to a server that requires one.
func TestToken(t *testing.T) {
	key := strings.Repeat("k", 32)
	url := serve(t, access.Policy{BackendKeys: []string{key}, Private: true})
	shop, err := client.New(url, client.Options{Token: key})
	if err != nil {
		t.Fatal(err)
	}
	defer shop.Close()
	if _, err := shop.Do(t.Context(), theEvent(t, shop), lockstore.Lock("ann", "A1")); err != nil {
		t.Errorf("with the key: %v", err)
	}
	stranger := at(t, url)
	_, err = stranger.Events(t.Context())
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Code != "unauthenticated" || p.Status != 401 {
		t.Errorf("without a token: %v, want 401 unauthenticated", err)
	}
}

// TestResults checks what a client returns of an answer.
func TestResults(t *testing.T) {
	c := at(t, serve(t, access.Policy{}))
	ev, ctx := theEvent(t, c), t.Context()
	locked, err := c.Do(ctx, ev, lockstore.Lock("ann", "A1", "A2"))
	if left := time.Until(locked.Expires); err != nil || left <= 0 || left > time.Minute {
		t.Errorf("the lock ends in %v, %v, want at most a minute", left, err)
	}
	released, err := c.Do(ctx, ev, lockstore.Release("ann", "B1", "A2"))
	if err != nil || !slices.Equal(released.Changed, []lockstore.SeatID{"A2"}) {
		t.Errorf("the release gave back %v, %v, want A2 alone", released.Changed, err)
	}
	_, err = c.Do(ctx, ev, lockstore.Lock("ben", "A1", "A3"))
	conflict, ok := errors.AsType[*lockstore.ConflictError](err)
	if !ok || conflict.Reason != lockstore.SeatLocked || len(conflict.Seats) != 1 || !conflict.Seats[0].Expires.Equal(locked.Expires) {
		t.Errorf("the second lock ended with %+v, want a conflict on A1 until %v", err, locked.Expires)
	}
	snap, err := c.List(ctx, ev, "")
	want := lockstore.ListedSeat{Position: 0, Status: lockstore.Locked, Expires: locked.Expires.UnixMilli()}
	if err != nil || !snap.Full || !slices.Equal(snap.Seats, []lockstore.ListedSeat{want}) {
		t.Errorf("the list is %+v, %v, want %+v", snap, err, want)
	}
}

// TestWait checks that Wait ends with a change, and not without one.
func TestWait(t *testing.T) {
	c := at(t, serve(t, access.Policy{}))
	ev := theEvent(t, c)
	snap, err := c.List(t.Context(), ev, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Wait(ctx, ev, snap.Version) }()
	if _, err := c.Do(t.Context(), ev, lockstore.Lock("ann", "A1")); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the wait for a change ended with %v", err)
	}
	if snap, err = c.List(t.Context(), ev, ""); err != nil {
		t.Fatal(err)
	}
	go func() { ended <- c.Wait(ctx, ev, snap.Version) }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the wait without a change ended with %v, want the context's error", err)
	}
	if err := c.Wait(t.Context(), ev, "of.another-life"); err != nil {
		t.Errorf("the wait from an unknown version ended with %v", err)
	}
}
