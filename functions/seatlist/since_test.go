package seatlist_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"seatlock/functions/seatlist"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// A counting store counts its calls of List.
type counting struct {
	lockstore.LockStore
	lists atomic.Int64
}

func (c *counting) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	c.lists.Add(1)
	return c.LockStore.List(ctx, ev, since)
}

// TestOneQuestionWhateverIsAsked checks that a refresh makes one call of the store, and
// that its lists make none.
func TestOneQuestionWhateverIsAsked(t *testing.T) {
	store, ev := &counting{LockStore: new(memstore.Store)}, event(t, 3000)
	feed := feedOf(store, ev)
	version := get(t, feed, "").Version
	for i := range 20 {
		lock(t, store, ev, "ann", ev.Seats[i])
		before := store.lists.Load()
		snap, err := feed.Refresh(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, since := range []lockstore.Version{"", version, "unknown", "unknown-1"} {
			snap.Since(since)
		}
		for _, status := range []lockstore.Status{lockstore.Available, lockstore.Locked, lockstore.Booked} {
			snap.WithStatus(status)
		}
		if n := store.lists.Load() - before; n != 1 {
			t.Fatalf("a refresh and its lists were %d calls of the store, want 1", n)
		}
	}
}

// TestSinceIsKnownOrWhole checks the list for a client with a known version, with an
// unknown one, and with one that is far behind.
func TestSinceIsKnownOrWhole(t *testing.T) {
	store, ev := new(memstore.Store), event(t, 3000)
	feed := feedOf(store, ev)
	first := get(t, feed, "").Version
	for i := 0; i < 1000; i += 50 {
		lock(t, store, ev, lockstore.UserID(fmt.Sprint("user", i)), ev.Seats[i:i+50]...)
		l := get(t, feed, first)
		if l.Full || len(l.Seats) != i+50 {
			t.Fatalf("after %d changes the list is full: %v, with %d seats", i+50, l.Full, len(l.Seats))
		}
	}
	if l := get(t, feed, "unknown"); !l.Full || len(l.Seats) != 3000 {
		t.Errorf("an unknown version: the list is full: %v, with %d seats", l.Full, len(l.Seats))
	}
	recent := get(t, feed, "").Version
	lock(t, store, ev, "ben", ev.Seats[2000:2050]...)
	if l := get(t, feed, first); !l.Full || len(l.Seats) != 3000 {
		t.Errorf("far behind: the list is full: %v, with %d seats", l.Full, len(l.Seats))
	}
	if l := get(t, feed, recent); l.Full || len(l.Seats) != 50 {
		t.Errorf("50 changes behind: the list is full: %v, with %d seats", l.Full, len(l.Seats))
	}
}

// TestVersionsAreBounded checks that a feed forgets old versions, and that a client
// with a forgotten version gets the whole list.
func TestVersionsAreBounded(t *testing.T) {
	store, ev := new(memstore.Store), event(t, 10)
	feed := feedOf(store, ev)
	first := get(t, feed, "").Version
	var last lockstore.Version
	for range 9000 {
		lock(t, store, ev, "ann", "S1")
		if _, err := store.Do(t.Context(), ev, lockstore.Release("ann", "S1")); err != nil {
			t.Fatal(err)
		}
		snap, err := feed.Refresh(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		last = snap.Since("").Version
	}
	if l := get(t, feed, first); !l.Full {
		t.Error("the version of 9,000 versions ago is still known")
	}
	lock(t, store, ev, "ann", "S1")
	if l := get(t, feed, last); l.Full || len(l.Seats) != 1 {
		t.Errorf("the last version: the list is full: %v, with %d seats", l.Full, len(l.Seats))
	}
}

// TestListsAreShared checks that callers with the same request get the same list.
func TestListsAreShared(t *testing.T) {
	store, ev := new(memstore.Store), event(t, 1000)
	feed := feedOf(store, ev)
	version := get(t, feed, "").Version
	lock(t, store, ev, "ann", "S1")
	snap, err := feed.Refresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string]func() *seatlist.List{
		"all":     func() *seatlist.List { return snap.Since("") },
		"unknown": func() *seatlist.List { return snap.Since("unknown") },
		"since":   func() *seatlist.List { return snap.Since(version) },
		"locked":  func() *seatlist.List { return snap.WithStatus(lockstore.Locked) },
	} {
		a, b := list(), list()
		if a != b || &a.Gzip()[0] != &b.Gzip()[0] {
			t.Errorf("%s: two callers got different lists", name)
		}
	}
}

// TestSinceAnyKnownVersion applies the changes since random versions, while seats
// change at random, and compares the result with the whole list.
func TestSinceAnyKnownVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // no lock ends, however slow the machine is
		store, ev := new(memstore.Store), event(t, 700)
		feed, random := feedOf(store, ev), rand.New(rand.NewPCG(3, 4))
		past := []list{get(t, feed, "")}
		for range 200 {
			for range random.IntN(5) {
				user, at := lockstore.UserID(fmt.Sprint("user", random.IntN(3))), random.IntN(700)
				op := lockstore.Lock(user, ev.Seats[at])
				if random.IntN(2) == 0 {
					op = lockstore.Release(user, ev.Seats[at:min(at+40, 700)]...)
				}
				_, _ = store.Do(t.Context(), ev, op) // some are refused
			}
			whole, old := get(t, feed, ""), past[random.IntN(len(past))]
			changes := get(t, feed, old.Version)
			folded := make(map[string]seat)
			for _, l := range []list{old, changes} {
				for _, s := range l.Seats {
					folded[s.SeatID] = s
				}
			}
			for _, s := range whole.Seats {
				if folded[s.SeatID] != s {
					t.Fatalf("seat %+v, and the changes give %+v", s, folded[s.SeatID])
				}
			}
			past = append(past, whole)
		}
	})
}
