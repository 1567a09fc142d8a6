package redisstore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"seatlock/lockstore"
)

// usersOf returns the keys of users that the event has.
func usersOf(m *miniredis.Miniredis, ev *lockstore.Event) []string {
	var keys []string
	for _, key := range m.Keys() {
		if strings.HasPrefix(key, userKey(ev, "")) {
			keys = append(keys, key)
		}
	}
	return keys
}

// TestUsersAreForgotten checks that nothing is kept of a user once LapseMemory has passed
// since the last lock, so that a million random user ids do not fill the memory.
func TestUsersAreForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 20, 0)
		most := 0
		for i := range 600 {
			user, seat := lockstore.UserID(fmt.Sprint("user", i)), ev.Seats[i%20]
			do(t, s, ev, lockstore.Lock(user, seat))
			if i%50 == 0 {
				do(t, s, ev, lockstore.Confirm(user, seat))
				m.Del(seatKey(ev, seat)) // somebody frees the seat by hand
			}
			time.Sleep(6 * time.Second)
			most = max(most, len(usersOf(m, ev)))
		}
		// A lock and what is remembered of it last eleven minutes: 110 of these at a time.
		// Twelve users have booked.
		if most > 110+12 {
			t.Errorf("%d users are kept at a time, want at most 122", most)
		}
		time.Sleep(11 * time.Minute)
		if got := usersOf(m, ev); len(got) != 12 {
			t.Errorf("in the end the users %q are kept, want the 12 who booked", got)
		}
	})
}

// TestUserIsKeptForTheLatestLock checks that the expiry of a user's set never moves
// back, neither by a shorter lock nor by a release.
func TestUserIsKeptForTheLatestLock(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		long, short := eventOf(t, 3, 2), eventOf(t, 3, 2)
		long.LockTTL = 24 * time.Hour
		do(t, s, long, lockstore.Lock("ann", "A1"))
		do(t, s, short, lockstore.Lock("ann", "A2"))
		do(t, s, short, lockstore.Release("ann", "A2"))
		if got, want := m.TTL(userKey(long, "ann")), long.LockTTL+lockstore.LapseMemory; got != want {
			t.Errorf("ann's set is kept for %v, want %v", got, want)
		}
		do(t, s, long, lockstore.Confirm("ann", "A1"))
		do(t, s, short, lockstore.Lock("ann", "A2"))
		if got := m.TTL(userKey(long, "ann")); got != 0 {
			t.Errorf("the set of ann, who has booked, is kept for %v, want for good", got)
		}
		if _, err := s.Do(t.Context(), short, lockstore.Lock("ann", "A3")); !errors.Is(err, lockstore.OverSeatLimit) {
			t.Errorf("ann locks a third seat: %v", err)
		}
	})
}

// TestLapsesOfAUserAreBounded checks that a user's set shrinks to the seats of the
// last 256 expired locks, however many have expired, and that no call has to remove
// many.
func TestLapsesOfAUserAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 1000, 0)
		for i := 0; i < 1000; i += 50 {
			do(t, s, ev, lockstore.Lock("ann", ev.Seats[i:i+50]...))
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		kept, given := ev.Seats[:10], ev.Seats[10:30] // ann keeps the first, and gives the others back
		do(t, s, ev, lockstore.Lock("ann", kept...))
		first, err := m.SortedSet(userKey(ev, "ann"))
		if err != nil || len(first) < 1000-16*len(kept) {
			t.Fatalf("a lock of %d seats makes a set of 1000 seats one of %d, %v, want at most %d less", len(kept), len(first), err, 16*len(kept))
		}
		for size, calls := len(first), 0; size > 256+len(kept); calls++ {
			if calls == 500 {
				t.Fatalf("after %d locks, ann's set has %d seats, want %d", calls, size, 256+len(kept))
			}
			do(t, s, ev, lockstore.Lock("ann", given...))
			set, err := m.SortedSet(userKey(ev, "ann")) // which follows the key
			if err != nil || len(set) < size-16*len(given) {
				t.Fatalf("a lock of %d seats makes a set of %d seats one of %d, %v, want at most %d less", len(given), size, len(set), err, 16*len(given))
			}
			for _, seat := range slices.Concat(kept, given, ev.Seats[1000-256:]) {
				if _, ok := set[string(seat)]; !ok {
					t.Fatalf("ann's lock on %s is forgotten, of %d", seat, len(set))
				}
			}
			do(t, s, ev, lockstore.Release("ann", given...))
			size = len(set)
		}
	})
}

// TestUserOfAnotherType checks that a user's key of another type, made by hand,
// fails only the calls of that user, and that those do nothing.
func TestUserOfAnotherType(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 10, 0)
		do(t, s, ev, lockstore.Lock("ben", "A1", "A2"))
		m.Del(userKey(ev, "ben"))
		if err := m.Set(userKey(ev, "ben"), "made by hand"); err != nil {
			t.Fatal(err)
		}
		do(t, s, ev, lockstore.Lock("ann", "A5", "A6", "A7"))
		do(t, s, ev, lockstore.Lock("cat", "A8", "A9"))
		for _, ops := range [][3]lockstore.Op{
			{lockstore.Lock("ann", "A3"), lockstore.Lock("ben", "A4"), lockstore.Lock("cat", "A10")},
			{lockstore.Confirm("ann", "A5"), lockstore.Confirm("ben", "A1"), lockstore.Confirm("cat", "A8")},
			{lockstore.Release("ann", "A6"), lockstore.Release("ben", "A1"), lockstore.Release("cat", "A9")},
		} {
			before, err := s.List(t.Context(), ev, "")
			if err != nil {
				t.Fatal(err)
			}
			got := together(t, s, ev, ops[:]...)
			if got[0].err != nil || got[2].err != nil {
				t.Errorf("%v by others: %v, %v", ops[0].Kind, got[0].err, got[2].err)
			}
			want := userKey(ev, "ben") + " is not a sorted set; delete it"
			if err := got[1].err; !errors.Is(err, lockstore.ErrUnavailable) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v by ben: %v, want ErrUnavailable that says %q", ops[1].Kind, err, want)
			}
			delta, err := s.List(t.Context(), ev, before.Version)
			if err != nil || delta.Full || len(delta.Seats) != 2 {
				t.Errorf("%v of three users, one of whom has a bad key, changes %v, %v, want the seats of two", ops[0].Kind, delta.Seats, err)
			}
		}
	})
}

// TestReleasedLocksLeaveNothing checks that locking and releasing again and again
// leaves no key of a user, and a log of bounded length.
func TestReleasedLocksLeaveNothing(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 10, 0)
		for i := range 1500 {
			user, seat := lockstore.UserID(fmt.Sprint("user", i%100)), ev.Seats[i%10]
			do(t, s, ev, lockstore.Lock(user, seat))
			do(t, s, ev, lockstore.Release(user, seat))
		}
		want := []string{layoutKey(ev), logKey(ev), mapKey(ev), viewKey(ev)}
		if got := m.Keys(); !slices.Equal(got, want) {
			t.Errorf("the keys are %q, want %q", got, want)
		}
		if entries, err := m.Stream(logKey(ev)); err != nil || len(entries) > 1100 {
			t.Errorf("the log has %d entries, %v, want about 1000", len(entries), err)
		}
	})
}
