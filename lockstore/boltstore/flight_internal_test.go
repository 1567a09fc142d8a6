package boltstore

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
)

// openHamlet is an event of two seats in a file, until the test ends.
func openHamlet(t *testing.T) (*Store, *lockstore.Event) {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "seats"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	ev, err := lockstore.NewEvent("hamlet", []lockstore.SeatID{"A1", "A2"}, time.Minute, 0)
	if err != nil {
		t.Fatal(err)
	}
	return s, ev
}

// TestListWhenTimePassesOnTheWay: a confirm was in time, and its lock ends while
// it is on its way to the disk. Until then a list has the lock; after that it
// waits for what becomes of the confirm, since to say that the seat can be had
// would be to say that the confirm was too late.
func TestListWhenTimePassesOnTheWay(t *testing.T) {
	for _, arrives := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			ctx := t.Context()
			s, ev := openHamlet(t)
			if _, err := s.Lock(ctx, ev, ev.Seats[:1], "ann"); err != nil {
				t.Fatal(err)
			}
			e, f := s.events[ev.ID], &flight{landed: make(chan struct{})}
			time.Sleep(59 * time.Second)
			c := &call{op: confirm, of: e, ev: ev, at: []int{0}, user: "ann"}
			if e.decide(c, f, s.clock); c.err != nil {
				t.Fatal(c.err)
			}
			list := func() lockstore.Seat {
				snap, err := s.List(ctx, ev, "")
				switch {
				case err != nil:
					t.Error(err)
				case len(snap.Seats) == 0:
					return lockstore.Seat{Status: lockstore.Available}
				}
				return snap.Seats[0]
			}
			if seat := list(); seat.Status != lockstore.Locked {
				t.Errorf("on the way it is %v", seat)
			}
			time.Sleep(time.Second)
			listed := make(chan lockstore.Seat, 1)
			go func() { listed <- list() }()
			synctest.Wait()
			if len(listed) != 0 {
				t.Errorf("on the way, after the lock's end, it is %v", <-listed)
			}
			want := lockstore.Available
			if arrives {
				want = lockstore.Booked
				if err := s.write(f); err != nil {
					t.Fatal(err)
				}
			}
			e.land(arrives)
			close(f.landed)
			if seat := <-listed; seat.Status != want {
				t.Errorf("arrived %v: it is %v, want %v", arrives, seat, want)
			}
			err := s.Confirm(ctx, ev, ev.Seats[:1], "ann")
			if arrives && err != nil || !arrives && !errors.Is(err, lockstore.LockExpired) {
				t.Errorf("arrived %v: to confirm again ends with %v", arrives, err)
			}
		})
	}
}

// TestReadersDoNotWait: while a batch is on its way to the disk, lists have what
// is there, and who waits goes on to wait.
func TestReadersDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		s, ev := openHamlet(t)
		before, err := s.List(ctx, ev, "")
		if err != nil {
			t.Fatal(err)
		}
		e, f := s.events[ev.ID], &flight{landed: make(chan struct{})}
		e.decide(&call{op: lock, of: e, ev: ev, at: []int{0}, user: "ann"}, f, s.clock)
		woken := make(chan error, 1)
		go func() { woken <- s.Wait(ctx, ev, before.Version) }()
		synctest.Wait()
		if snap, err := s.List(ctx, ev, ""); err != nil || len(snap.Seats) != 0 || snap.Version != before.Version || len(woken) != 0 {
			t.Errorf("a list has %v, %v, and who waits was woken %d times", snap, err, len(woken))
		}
		if err := s.write(f); err != nil {
			t.Fatal(err)
		}
		e.land(true)
		close(f.landed)
		if err := <-woken; err != nil {
			t.Error(err)
		}
		if snap, err := s.List(ctx, ev, before.Version); err != nil || len(snap.Seats) != 1 {
			t.Errorf("then a list has %v, %v", snap, err)
		}
	})
}
