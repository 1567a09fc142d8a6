package client_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/functions/booking"
	"seatlock/functions/client"
	"seatlock/functions/venue"
	"seatlock/lockstore/memstore"
)

// TestPickWaitsForItsFirstCall checks that a pick whose connection is lost while the server
// is still at it does not lock seats twice.
func TestPickWaitsForItsFirstCall(t *testing.T) {
	t.Parallel()
	hall, err := venue.Grid(10, 10, venue.Defaults{LockTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	api, err := booking.New(booking.Config{Store: new(memstore.Store), Events: []venue.Event{hall}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	routes := api.Routes()
	var locks atomic.Int32
	var first sync.WaitGroup
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/lock" || locks.Add(1) > 1 {
			routes.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		slow := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/lock", bytes.NewReader(body))
		slow.Header = r.Header
		first.Go(func() {
			time.Sleep(time.Second)
			routes.ServeHTTP(httptest.NewRecorder(), slow)
		})
		panic(http.ErrAbortHandler) // closes the connection
	}))
	defer server.Close()
	c := at(t, server.URL)
	ev := theEvent(t, c)
	got, err := c.Pick(t.Context(), ev, "ann", client.Wanted{Count: 2})
	first.Wait()
	if err != nil || len(got.Seats) != 2 {
		t.Fatalf("%+v, %v, want two seats", got, err)
	}
	snap, err := c.List(t.Context(), ev, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, seat := range snap.Seats {
		if !slices.Contains(got.Seats, ev.Seats[seat.Position]) || len(snap.Seats) != 2 {
			t.Errorf("locked are %v, and the pick has %v", snap.Seats, got.Seats)
		}
	}
}
