package boltstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
	"seatlock/lockstore/storetest"
)

// TestReopened checks that a reopened file has everything that a call can
// depend on, and that locks have kept running meanwhile.
func TestReopened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newTestStore(t, filepath.Join(t.TempDir(), "seats"), newEvent(t, "hamlet", 20, 3))
		d.lock("ann", "A1", "A2")
		d.confirm("ann", "A1")
		d.lock("ben", "A3")
		time.Sleep(15 * time.Second)
		d.lock("cat", "A4", "A5")
		d.do(lockstore.Release("cat", "A5"))
		old, err := d.List(t.Context(), d.ev, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		d.reopen()
		d.wantTaken("A1 booked", "A2 locked 15s", "A3 locked 15s", "A4 locked 30s")
		if snap, err := d.List(t.Context(), d.ev, old.Version); err != nil || !snap.Full {
			t.Errorf("a list since an earlier process's version is full: %v, %v", snap.Full, err)
		}
		d.wantReason(lockstore.OverSeatLimit, lockstore.Lock("ann", "A6", "A7"))
		d.confirm("ann", "A1", "A2")
		d.wantReason(lockstore.LockNotHeld, lockstore.Confirm("cat", "A5"))

		time.Sleep(20 * time.Second)
		d.reopen()
		d.lock("dan", "A3") // ben's lock expired while the file was closed
		d.reopen()
		d.wantReason(lockstore.LockExpired, lockstore.Confirm("ben", "A3"))
		time.Sleep(lockstore.LapseMemory - 6*time.Second)
		d.reopen()
		d.wantReason(lockstore.LockExpired, lockstore.Confirm("ben", "A3"))
		time.Sleep(2 * time.Second)
		d.wantReason(lockstore.LockNotHeld, lockstore.Confirm("ben", "A3"))
		d.wantTaken("A1 booked", "A2 booked")
	})
}

// TestOtherSettingsAfterReopening checks that a call's event sets the time of its locks and the
// limit, whatever an earlier process used, and that earlier locks keep their ends.
func TestOtherSettingsAfterReopening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seats := storetest.Seats(5)
		d := newTestStore(t, filepath.Join(t.TempDir(), "seats"), storetest.Event(t, "hamlet", time.Minute, 2, seats...))
		d.lock("ann", "A1", "A2")
		d.confirm("ann", "A1")

		d.reopen()
		d.ev = storetest.Event(t, "hamlet", 20*time.Second, 3, seats...)
		d.wantReason(lockstore.OverSeatLimit, lockstore.Lock("ann", "A3", "A4"))
		d.lock("ann", "A3")
		d.wantTaken("A1 booked", "A2 locked 1m0s", "A3 locked 20s")

		d.reopen()
		d.ev = storetest.Event(t, "hamlet", 2*time.Minute, 1, seats...)
		d.wantReason(lockstore.OverSeatLimit, lockstore.Lock("ann", "A4"))
		d.lock("ben", "A4")
		time.Sleep(30 * time.Second)
		d.wantTaken("A1 booked", "A2 locked 30s", "A4 locked 1m30s")
		d.confirm("ann", "A2")
		d.wantTaken("A1 booked", "A2 booked", "A4 locked 1m30s")
	})
}

// TestOtherSeatsAfterReopening checks that a file refuses an event with seats other than
// its own.
func TestOtherSeatsAfterReopening(t *testing.T) {
	d := newTestStore(t, filepath.Join(t.TempDir(), "seats"), newEvent(t, "hamlet", 10, 0))
	d.lock("ann", "A1")
	d.reopen()
	other := newEvent(t, "hamlet", 9, 0)
	if err := d.Open(t.Context(), other); !errors.Is(err, lockstore.ErrOtherSeats) {
		t.Errorf("one seat less: %v", err)
	}
	if _, err := d.Do(t.Context(), other, lockstore.Lock("ben", "A9")); !errors.Is(err, lockstore.ErrOtherSeats) {
		t.Errorf("locking in it: %v", err)
	}
	if err := d.Open(t.Context(), newEvent(t, "macbeth", 9, 0)); err != nil {
		t.Errorf("another event: %v", err)
	}
	if got := len(d.taken()); got != 1 {
		t.Errorf("%d seats are taken", got)
	}
}

// TestLogIsMoved checks that the records that were moved from the log to their places are
// found there.
func TestLogIsMoved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newTestStore(t, filepath.Join(t.TempDir(), "seats"), newEvent(t, "hamlet", 1000, 0))
		users := make([]lockstore.UserID, 8)
		for round := range users { // 1.4 MB in all, almost three times what the log may have
			users[round] = longName + lockstore.UserID(fmt.Sprint(round))
			time.Sleep(d.ev.LockTTL + time.Second)
			for seats := range slices.Chunk(d.ev.Seats, lockstore.MaxSeats) {
				d.lock(users[round], seats...)
			}
		}
		d.confirm(users[7], "A1", "A1000")
		want := d.taken()
		if len(want) != 1000 || want[0] != "A1 booked" || want[1] != "A2 locked 1m0s" {
			t.Fatalf("%d seats are taken, the first are %q", len(want), want[:2])
		}
		d.reopen()
		if got := d.taken(); !slices.Equal(got, want) {
			t.Errorf("opened again, %d seats are taken", len(got))
		}
		d.wantReason(lockstore.LockExpired, lockstore.Confirm(users[6], "A3"))
		if info, err := os.Stat(d.path); err != nil || info.Size() > 4<<20 {
			t.Errorf("the file has %d bytes, %v", info.Size(), err)
		}
	})
}

