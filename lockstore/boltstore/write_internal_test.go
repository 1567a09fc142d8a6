package boltstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest"
)

// openHamlet opens a new file, and returns an event of two seats.
func openHamlet(t *testing.T) (*Store, *lockstore.Event) {
	t.Helper()
	return openFor(t, filepath.Join(t.TempDir(), "seats")), storetest.Event(t, "hamlet", time.Minute, 0, "A1", "A2")
}

// openFor opens a file until the test ends.
func openFor(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestListWhenALockEndsDuringAWrite checks what lists show when a confirm is in time and its
// lock ends while it is written. Until the lock ends, a list shows it. After that, it waits
// for the outcome of the confirm: an available seat would mean that the confirm was late.
func TestListWhenALockEndsDuringAWrite(t *testing.T) {
	for _, arrives := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			ctx := t.Context()
			s, ev := openHamlet(t)
			if _, err := s.Do(ctx, ev, lockstore.Lock("ann", "A1")); err != nil {
				t.Fatal(err)
			}
			e, tx := s.events[ev.ID], &transaction{done: make(chan struct{})}
			time.Sleep(59 * time.Second)
			if _, err := e.decide(work{event: e, ev: ev, op: lockstore.Confirm("ann", "A1"), at: []int{0}}, tx, s.clock); err != nil {
				t.Fatal(err)
			}
			list := func() lockstore.Status {
				snap, err := s.List(ctx, ev, "")
				switch {
				case err != nil:
					t.Error(err)
				case len(snap.Seats) == 0:
					return lockstore.Available
				}
				return snap.Seats[0].Status
			}
			if status := list(); status != lockstore.Locked {
				t.Errorf("on the way it is %v", status)
			}
			time.Sleep(time.Second)
			listed := make(chan lockstore.Status, 1)
			go func() { listed <- list() }()
			synctest.Wait()
			if len(listed) != 0 {
				t.Errorf("on the way, after the lock's end, it is %v", <-listed)
			}
			want := lockstore.Available
			if arrives {
				want = lockstore.Booked
				if err := s.write(tx); err != nil {
					t.Fatal(err)
				}
			}
			e.finish(arrives)
			close(tx.done)
			if status := <-listed; status != want {
				t.Errorf("arrived %v: it is %v, want %v", arrives, status, want)
			}
			_, err := s.Do(ctx, ev, lockstore.Confirm("ann", "A1"))
			if arrives && err != nil || !arrives && !errors.Is(err, lockstore.LockExpired) {
				t.Errorf("arrived %v: to confirm again ends with %v", arrives, err)
			}
		})
	}
}

// TestListWhenABoundPassesDuringAWrite checks that lists wait for an operation whose
// NotAfter passes while it is written: a list without it would mean that it was too late.
func TestListWhenABoundPassesDuringAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		s, ev := openHamlet(t)
		if err := s.Open(ctx, ev); err != nil {
			t.Fatal(err)
		}
		e, tx := s.events[ev.ID], &transaction{done: make(chan struct{})}
		op := lockstore.Book("ann", "", "A1")
		op.NotAfter = time.Now().Add(time.Second)
		if _, err := e.decide(work{event: e, ev: ev, op: op, at: []int{0}}, tx, s.clock); err != nil {
			t.Fatal(err)
		}
		if snap, err := s.List(ctx, ev, ""); err != nil || len(snap.Seats) != 0 {
			t.Errorf("on the way a list has %v, %v", snap.Seats, err)
		}
		time.Sleep(time.Second)
		listed, entered := make(chan int, 1), make(chan int, 1)
		go func() {
			snap, err := s.List(ctx, ev, "")
			if err != nil {
				t.Error(err)
			}
			listed <- len(snap.Seats)
		}()
		go func() {
			entries, err := s.Journal(ctx, ev, "", 10)
			if err != nil {
				t.Error(err)
			}
			entered <- len(entries)
		}()
		synctest.Wait()
		if len(listed)+len(entered) != 0 {
			t.Error("after its NotAfter a list or the journal is answered without it")
		}
		if err := s.write(tx); err != nil {
			t.Fatal(err)
		}
		e.finish(true)
		s.endTransaction(tx)
		if seats, entries := <-listed, <-entered; seats != 1 || entries != 1 {
			t.Errorf("then a list has %d seats and the journal %d entries", seats, entries)
		}
	})
}

