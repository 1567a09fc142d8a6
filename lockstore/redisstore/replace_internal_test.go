package redisstore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest"
)

// revised returns the event with another layout.
func revised(t *testing.T, ev *lockstore.Event, revision int, seats ...lockstore.SeatID) *lockstore.Event {
	t.Helper()
	layout, err := lockstore.NewLayout(seats)
	if err != nil {
		t.Fatal(err)
	}
	other := *ev
	other.Layout, other.Revision = layout, revision
	return &other
}

// sold returns an event with A1 booked, A2 locked for a minute and A3 blocked,
// and a new layout of it, which lacks A3 and has the seats in another order.
func sold(t *testing.T, s *Store) (old, next *lockstore.Event) {
	t.Helper()
	old = eventOf(t, 1200, 0)
	do(t, s, old, lockstore.Lock("ben", "A2"))
	do(t, s, old, lockstore.Book("ann", "r", "A1"))
	do(t, s, old, lockstore.Block("why", "A3", "A1100"))
	seats := slices.Concat([]lockstore.SeatID{"new"}, old.Seats[3:], []lockstore.SeatID{"A2", "A1"})
	return old, revised(t, old, 1, seats...)
}

// checkReplaced checks that the event has the new layout that sold returns.
func checkReplaced(t *testing.T, m *miniredis.Miniredis, s *Store, old, next *lockstore.Event) {
	t.Helper()
	checkAudit(t, s, next)
	got := make(map[lockstore.SeatID]lockstore.Status)
	for _, seat := range list(t, s, next).Seats {
		got[next.Seats[seat.Position]] = seat.Status
	}
	if len(got) != 3 || got["A1"] != lockstore.Booked || got["A2"] != lockstore.Locked || got["A1100"] != lockstore.Blocked {
		t.Errorf("the list is %v, want that A1 is booked, A2 locked and A1100 blocked", got)
	}
	if m.Exists(seatKey(next, "A3")) {
		t.Error("the blocked seat that is gone has a key")
	}
	before := m.Dump()
	if _, err := s.Do(t.Context(), old, lockstore.Lock("cat", "A10")); !errors.Is(err, lockstore.ErrOtherSeats) || m.Dump() != before {
		t.Errorf("a lock by the old layout: %v, want %v and no change", err, lockstore.ErrOtherSeats)
	}
}

// TestReplacementResumes checks that a replacement that fails anywhere leaves the old
// layout or the new one, and that the next call completes it.
func TestReplacementResumes(t *testing.T) {
	for cut, done := 0, false; !done; cut++ {
		bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
			old, next := sold(t, s)
			trips := 0
			m.Server().SetPreHook(func(c *server.Peer, name string, _ ...string) bool {
				if !slices.Contains([]string{"EVAL", "EVALSHA", "MULTI"}, name) {
					return false
				}
				if trips++; trips > cut {
					c.Close()
					return true
				}
				return false
			})
			err := s.Open(t.Context(), next)
			if done = err == nil; done && cut < 6 {
				t.Errorf("the replacement succeeds with %d trips, want more", cut)
			}
			m.Server().SetPreHook(nil)
			if !done {
				do(t, s, old, lockstore.Release("cat", "A7"))
			}
			if err := s.Open(t.Context(), next); err != nil {
				t.Errorf("Open after one that was cut off after %d trips: %v", cut, err)
			}
			checkReplaced(t, m, s, old, next)
		})
	}
}

