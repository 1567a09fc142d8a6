package pgstore_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest/history"
)

// TestSynchronousStandbyAway checks that refusals are answered although commits are
// not, and that a repeated success waits as the first one did.
func TestSynchronousStandbyAway(t *testing.T) {
	srv := pgtest.New(t, pgtest.Unsafe...)
	s := migrated(t, srv.URL("postgres"))
	ev := newEvent(t, 20)
	limited := *ev
	limited.SeatLimit = 2
	mustDo(t, s, ev, lockstore.Lock(ann, "A1", "A2"))
	for _, statement := range []string{"ALTER SYSTEM SET synchronous_standby_names = 'away'", "SELECT pg_reload_conf()"} {
		if _, err := srv.Exec(t.Context(), "postgres", statement); err != nil {
			t.Fatal(err)
		}
	}
	for name := ""; name != "away"; time.Sleep(time.Millisecond) {
		if err := admin(t, srv.URL("postgres")).QueryRow(t.Context(), "SHOW synchronous_standby_names").Scan(&name); err != nil {
			t.Fatal(err)
		}
	}
	want := func(ev *lockstore.Event, op lockstore.Op, want error) {
		t.Helper()
		if err := history.Repeat(t.Context(), func() error { return do(t, s, ev, op) }, lockstore.ErrUnavailable); !errors.Is(err, want) {
			t.Errorf("%s of %v by %s: %v, want %v", op.Kind, op.Seats, op.User, err, want)
		}
	}
	want(ev, lockstore.Confirm(ann, "A1"), lockstore.ErrOutcomeUnknown)
	want(ev, lockstore.Confirm(ann, "A1"), lockstore.ErrOutcomeUnknown) // it is booked, but not safely
	want(ev, lockstore.Lock(ann, "A2"), lockstore.ErrOutcomeUnknown)
	want(ev, lockstore.Lock(ben, "A1"), lockstore.SeatBooked)
	want(ev, lockstore.Confirm(ben, "A2"), lockstore.LockNotHeld)
	want(ev, lockstore.Release(ann, "A1"), lockstore.SeatBooked)
	want(&limited, lockstore.Lock(ann, "A3"), lockstore.OverSeatLimit)

	// Refusals that share a transaction with changes do not wait for the changes.
	errs, together := make(chan error, 20), make(chan struct{})
	for i, seat := range ev.Seats {
		user := ben
		if i > 1 {
			user = lockstore.UserID("user " + seat)
		}
		go func() {
			<-together
			// On a slow machine a call may come too late to be sent.
			errs <- history.Repeat(t.Context(), func() error {
				_, err := s.Do(context.Background(), ev, lockstore.Lock(user, seat))
				return err
			}, lockstore.ErrUnavailable)
		}()
	}
	close(together)
	refused := 0
	for range ev.Seats {
		err := <-errs
		if errors.As(err, new(*lockstore.ConflictError)) {
			refused++
		} else if !errors.Is(err, lockstore.ErrOutcomeUnknown) {
			t.Errorf("Lock of an available seat: %v, want ErrOutcomeUnknown", err)
		}
	}
	if refused != 2 {
		t.Errorf("%d locks were refused, want 2", refused)
	}
}

// TestNotifierEnds checks that only one goroutine notifies other processes, and that it
// ends once there is nothing to notify them of.
func TestNotifierEnds(t *testing.T) {
	s, _ := newStore(t)
	ev := newEvent(t, 10)
	notifiers := func() int {
		stacks := make([]byte, 4<<20)
		return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "pgstore.(*Store).notify(")
	}
	most := 0
	for _, seat := range ev.Seats {
		mustDo(t, s, ev, lockstore.Lock(ann, seat))
		most = max(most, notifiers())
	}
	if most == 0 {
		t.Error("nobody notifies")
	}
	for began := time.Now(); notifiers() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatal("a goroutine goes on notifying")
		}
	}
}

// TestCallerLeaves checks that a caller that gives up while its call waits withdraws
// only that call.
func TestCallerLeaves(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 3)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	tx, err := admin(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT FROM seatlock.seat FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	call := func(ctx context.Context, op lockstore.Op) chan error {
		ended := make(chan error, 1)
		go func() {
			// On a slow machine a call may wait for the row for longer than it may.
			ended <- history.Repeat(ctx, func() error {
				_, err := s.Do(ctx, ev, op)
				return err
			}, lockstore.ErrUnavailable)
		}()
		time.Sleep(20 * time.Millisecond)
		return ended
	}
	ctx, leave := context.WithCancel(t.Context())
	first := call(t.Context(), lockstore.Confirm(ann, "A1")) // waits for the row
	leaving := call(ctx, lockstore.Lock(ann, "A2"))          // waits for the first, which is of the same user
	staying := call(t.Context(), lockstore.Lock(ann, "A3"))
	leave()
	if err := <-leaving; !errors.Is(err, context.Canceled) {
		t.Errorf("the call of the caller who left: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-first, <-staying); err != nil {
		t.Error(err)
	}
	wantSeats(t, mustList(t, s, ev, ""), "A1 booked", "A3 locked")
}