// TestOrdersDuringACommit checks that a reader of orders waits while it is unknown whether
// an order is on the disk.
func TestOrdersDuringACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, ev := openHamlet(t)
		o := lockstore.Order{ID: "order", Event: ev.ID}
		if _, err := s.Put(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		tx := &transaction{orders: make([]orderPut, 1), done: make(chan struct{})}
		s.beginCommit(tx)
		read := make(chan error, 1)
		go func() {
			_, err := s.Order(t.Context(), o.ID)
			read <- err
		}()
		synctest.Wait()
		if len(read) != 0 {
			t.Error("it is read during a commit")
		}
		s.endTransaction(tx)
		if err := <-read; err != nil {
			t.Error(err)
		}
		s.beginCommit(&transaction{orders: tx.orders, done: make(chan struct{})})
		began := time.Now()
		if _, err := s.Order(t.Context(), o.ID); !errors.Is(err, lockstore.ErrUnavailable) || time.Since(began) != callTime {
			t.Errorf("during a commit that does not end: %v after %v", err, time.Since(began))
		}
	})
}

// TestListAndWaitDuringAWrite checks that List and Wait report what is on the disk, not what
// is being written.
func TestListAndWaitDuringAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		s, ev := openHamlet(t)
		before, err := s.List(ctx, ev, "")
		if err != nil {
			t.Fatal(err)
		}
		e, tx := s.events[ev.ID], &transaction{done: make(chan struct{})}
		if _, err := e.decide(work{event: e, ev: ev, op: lockstore.Lock("ann", "A1"), at: []int{0}}, tx, s.clock); err != nil {
			t.Fatal(err)
		}
		woken := make(chan error, 1)
		go func() { woken <- s.Wait(ctx, ev, before.Version) }()
		synctest.Wait()
		if snap, err := s.List(ctx, ev, ""); err != nil || len(snap.Seats) != 0 || snap.Version != before.Version || len(woken) != 0 {
			t.Errorf("a list has %v, %v, and Wait has ended %d times", snap, err, len(woken))
		}
		if err := s.write(tx); err != nil {
			t.Fatal(err)
		}
		e.finish(true)
		close(tx.done)
		if err := <-woken; err != nil {
			t.Error(err)
		}
		if snap, err := s.List(ctx, ev, before.Version); err != nil || len(snap.Seats) != 1 {
			t.Errorf("then a list has %v, %v", snap, err)
		}
	})
}

// TestOpenCommits checks that Open commits a transaction of its own. If an earlier sync
// failed, the system may have forgotten what it had to write, and a sync alone would
// succeed without writing it.
func TestOpenCommits(t *testing.T) {
	s, ev := openHamlet(t)
	if _, err := s.Do(t.Context(), ev, lockstore.Lock("ann", "A1")); err != nil {
		t.Fatal(err)
	}
	last := s.tx
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openFor(t, s.path)
	if m, err := readMeta(s.file); err != nil || m.tx != last+1 || s.tx != last+1 {
		t.Errorf("after transaction %d Open leaves %d in the file and expects %d, %v", last, m.tx, s.tx, err)
	}
}

// TestFileCannotBeRead checks that a store ends with the system's reason if it cannot read
// its file to check it.
func TestFileCannotBeRead(t *testing.T) {
	s, ev := openHamlet(t)
	if _, err := s.Do(t.Context(), ev, lockstore.Lock("ann", "A1")); err != nil {
		t.Fatal(err)
	}
	blind, err := os.OpenFile(s.path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer blind.Close()
	s.file = blind // the file of db stays as it is
	for i, want := range []error{lockstore.ErrOutcomeUnknown, lockstore.ErrUnavailable} {
		_, err := s.Do(t.Context(), ev, lockstore.Lock("ben", ev.Seats[1]))
		if !errors.Is(err, want) || !errors.Is(err, syscall.EBADF) || !strings.Contains(err.Error(), "cannot be read any more") {
			t.Errorf("call %d ends with %v, want %v", i+1, err, want)
		}
	}
}

// TestFileStopsGrowing checks that a file that remembers as much as it can of each seat does
// not grow, however often its seats are locked and its log is moved.
func TestFileStopsGrowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openFor(t, filepath.Join(t.TempDir(), "seats"))
		s.maxLog = 16 << 10
		ev := storetest.Event(t, "hamlet", time.Second, 0, storetest.Seats(200)...)
		size := func(rounds int) int64 {
			t.Helper()
			for round := range rounds {
				for seats := range slices.Chunk(ev.Seats, 20) {
					if _, err := s.Do(t.Context(), ev, lockstore.Lock(lockstore.UserID(fmt.Sprint("user", round)), seats...)); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(2 * time.Second)
			}
			info, err := os.Stat(s.path)
			if err != nil {
				t.Fatal(err)
			}
			return info.Size()
		}
		few := size(2 * lockstore.MinSeatLapses)
		if many := size(6 * lockstore.MinSeatLapses); many > few {
			t.Errorf("the file grew from %d to %d bytes", few, many)
		}
	})
}