// TestReplacementBesideASale checks that what is sold, given back or blocked while the
// seats are read is in the new view, and that a seat that is sold meanwhile is not
// lost.
func TestReplacementBesideASale(t *testing.T) {
	for name, c := range map[string]struct {
		ops     []lockstore.Op
		missing string
		status  map[lockstore.SeatID]lockstore.Status
	}{
		"sold": {
			ops:    []lockstore.Op{lockstore.Lock("cat", "A5", "A1199"), lockstore.Book("dan", "r", "A600"), lockstore.Confirm("cat", "A5")},
			status: map[lockstore.SeatID]lockstore.Status{"A5": lockstore.Booked, "A1199": lockstore.Locked, "A600": lockstore.Booked},
		},
		"given back": {
			ops:    []lockstore.Op{lockstore.Cancel("ann", "", "A1"), lockstore.Release("ben", "A2"), lockstore.Unblock("A1100", "A3")},
			status: map[lockstore.SeatID]lockstore.Status{"A1": 0, "A2": 0, "A1100": 0},
		},
		"moved and extended": {
			ops: []lockstore.Op{
				lockstore.Move("ann", "", []lockstore.SeatID{"A1"}, []lockstore.SeatID{"A700"}), lockstore.Extend("ben", time.Now().Add(time.Hour), "A2"),
			},
			status: map[lockstore.SeatID]lockstore.Status{"A1": 0, "A700": lockstore.Booked},
		},
		"a seat that is gone is sold": {
			ops:     []lockstore.Op{lockstore.Unblock("A3"), lockstore.Lock("cat", "A3")},
			missing: "A3",
		},
		"a seat that is gone is sold and given back": {
			ops: []lockstore.Op{lockstore.Unblock("A3"), lockstore.Lock("cat", "A3"), lockstore.Release("cat", "A3")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
				old, next := sold(t, s)
				found, err := s.look(t.Context(), old)
				if err != nil {
					t.Fatal(err)
				}
				r := &replacement{Store: s, ev: next, found: found, until: make(map[int]int64)}
				if same, err := r.begin(t.Context()); err != nil || !same {
					t.Fatal(same, err)
				}
				for start := 0; start < len(r.old); start += rosterSeats {
					if err := r.page(t.Context(), start, r.old[start:min(start+rosterSeats, len(r.old))]); err != nil {
						t.Fatal(err)
					}
				}
				for _, op := range c.ops {
					do(t, s, old, op)
				}
				if _, err := r.write(t.Context()); err != nil {
					t.Fatal(err)
				}
				err = s.Open(t.Context(), next)
				if missing, ok := errors.AsType[*lockstore.MissingSeatsError](err); ok && c.missing != "" {
					if fmt.Sprint(missing.Seats) != "["+c.missing+"]" || missing.More != 0 {
						t.Errorf("missing are %v and %d others, want %s", missing.Seats, missing.More, c.missing)
					}
					do(t, s, old, lockstore.Confirm("cat", "A3")) // the old layout stays
					return
				}
				if err != nil || c.missing != "" {
					t.Fatalf("Open: %v, want missing seats [%s]", err, c.missing)
				}
				checkAudit(t, s, next)
				got := make(map[lockstore.SeatID]lockstore.Status)
				for _, seat := range list(t, s, next).Seats {
					got[next.Seats[seat.Position]] = seat.Status
				}
				for seat, want := range c.status {
					if got[seat] != want {
						t.Errorf("%s is %v, want %v", seat, got[seat], want)
					}
				}
			})
		})
	}
}

// TestReplacementBeginsAnew checks that a replacement is not written if the log no
// longer has all changes since the seats were read, or has too many.
func TestReplacementBeginsAnew(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *miniredis.Miniredis, *Store, *lockstore.Event){
		"many changes": func(t *testing.T, _ *miniredis.Miniredis, s *Store, ev *lockstore.Event) {
			for range 251 {
				do(t, s, ev, lockstore.Lock("cat", "A10"))
				do(t, s, ev, lockstore.Release("cat", "A10"))
			}
		},
		"the log is gone": func(_ *testing.T, m *miniredis.Miniredis, _ *Store, ev *lockstore.Event) { m.Del(logKey(ev)) },
		"another layout": func(t *testing.T, _ *miniredis.Miniredis, s *Store, ev *lockstore.Event) {
			if err := s.Open(t.Context(), revised(t, ev, 1, append([]lockstore.SeatID{"first"}, ev.Seats...)...)); err != nil {
				t.Fatal(err)
			}
		},
		"a higher revision, back and forth": func(t *testing.T, _ *miniredis.Miniredis, s *Store, ev *lockstore.Event) {
			if err := s.Open(t.Context(), revised(t, ev, 1, append([]lockstore.SeatID{"first"}, ev.Seats...)...)); err != nil {
				t.Fatal(err)
			}
			if err := s.Open(t.Context(), revised(t, ev, 2, ev.Seats...)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
				old, next := sold(t, s)
				next.Revision = 3
				found, err := s.look(t.Context(), old)
				if err != nil {
					t.Fatal(err)
				}
				r := &replacement{Store: s, ev: next, found: found, until: make(map[int]int64)}
				if same, err := r.begin(t.Context()); err != nil || !same {
					t.Fatal(same, err)
				}
				change(t, m, s, old)
				before := m.Dump()
				if answer, err := r.write(t.Context()); answer == replaced || err != nil || m.Dump() != before {
					t.Errorf("the replacement is written: %v, %v", answer, err)
				}
				if m.Exists(logKey(old)) { // otherwise the event must be opened with its old seats
					if err := s.Open(t.Context(), next); err != nil {
						t.Errorf("Open: %v", err)
					}
					checkAudit(t, s, next)
				}
			})
		})
	}
}

