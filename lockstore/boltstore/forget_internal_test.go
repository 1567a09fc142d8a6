package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest"
)

// keysWith returns how many keys of the file begin with the event's number.
func keysWith(t *testing.T, s *Store, number uint32) (n int) {
	t.Helper()
	err := s.db.View(func(tx *bolt.Tx) error {
		for _, bucket := range [][]byte{bucketSeats, bucketJournal} {
			n += len(keysOf(tx.Bucket(bucket), number))
		}
		return tx.Bucket(bucketLog).ForEach(func(_, text []byte) error {
			if bytes.Contains(text, append(binary.BigEndian.AppendUint32(nil, number), 0, 0)) {
				n++
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// holdings returns the taken seats with their users.
func holdings(t *testing.T, s *Store, ev *lockstore.Event) (all []string) {
	t.Helper()
	_, seats := s.Roster(t.Context(), ev, lockstore.Filter{})
	for h, err := range seats {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(h.Seat, " ", h.Status, " ", h.User))
	}
	return all
}

// TestForget checks that only the orders of a forgotten event are left in the file, whether
// its records were in the log or at their places, that its id can be used again with another
// layout, at once and after the file was reopened, and that other events stay.
func TestForget(t *testing.T) {
	for name, limit := range map[string]int{"in the log": 1 << 20, "at their places": 0} {
		for _, reopens := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, opened again %v", name, reopens), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "seats")
				s := openFor(t, path)
				s.maxLog = limit
				event := func(id lockstore.EventID) *lockstore.Event {
					return storetest.Event(t, id, time.Minute, 0, storetest.Seats(300)...)
				}
				do := func(ev *lockstore.Event, op lockstore.Op) {
					t.Helper()
					if _, err := s.Do(t.Context(), ev, op); err != nil {
						t.Fatal(err)
					}
				}
				before, ev, after := event("first"), event("hamlet"), event("last")
				for _, e := range []*lockstore.Event{before, ev, after} {
					do(e, lockstore.Book("ann", "r", "A1", "A300"))
					do(e, lockstore.Lock("ben", "A2"))
					do(e, lockstore.Block("why", "A3"))
				}
				if _, err := s.Put(t.Context(), lockstore.Order{ID: "order", Event: ev.ID}); err != nil {
					t.Fatal(err)
				}
				old, err := s.Journal(t.Context(), ev, "", 10)
				if err != nil || len(old) != 2 {
					t.Fatal(old, err)
				}
				if reopens {
					s.Close()
					s = openFor(t, path)
					s.maxLog = limit
				}
				if n, known, err := s.Booked(t.Context(), ev.ID); n != 2 || !known || err != nil {
					t.Errorf("booked seats: %d, %v, %v, want 2", n, known, err)
				}
				if keysWith(t, s, 2) == 0 {
					t.Fatal("the file has no key of the event")
				}
				for range 2 { // the second time, there is nothing to do
					if err := s.Forget(t.Context(), ev.ID); err != nil {
						t.Fatal(err)
					}
				}
				if n, known, err := s.Booked(t.Context(), ev.ID); n != 0 || known || err != nil {
					t.Errorf("booked seats of a forgotten event: %d, %v, %v, want none", n, known, err)
				}
				if n := keysWith(t, s, 2); n != 0 {
					t.Errorf("the file has %d keys of the forgotten event", n)
				}
				if reopens {
					s.Close()
					s = openFor(t, path) // which verifies the checksums
				}
				if orders, err := s.Orders(t.Context(), ev.ID, ""); len(orders) != 1 || err != nil {
					t.Errorf("orders of the forgotten event: %v, %v, want one", orders, err)
				}
				next := storetest.Event(t, ev.ID, time.Minute, 0, "B1", "A1", "A2")
				if got := holdings(t, s, next); got != nil {
					t.Errorf("the id that is used anew has %q", got)
				}
				if _, err := s.Journal(t.Context(), next, old[1].Seq, 10); !errors.Is(err, lockstore.ErrJournalReset) {
					t.Errorf("the new journal after an entry of the old one: %v", err)
				}
				do(next, lockstore.Book("cat", "r2", "A1"))
				do(next, lockstore.Lock("cat", "B1"))
				if entries, err := s.Journal(t.Context(), next, "", 10); len(entries) != 1 || err != nil {
					t.Errorf("the new journal has %v, %v, want one entry", entries, err)
				}
				for _, e := range []*lockstore.Event{before, after} {
					if got, want := holdings(t, s, e), []string{"A1 booked ann", "A2 locked ben", "A3 blocked ", "A300 booked ann"}; !slices.Equal(got, want) {
						t.Errorf("event %s has %q, want %q", e.ID, got, want)
					}
					if entries, err := s.Journal(t.Context(), e, "", 10); len(entries) != 2 || err != nil {
						t.Errorf("the journal of event %s has %v, %v, want two entries", e.ID, entries, err)
					}
				}
				s.Close()
				s = openFor(t, path)
				if got, want := holdings(t, s, next), []string{"B1 locked cat", "A1 booked cat"}; !slices.Equal(got, want) {
					t.Errorf("after a start, the id that is used anew has %q, want %q", got, want)
				}
			})
		}
	}
}

// TestForgetDuringASale checks that calls that are under way when an event is forgotten
// belong to the old event or to the new one as a whole.
func TestForgetDuringASale(t *testing.T) {
	s, ev := openHamlet(t)
	ended := make(chan error)
	stop := make(chan struct{})
	for _, user := range []lockstore.UserID{"ann", "ben"} {
		go func() {
			for {
				select {
				case <-stop:
					ended <- nil
					return
				default:
				}
				_, err := s.Do(t.Context(), ev, lockstore.Book(user, "", "A1", "A2"))
				if err != nil && !errors.Is(err, lockstore.SeatBooked) {
					ended <- err
					return
				}
				entries, err := s.Journal(t.Context(), ev, "", 10)
				if err != nil || len(entries) > 1 {
					ended <- fmt.Errorf("the journal has %v, %w", entries, err)
					return
				}
			}
		}()
	}
	for range 20 {
		if err := s.Forget(t.Context(), ev.ID); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if got := holdings(t, s, ev); len(got)%2 != 0 {
		t.Errorf("the event has %q", got)
	}
}