// TestBookings checks the order of bookings, and that they are read from a file whether it
// is open or not.
func TestBookings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seats")
	if _, err := boltstore.Bookings(path); err == nil {
		t.Error("a missing file has bookings")
	}
	d := newTestStore(t, path, newEvent(t, "one", 20, 0))
	d.lock("ann", "A10", "A9")
	d.confirm("ann", "A10", "A9")
	d.lock("ben", "A1")
	d.ev = newEvent(t, "another", 20, 0)
	before := time.Now().Truncate(time.Millisecond)
	d.lock("ben, \"the second\"", "A2")
	d.confirm("ben, \"the second\"", "A2")
	for _, open := range []bool{true, false} {
		if !open {
			d.Close()
		}
		bookings, err := boltstore.Bookings(path)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range bookings {
			got = append(got, fmt.Sprintf("%s %s %s", b.Event, b.Seat, b.User))
		}
		if want := []string{"one A9 ann", "one A10 ann", `another A2 ben, "the second"`}; !slices.Equal(got, want) {
			t.Errorf("open %v: %q, want %q", open, got, want)
		}
		if since := bookings[2].Since; since.Before(before) || since.After(time.Now().Add(time.Millisecond)) {
			t.Errorf("booked at %v, which is not after %v", since, before)
		}
	}
}

// TestBookingsWhileSelling checks that bookings can be read while seats are sold, and are
// those of one moment.
func TestBookingsWhileSelling(t *testing.T) {
	t.Parallel()
	d := newTestStore(t, filepath.Join(t.TempDir(), "seats"), newEvent(t, "hamlet", 4000, 0))
	var sold atomic.Int64
	var all sync.WaitGroup
	stop := make(chan struct{})
	for seller := range 4 {
		all.Go(func() {
			for at := 2 * seller; at < len(d.ev.Seats); at += 2 * 4 {
				select {
				case <-stop:
					return
				default:
				}
				pair := d.ev.Seats[at : at+2]
				for _, op := range []lockstore.Op{lockstore.Lock("ann", pair...), lockstore.Confirm("ann", pair...)} {
					if err := d.try(op); err != nil {
						t.Error(err)
						return
					}
				}
				sold.Add(2)
			}
		})
	}
	reads := 0
	for ; sold.Load() < 500 && !t.Failed(); reads++ {
		before := sold.Load()
		bookings, err := boltstore.Bookings(d.path)
		must(t, err)
		if len(bookings)%2 != 0 || len(bookings) < int(before) {
			t.Errorf("%d bookings were read after %d had been made", len(bookings), before)
		}
	}
	close(stop)
	all.Wait()
	t.Logf("read %d times while %d seats were sold", reads, sold.Load())
}

// TestDamageIsNotTakenForASale checks that a damaged file is reported as damaged even while
// a store has it open.
func TestDamageIsNotTakenForASale(t *testing.T) {
	d := newTestStore(t, filepath.Join(t.TempDir(), "seats"), newEvent(t, "hamlet", 10, 0))
	d.lock("ann", "A1")
	d.confirm("ann", "A1")
	damaged := bytes.ReplaceAll(readFile(d.path), []byte(" ann"), []byte(" eve"))
	must(t, os.WriteFile(d.path, damaged, 0o600))
	if _, err := boltstore.Bookings(d.path); !errors.Is(err, boltstore.ErrDamaged) {
		t.Errorf("the bookings of a damaged file: %v", err)
	}
}

// TestSeatRemembersLocks checks that a file remembers the last 16 locks that have expired on
// a seat, however many there were.
func TestSeatRemembersLocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ev := storetest.Event(t, "short", time.Millisecond, 0, "A1", "A2")
		d := newTestStore(t, filepath.Join(t.TempDir(), "seats"), ev)
		user := func(n int) lockstore.UserID {
			return lockstore.UserID(fmt.Sprintf("%0*d", lockstore.MaxUserLen, n))
		}
		const many = 100
		for n := range many {
			d.lock(user(n), "A1")
			time.Sleep(2 * time.Millisecond)
		}
		d.reopen()
		for n := many - lockstore.MinSeatLapses; n < many; n++ {
			d.wantReason(lockstore.LockExpired, lockstore.Confirm(user(n), "A1"))
		}
	})
}

// TestCloseEndsWait checks that Wait ends when the store is closed.
func TestCloseEndsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ev := newEvent(t, "hall", 2, 0)
		s, err := boltstore.Open(filepath.Join(t.TempDir(), "seats"))
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.List(t.Context(), ev, "")
		if err != nil {
			t.Fatal(err)
		}
		waited := make(chan error, 1)
		go func() { waited <- s.Wait(t.Context(), ev, list.Version) }()
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-waited; !errors.Is(err, lockstore.ErrUnavailable) {
			t.Errorf("Wait ended with %v", err)
		}
		if _, err := s.List(t.Context(), ev, ""); !errors.Is(err, lockstore.ErrUnavailable) {
			t.Errorf("List after Close: %v", err)
		}
	})
}