// TestManySeatsAreMissing checks that the error of a layout that lacks taken seats
// names a hundred of them, in the old order, and counts the others.
func TestManySeatsAreMissing(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		old := eventOf(t, 300, 0)
		do(t, s, old, lockstore.Lock("ann", old.Seats[100:250]...))
		before := m.Dump()
		for range 2 {
			_, err := s.Do(t.Context(), revised(t, old, 1, old.Seats[:120]...), lockstore.Lock("ben", "A1"))
			missing, ok := errors.AsType[*lockstore.MissingSeatsError](err)
			if !ok || !slices.Equal(missing.Seats, old.Seats[120:220]) || missing.More != 30 || m.Dump() != before {
				t.Errorf("the layout lacks 130 locked seats: %v", err)
			}
		}
	})
}

// TestFormat2HasNoLayout checks that an event of format 2, which has no stored layout,
// is not replaced, and that the error says what to do.
func TestFormat2HasNoLayout(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := restoreFormat2(t, s)
		next := revised(t, ev, 1, append(storetest.Seats(10), "B1")...)
		before := m.Dump()
		if err := s.Open(t.Context(), next); !errors.Is(err, lockstore.ErrOtherSeats) || !strings.Contains(err.Error(), "run this version once with the seat map that it has") || m.Dump() != before {
			t.Errorf("Open with a higher revision: %v", err)
		}
		if err := s.Open(t.Context(), ev); err != nil {
			t.Fatal(err)
		}
		if err := s.Open(t.Context(), next); err != nil {
			t.Errorf("Open with a higher revision, after the event was taken over: %v", err)
		}
		checkAudit(t, s, next)
	})
}

// TestMapKeyIsDeleted checks that, if somebody deleted an event's map key, the layout key
// says which seats it has.
func TestMapKeyIsDeleted(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 10, 0)
		do(t, s, ev, lockstore.Lock("ann", "A1"))
		m.Del(mapKey(ev))
		if _, err := s.Do(t.Context(), revised(t, ev, 0, "B1"), lockstore.Lock("ben", "B1")); !errors.Is(err, lockstore.ErrOtherSeats) {
			t.Errorf("a lock by another layout: %v, want %v", err, lockstore.ErrOtherSeats)
		}
		do(t, s, ev, lockstore.Confirm("ann", "A1"))
	})
}

// TestHigherRevisionOfTheSameSeats checks that an event keeps the highest revision that
// its seats were opened with, so that other seats need a higher one.
func TestHigherRevisionOfTheSameSeats(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 10, 0)
		do(t, s, ev, lockstore.Lock("ann", "A1"))
		before := list(t, s, ev)
		if err := s.Open(t.Context(), revised(t, ev, 5, ev.Seats...)); err != nil {
			t.Fatal(err)
		}
		if got := list(t, s, ev); got.Version != before.Version {
			t.Errorf("the version moved from %s to %s", before.Version, got.Version)
		}
		for _, revision := range []int{4, 5} {
			if err := s.Open(t.Context(), revised(t, ev, revision, "A1", "B1")); !errors.Is(err, lockstore.ErrOtherSeats) {
				t.Errorf("Open of other seats with revision %d: %v, want %v", revision, err, lockstore.ErrOtherSeats)
			}
		}
		if err := s.Open(t.Context(), revised(t, ev, 6, "A1", "B1")); err != nil {
			t.Errorf("Open of other seats with revision 6: %v", err)
		}
		if err := s.Open(t.Context(), ev); !errors.Is(err, lockstore.ErrOtherSeats) {
			t.Errorf("Open of the old seats: %v, want %v", err, lockstore.ErrOtherSeats)
		}
	})
}
