package pgstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/storetest/history"
)

// stalledBook begins a transaction that has booked a seat, numbered from 1, and has not
// been committed. It makes the call as the store does.
func stalledBook(t *testing.T, url string, ev *lockstore.Event, seat int, user lockstore.UserID, notAfter time.Time) pgx.Tx {
	t.Helper()
	tx, err := admin(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) }) // the server may be gone
	op := lockstore.Book(user, "r", ev.Seats[seat-1])
	op.NotAfter = notAfter
	outcomes, err := pgstore.CarryOut(t.Context(), tx, ev, op)
	if err != nil || len(outcomes) != 1 || outcomes[0] != "ok" {
		t.Fatalf("Book of seat %d: %q, %v", seat, outcomes, err)
	}
	return tx
}

// TestCancelWaitsForStalledBooking checks that no booking with a bound appears after a
// cancel that waited for the bound has succeeded, although the booking's transaction
// began before the bound and hangs.
func TestCancelWaitsForStalledBooking(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T, *pgstore.Store, *lockstore.Event){
		"of a new seat":      func(*testing.T, *pgstore.Store, *lockstore.Event) {},
		"of a returned seat": func(t *testing.T, s *pgstore.Store, ev *lockstore.Event) { giveBack(t, s, ev, "A1") },
	} {
		for _, commits := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s, url := newStore(t)
				ev := newEvent(t, 2)
				mustList(t, s, ev, "") // opens the event
				prepare(t, s, ev)
				bound := time.Now().Add(3 * time.Second)
				stalled := stalledBook(t, url, ev, 1, ann, bound)
				cancel := lockstore.Cancel(ann, "r", "A1")
				cancel.NotBefore = bound
				if err := do(t, s, ev, cancel); !errors.Is(err, lockstore.ErrTooEarly) {
					t.Errorf("Cancel before the bound: %v", err)
				}
				time.Sleep(time.Until(bound))
				// On a slow machine the call may not learn in time that nothing was done.
				if err := do(t, s, ev, cancel); !errors.Is(err, lockstore.ErrUnavailable) && !errors.Is(err, lockstore.ErrOutcomeUnknown) {
					t.Errorf("Cancel while the booking hangs: %v, want ErrUnavailable", err)
				}
				var want []lockstore.SeatID
				if commits {
					want = []lockstore.SeatID{"A1"}
					if err := stalled.Commit(t.Context()); err != nil {
						t.Fatal(err)
					}
				} else if err := stalled.Rollback(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := mustDo(t, s, ev, cancel).Changed; len(got) != len(want) {
					t.Errorf("Cancel changed %v, want %v", got, want)
				}
				wantSeats(t, mustList(t, s, ev, ""))
			})
		}
	}
}

// giveBack locks and releases a seat, which has a row from then on.
func giveBack(t *testing.T, s *pgstore.Store, ev *lockstore.Event, seat lockstore.SeatID) {
	t.Helper()
	mustDo(t, s, ev, lockstore.Lock(ben, seat))
	mustDo(t, s, ev, lockstore.Release(ben, seat))
}

// TestCancelThatFindsNothingLeavesNothing checks that a cancel that waited for its time,
// and so locked the rows of its seats, neither keeps rows of seats that nobody ever had nor
// fixes the layout.
func TestCancelThatFindsNothingLeavesNothing(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 3)
	cancel := lockstore.Cancel(ann, "r", ev.Seats...)
	cancel.NotBefore = time.Now().Add(-time.Second)
	if got := mustDo(t, s, ev, cancel); len(got.Changed) > 0 {
		t.Errorf("Cancel changed %v", got.Changed)
	}
	var rows int
	if err := admin(t, url).QueryRow(t.Context(), "SELECT count(*) FROM seatlock.seat").Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d rows are left, %v", rows, err)
	}
	if err := do(t, s, newEvent(t, 4), lockstore.Lock(ann, "A4")); err != nil {
		t.Errorf("Lock with another layout: %v", err)
	}
}

// TestTooLateOnceRowsAreHad checks that a call that had to wait for a seat until after
// its bound does nothing, although it began in time.
func TestTooLateOnceRowsAreHad(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 3)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	giveBack(t, s, ev, "A2")
	ctl := admin(t, url)
	for _, op := range []lockstore.Op{lockstore.Confirm(ann, "A1"), lockstore.Book(ann, "r", "A2", "A3"), lockstore.Block("why", "A2")} {
		ended, release := rowsKept(t, ctl, s, ev, func() lockstore.Op {
			op.NotAfter = time.Now().Add(150 * time.Millisecond)
			return op
		})
		time.Sleep(time.Until(op.NotAfter))
		release()
		if err := <-ended; !errors.Is(err, lockstore.ErrTooLate) {
			t.Errorf("%s whose time ended while it waited: %v, want ErrTooLate", op.Kind, err)
		}
	}
	wantSeats(t, mustList(t, s, ev, ""), "A1 locked")
	if entries, err := s.Journal(t.Context(), ev, "", 10); err != nil || len(entries) > 0 {
		t.Errorf("the journal has %v, %v", entries, err)
	}
}

// rowsKept is like callThatWaits, and also returns a function that releases the rows.
func rowsKept(t *testing.T, ctl *pgx.Conn, s *pgstore.Store, ev *lockstore.Event, op func() lockstore.Op) (ended <-chan error, release func()) {
	t.Helper()
	ended = callThatWaits(t, ctl, s, ev, op)
	return ended, func() {
		t.Helper()
		if _, err := ctl.Exec(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBookingWithoutStandby checks bookings whose commits wait for a synchronous standby
// that is away: a cancel that waited for their bound succeeds only after they have ended,
// and then takes them back.
func TestBookingWithoutStandby(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	s, ev := storeAt(t, p.url), newEvent(t, 3)
	first := func() error { return do(t, s, ev, lockstore.Lock(ben, "A3")) }
	if err := history.Repeat(t.Context(), first, lockstore.ErrUnavailable); err != nil { // servers that have just started may be slow
		t.Fatal(err)
	}
	p.standby.Kill()
	book := lockstore.Book(ann, "r", "A1", "A2")
	book.NotAfter = time.Now().Add(time.Second)
	if err := do(t, s, ev, book); !errors.Is(err, lockstore.ErrOutcomeUnknown) {
		t.Errorf("Book without a standby: %v, want ErrOutcomeUnknown", err)
	}
	time.Sleep(time.Until(book.NotAfter))
	cancel := lockstore.Cancel("", "r", "A1", "A2")
	cancel.NotBefore = book.NotAfter
	for range 2 {
		if err := do(t, s, ev, cancel); !errors.Is(err, lockstore.ErrUnavailable) && !errors.Is(err, lockstore.ErrOutcomeUnknown) {
			t.Errorf("Cancel while the booking waits for the standby: %v", err)
		}
	}
	if err := p.standby.Restart(); err != nil {
		t.Fatal(err)
	}
	var err error
	for began := time.Now(); time.Since(began) < soon; time.Sleep(20 * time.Millisecond) {
		if err = do(t, s, ev, cancel); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatalf("Cancel once the standby is back: %v", err)
	}
	wantSeats(t, mustList(t, s, ev, ""), "A3 locked")
	if err := do(t, s, ev, book); !errors.Is(err, lockstore.ErrTooLate) {
		t.Errorf("Book after its time: %v", err)
	}
}
