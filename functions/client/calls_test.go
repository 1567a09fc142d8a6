package client_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
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

// hall returns a server of ten rows of ten seats with the policy.
func hall(t *testing.T, p access.Policy) http.Handler {
	t.Helper()
	grid, err := venue.Grid(10, 10, venue.Defaults{LockTTL: time.Minute, SeatLimit: 4})
	if err != nil {
		t.Fatal(err)
	}
	api, err := booking.New(booking.Config{Store: new(memstore.Store), Events: []venue.Event{grid}, Access: p, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return api.Routes()
}

// serve starts such a server, and returns its URL.
func serve(t *testing.T, p access.Policy) string {
	t.Helper()
	server := httptest.NewServer(hall(t, p))
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
	shown := locked.Expires.Add(time.Second - time.Millisecond).Truncate(time.Second) // as seat lists show it
	released, err := c.Do(ctx, ev, lockstore.Release("ann", "B1", "A2"))
	if err != nil || !slices.Equal(released.Changed, []lockstore.SeatID{"A2"}) {
		t.Errorf("the release gave back %v, %v, want A2 alone", released.Changed, err)
	}
	_, err = c.Do(ctx, ev, lockstore.Lock("ben", "A1", "A3"))
	conflict, ok := errors.AsType[*lockstore.ConflictError](err)
	if !ok || conflict.Reason != lockstore.SeatLocked || len(conflict.Seats) != 1 || !conflict.Seats[0].Expires.Equal(shown) {
		t.Errorf("the second lock ended with %+v, want a conflict on A1 until %v", err, shown)
	}
	snap, err := c.List(ctx, ev, "")
	want := lockstore.ListedSeat{Position: 0, Status: lockstore.Locked, Expires: shown.UnixMilli()}
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

// TestEveryKind checks that each kind of operation has the same effect over HTTP as on
// a store, and that roster and journal return the same.
func TestEveryKind(t *testing.T) {
	key := strings.Repeat("o", 32)
	url := serve(t, access.Policy{OperatorKeys: []string{key}})
	c, err := client.New(url, client.Options{Token: key})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ev, ctx := theEvent(t, c), t.Context()
	soon := time.Now().Add(10 * time.Minute).Truncate(time.Millisecond)
	long := lockstore.Lock("ann", "A1", "A2")
	long.For = 90 * time.Second
	book := lockstore.Book("ben", "order-2", "B1")
	book.Blocked = true
	confirm := lockstore.Confirm("ann", "A1")
	confirm.Ref = "order-1"
	evicting := lockstore.Block("camera", "A2")
	evicting.Blocked = true
	done := make(map[lockstore.Kind]bool)
	for _, step := range []struct {
		op      lockstore.Op
		changed []lockstore.SeatID
		want    error
	}{
		{op: long},
		{op: lockstore.Extend("ann", soon, "A1", "A2")},
		{op: confirm},
		{op: lockstore.Confirm("ben", "A2"), want: lockstore.LockNotHeld},
		{op: evicting, changed: []lockstore.SeatID{"A2"}},
		{op: lockstore.Lock("ann", "A2"), want: lockstore.SeatBlocked},
		{op: lockstore.Block("", "B1"), changed: []lockstore.SeatID{"B1"}},
		{op: book},
		{op: lockstore.Move("", "order-2", []lockstore.SeatID{"B1"}, []lockstore.SeatID{"C1"})},
		{op: lockstore.Move("", "order-2", []lockstore.SeatID{"D1"}, []lockstore.SeatID{"E1"}), want: lockstore.NotBooked},
		{op: lockstore.Cancel("", "order-2", "C1", "C2"), changed: []lockstore.SeatID{"C1"}},
		{op: lockstore.Unblock("A2", "C1"), changed: []lockstore.SeatID{"A2"}},
		{op: lockstore.Lock("ann", "J1", "J2")},
		{op: lockstore.Evict("ann", "J1"), changed: []lockstore.SeatID{"J1"}},
		{op: lockstore.Release("ann", "J1", "J2"), changed: []lockstore.SeatID{"J2"}},
	} {
		got, err := c.Do(ctx, ev, step.op)
		if !errors.Is(err, step.want) || step.want == nil && err != nil || !slices.Equal(got.Changed, step.changed) {
			t.Errorf("%v of %q: %+v, %v, want %q changed, %v", step.op.Kind, step.op.Seats, got, err, step.changed, step.want)
		}
		if step.op.Kind == lockstore.KindExtend && !got.Expires.Equal(soon) {
			t.Errorf("the locks end at %v, want %v", got.Expires, soon)
		}
		done[step.op.Kind] = true
	}
	if len(done) != len(lockstore.Kinds()) {
		t.Errorf("the kinds tried are %v, want all of %v", done, lockstore.Kinds())
	}
	bounded := lockstore.Cancel("", "order-1", "A1")
	bounded.NotBefore = soon
	if _, err := c.Do(ctx, ev, bounded); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a bound in time: %v, want ErrUnsupported", err)
	}

	seq, seats := c.Roster(ctx, ev, lockstore.Filter{})
	var holdings []string
	for h, err := range seats {
		if err != nil {
			t.Fatal(err)
		}
		holdings = append(holdings, string(h.Seat)+" "+h.Status.String()+" "+string(h.User)+" "+string(h.Ref))
	}
	if want := []string{"A1 booked ann order-1"}; !slices.Equal(holdings, want) || seq == "" {
		t.Errorf("the roster is %q at %q, want %q", holdings, seq, want)
	}
	for _, f := range []lockstore.Filter{{User: "ann"}, {Seats: []lockstore.SeatID{"J1", "A1"}}} {
		_, seats := c.Roster(ctx, ev, f)
		for h, err := range seats {
			if err != nil || h.Seat != "A1" || h.Since.IsZero() {
				t.Errorf("the roster of %+v has %+v, %v, want A1", f, h, err)
			}
		}
	}
	var kinds []lockstore.Kind
	after := lockstore.Seq("")
	for {
		entries, err := c.Journal(ctx, ev, after, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			kinds = append(kinds, e.Kind)
			after = e.Seq
		}
	}
	if want := []lockstore.Kind{lockstore.KindExtend, lockstore.KindConfirm, lockstore.KindBlock, lockstore.KindBlock, lockstore.KindBook, lockstore.KindMove, lockstore.KindCancel, lockstore.KindUnblock, lockstore.KindEvict}; !slices.Equal(kinds, want) || after != seq {
		t.Errorf("the journal has %v until %q, want %v until %q", kinds, after, want, seq)
	}
	if _, err := c.Journal(ctx, ev, "of.another-life", 1); !errors.Is(err, lockstore.ErrJournalReset) {
		t.Errorf("the journal after an unknown entry: %v, want ErrJournalReset", err)
	}

	// Callers without a role may read none of this.
	_, seats = at(t, url).Roster(ctx, ev, lockstore.Filter{})
	for _, err := range seats {
		if p, ok := errors.AsType[*client.Problem](err); !ok || p.Status != 401 {
			t.Errorf("the roster without a token: %v, want 401", err)
		}
	}
}
