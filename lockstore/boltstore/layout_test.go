package boltstore_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
	"seatlock/lockstore/storetest"
)

// revised returns the event of d with other seats and a revision.
func (d *testStore) revised(revision int, seats ...lockstore.SeatID) *lockstore.Event {
	d.Helper()
	ev := storetest.Event(d, d.ev.ID, d.ev.LockTTL, d.ev.SeatLimit, seats...)
	ev.Revision = revision
	return ev
}

// TestRevisionOfTheSameSeatsAfterReopening checks that the file has a higher revision of
// the same seats as soon as a call has used it.
func TestRevisionOfTheSameSeatsAfterReopening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTestStore(t, filepath.Join(t.TempDir(), "seats"), newEvent(t, "hamlet", 3, 0))
		d.lock("ann", "A1")
		same := d.revised(4, d.ev.Seats...)
		if _, err := d.List(t.Context(), same, ""); err != nil {
			t.Fatal(err)
		}
		d.reopen()
		if _, err := d.List(t.Context(), d.revised(4, "A1", "new"), ""); !errors.Is(err, lockstore.ErrOtherSeats) {
			t.Errorf("other seats of a revision that the event has had: %v, want %v", err, lockstore.ErrOtherSeats)
		}
		d.lock("ann", "A2") // with the first revision
		if _, err := d.List(t.Context(), d.revised(5, "A1", "A2", "new"), ""); err != nil {
			t.Errorf("other seats of a higher revision: %v", err)
		}
	})
}

// TestNewLayoutAfterReopening checks that the file has a new layout with everything that was
// known of its seats, whether the records were in the log or at their places, and that the
// old one is refused from then on.
func TestNewLayoutAfterReopening(t *testing.T) {
	for name, limit := range map[string]int{"in the log": 1 << 20, "at their places": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newTestStore(t, filepath.Join(t.TempDir(), "seats"), newEvent(t, "hamlet", 40, 0))
				d.LimitLog(limit)
				other := newEvent(t, "macbeth", 40, 0)
				d.lock("eve", "A7", "A8")
				time.Sleep(30 * time.Second)
				d.do(lockstore.Book("ann", "order-1", "A1"))
				d.lock("ben", "A2")
				d.do(lockstore.Block("broken", "A3", "A4"))
				time.Sleep(40 * time.Second)
				d.lock("cat", "A8") // eve's lock has expired
				d.ev, other = other, d.ev
				d.do(lockstore.Book("dan", "order-2", "A9"))
				d.ev, other = other, d.ev
				entries := d.journal("")
				old := d.ev

				_, err := d.Do(t.Context(), d.revised(2, "A1", "A3"), lockstore.Lock("dan", "A3"))
				if missing, ok := errors.AsType[*lockstore.MissingSeatsError](err); !ok || !slices.Equal(missing.Seats, []lockstore.SeatID{"A2", "A8"}) {
					t.Errorf("without seats that are locked: %v", err)
				}
				d.reopen()
				d.LimitLog(limit)
				seats := []lockstore.SeatID{"A8", "new", "A7", "A3", "A2", "A1"}
				must(t, d.Open(t.Context(), d.revised(2, seats...)))
				for range 2 {
					if _, err := d.Do(t.Context(), old, lockstore.Lock("dan", "A1")); !errors.Is(err, lockstore.ErrOtherSeats) {
						t.Errorf("a call with the old layout: %v", err)
					}
					d.ev = d.revised(2, seats...)
					d.wantTaken("A8 locked 1m0s", "A3 blocked", "A2 locked 20s", "A1 booked")
					d.wantReason(lockstore.LockExpired, lockstore.Confirm("eve", "A7", "A8"))
					if got := d.journal(entries[0].Seq); len(got) != 1 || got[0].ID != entries[1].ID {
						t.Errorf("after the first entry the journal has %v", got)
					}
					d.ev, other = other, d.ev
					d.wantTaken("A9 booked")
					d.ev, other = other, d.ev
					d.reopen()
				}
				d.do(lockstore.Book("ben", "order-3", "new", "A2"))
				bookings, err := boltstore.Bookings(d.path)
				must(t, err)
				var got []string
				for _, b := range bookings {
					got = append(got, fmt.Sprintf("%s %s %v %s %s", b.Event, b.Seat, b.Status, b.User, b.Ref))
				}
				if want := []string{
					"hamlet new booked ben order-3", "hamlet A3 blocked  broken", "hamlet A2 booked ben order-3",
					"hamlet A1 booked ann order-1", "macbeth A9 booked dan order-2",
				}; !slices.Equal(got, want) {
					t.Errorf("bookings are %q, want %q", got, want)
				}
			})
		})
	}
}

// TestRevisionAfterReopening checks that a file keeps the highest revision with which its
// seats were changed.
func TestRevisionAfterReopening(t *testing.T) {
	d := newTestStore(t, filepath.Join(t.TempDir(), "seats"), newEvent(t, "hamlet", 4, 0))
	d.lock("ann", "A1")
	d.ev = d.revised(3, d.ev.Seats...)
	d.lock("ann", "A2")
	d.reopen()
	for _, revision := range []int{2, 3} {
		if err := d.Open(t.Context(), d.revised(revision, "A2", "A1")); !errors.Is(err, lockstore.ErrOtherSeats) {
			t.Errorf("other seats of revision %d: %v", revision, err)
		}
	}
	must(t, d.Open(t.Context(), d.revised(4, "A2", "A1")))
}

// TestWaitEndsWithANewLayout checks that a call that waits for changes ends when the layout
// is replaced.
func TestWaitEndsWithANewLayout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTestStore(t, filepath.Join(t.TempDir(), "seats"), newEvent(t, "hamlet", 4, 0))
		d.lock("ann", "A1")
		snap, err := d.List(t.Context(), d.ev, "")
		must(t, err)
		waited := make(chan error, 1)
		go func() { waited <- d.Wait(t.Context(), d.ev, snap.Version) }()
		synctest.Wait()
		must(t, d.Open(t.Context(), d.revised(1, "A2", "A1")))
		if err := <-waited; !errors.Is(err, lockstore.ErrOtherSeats) {
			t.Errorf("it ends with %v", err)
		}
	})
}
