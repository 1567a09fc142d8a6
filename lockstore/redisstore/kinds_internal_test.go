package redisstore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest"
)

// checkAudit checks that everything agrees with the seats' own keys.
func checkAudit(t *testing.T, s *Store, ev *lockstore.Event) {
	t.Helper()
	if differ, err := s.Audit(t.Context(), ev); err != nil || len(differ) != 0 {
		t.Errorf("Audit: %v, %v", differ, err)
	}
}

// statuses returns the seats that a full list shows, and checks that the changes since
// before lead to the same.
func statuses(t *testing.T, s *Store, ev *lockstore.Event, before lockstore.Snapshot) map[lockstore.SeatID]lockstore.ListedSeat {
	t.Helper()
	full, err := s.List(t.Context(), ev, "")
	if err != nil {
		t.Fatal(err)
	}
	delta, err := s.List(t.Context(), ev, before.Version)
	if err != nil || delta.Full {
		t.Fatalf("the changes are %+v, %v", delta, err)
	}
	got, folded := make(map[lockstore.SeatID]lockstore.ListedSeat), make(map[lockstore.SeatID]lockstore.ListedSeat)
	for _, seat := range full.Seats {
		got[ev.Seats[seat.Position]] = seat
	}
	for _, seat := range slices.Concat(before.Seats, delta.Seats) {
		folded[ev.Seats[seat.Position]] = seat
		if seat.Status == lockstore.Available {
			delete(folded, ev.Seats[seat.Position])
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(folded) {
		t.Errorf("the list is %v, and with the changes folded in it is %v", got, folded)
	}
	return got
}

func list(t *testing.T, s *Store, ev *lockstore.Event) lockstore.Snapshot {
	t.Helper()
	snap, err := s.List(t.Context(), ev, "")
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// TestMovesThatGoTogether checks moves in one trip that pass a seat on: view, log,
// users and journal have what the last move left.
func TestMovesThatGoTogether(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 10, 0)
		do(t, s, ev, lockstore.Book("ann", "r1", "A1", "A2"))
		do(t, s, ev, lockstore.Book("ben", "r2", "A5"))
		before := list(t, s, ev)
		move := func(ref lockstore.Ref, from, to lockstore.SeatID) lockstore.Op {
			return lockstore.Move("", ref, []lockstore.SeatID{from}, []lockstore.SeatID{to})
		}
		ops := []lockstore.Op{
			move("r1", "A1", "A3"), move("r2", "A5", "A1"), move("r1", "A3", "A4"), move("r1", "A3", "A4"), move("r2", "A2", "A6"),
		}
		for i := range ops { // as one caller does that names the user
			ops[i].User = map[lockstore.Ref]lockstore.UserID{"r1": "ann", "r2": "ben"}[ops[i].Ref]
		}
		wants := []struct {
			err     error
			changed string
		}{{nil, "A1 A3"}, {nil, "A5 A1"}, {nil, "A3 A4"}, {nil, ""}, {lockstore.NotBooked, ""}}
		for i, got := range together(t, s, ev, ops...) {
			if changed := fmt.Sprint(got.result.Changed); !errors.Is(got.err, wants[i].err) || changed != "["+wants[i].changed+"]" {
				t.Errorf("move %d changed %s, %v, want [%s], %v", i+1, changed, got.err, wants[i].changed, wants[i].err)
			}
		}
		if got := statuses(t, s, ev, before); len(got) != 3 || got["A1"].Status != lockstore.Booked || got["A2"].Status != lockstore.Booked || got["A4"].Status != lockstore.Booked {
			t.Errorf("the list is %v, want that A1, A2 and A4 are booked", got)
		}
		checkAudit(t, s, ev)
		entries, err := s.Journal(t.Context(), ev, "", 100)
		if err != nil || len(entries) != 5 || fmt.Sprint(entries[2].Seats, entries[2].To, entries[3].Seats, entries[3].To) != "[A1] [A3] [A5] [A1]" {
			t.Errorf("the journal is %v, %v", entries, err)
		}
	})
}

// TestExtensionsThatGoTogether checks that each lock gets its own end.
func TestExtensionsThatGoTogether(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 10, 0)
		do(t, s, ev, lockstore.Lock("ann", "A1"))
		time.Sleep(10 * time.Second)
		do(t, s, ev, lockstore.Lock("ann", "A2"))
		do(t, s, ev, lockstore.Lock("ben", "A3", "A4"))
		before, now := list(t, s, ev), time.Now()
		far := lockstore.Extend("ann", now.Add(time.Hour), "A2", "A1")
		far.Cap = 5 * time.Minute
		got := together(t, s, ev, far, lockstore.Extend("ben", now.Add(2*time.Minute), "A3"), lockstore.Extend("ben", now.Add(3*time.Minute), "A4", "A3"))
		for i, want := range []time.Duration{5*time.Minute - 10*time.Second, 2 * time.Minute, 3 * time.Minute} {
			if got[i].err != nil || !got[i].result.Expires.Equal(now.Add(want)) {
				t.Errorf("extension %d ends at %v, %v, want in %v", i+1, got[i].result.Expires, got[i].err, want)
			}
		}
		seats := statuses(t, s, ev, before)
		for seat, want := range map[lockstore.SeatID]time.Duration{
			"A1": 5*time.Minute - 10*time.Second, "A2": 5 * time.Minute, "A3": 3 * time.Minute, "A4": 3 * time.Minute,
		} {
			if got := time.UnixMilli(seats[seat].Expires); !got.Equal(now.Add(want)) {
				t.Errorf("%s ends at %v, want in %v", seat, got, want)
			}
		}
		checkAudit(t, s, ev)
		if got, want := m.TTL(userKey(ev, "ann")), 5*time.Minute+lockstore.LapseMemory; got != want {
			t.Errorf("ann's set is kept for %v, want %v", got, want)
		}
		if entries, err := s.Journal(t.Context(), ev, "", 100); err != nil || len(entries) != 0 {
			t.Errorf("the journal is %v, %v", entries, err)
		}
	})
}

// TestBoundsThatGoTogether checks that each call of a trip has its own NotAfter.
func TestBoundsThatGoTogether(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 10, 0)
		now := time.Now()
		at := func(op lockstore.Op, bound time.Time) lockstore.Op { op.NotAfter = bound; return op }
		for _, ops := range [][3]lockstore.Op{
			{lockstore.Lock("ann", "A1"), lockstore.Lock("ben", "A2"), lockstore.Lock("cat", "A3", "A4")},
			{lockstore.Confirm("ann", "A1"), lockstore.Confirm("ben", "A2"), lockstore.Confirm("cat", "A3")},
			{lockstore.Release("ann", "A5"), lockstore.Release("ben", "A2"), lockstore.Release("cat", "A4")},
		} {
			got := together(t, s, ev, ops[0], at(ops[1], now), at(ops[2], now.Add(time.Millisecond)))
			if got[0].err != nil || !errors.Is(got[1].err, lockstore.ErrTooLate) || got[2].err != nil {
				t.Errorf("%v without a bound: %v; with one now: %v; with one later: %v", ops[0].Kind, got[0].err, got[1].err, got[2].err)
			}
		}
	})
}

// TestLockTimesGoApart checks that locks with different lock times share a trip but not a
// script run.
func TestLockTimesGoApart(t *testing.T) {
	ev := eventOf(t, 3, 0)
	lasting := func(d time.Duration) *call {
		op := lockstore.Lock("ann", "A1")
		op.For = d
		return &call{Work: work{ev: ev, op: op, at: []int{0}}}
	}
	all := groups([]*call{lasting(0), lasting(time.Hour), lasting(0)})
	if len(all) != 2 || len(all[0].calls) != 2 || all[0].lockTime() != ev.LockTTL || all[1].lockTime() != time.Hour {
		t.Errorf("the groups are %+v", all)
	}
}

// TestOwnersAreFound checks that calls that name no user change the sets of the users whose
// seats they take, and that they succeed even if a seat changes hands meanwhile.
func TestOwnersAreFound(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 10, 4)
		do(t, s, ev, lockstore.Book("ann", "r", "A1", "A2"))
		do(t, s, ev, lockstore.Book("ben", "r", "A3"))
		do(t, s, ev, lockstore.Lock("cat", "A4", "A5"))
		do(t, s, ev, lockstore.Lock("dan", "A6"))

		changed := func(op lockstore.Op, want string) {
			t.Helper()
			if result, err := s.Do(t.Context(), ev, op); err != nil || fmt.Sprint(result.Changed) != "["+want+"]" {
				t.Errorf("%v changed %v, %v, want [%s]", op.Kind, result.Changed, err, want)
			}
			checkAudit(t, s, ev)
		}
		changed(lockstore.Cancel("", "r", "A4", "A3", "A1"), "A3 A1")
		changed(lockstore.Move("", "r", []lockstore.SeatID{"A2"}, []lockstore.SeatID{"A7"}), "A2 A7")
		changed(lockstore.Evict("", "A5", "A7", "A6"), "A5 A6")
		block := lockstore.Block("rain", "A4", "A8")
		block.Blocked = true
		changed(block, "A4 A8")
		if got := usersOf(m, ev); !slices.Equal(got, []string{userKey(ev, "ann")}) {
			t.Errorf("the users who are counted with anything are %q, want ann", got)
		}

		// Each time before the script runs, the seat gets another user.
		hands := 0
		do(t, s, ev, lockstore.Lock("u0", "A1"))
		m.Server().SetPreHook(func(_ *server.Peer, name string, _ ...string) bool {
			if name == "EVALSHA" && hands < 3 {
				hands++
				old, user := fmt.Sprint("u", hands-1), fmt.Sprint("u", hands)
				text, err := m.Get(seatKey(ev, "A1"))
				if err != nil {
					t.Error(err)
				}
				_ = m.Set(seatKey(ev, "A1"), strings.TrimSuffix(text, old)+user)
				m.Del(userKey(ev, lockstore.UserID(old)))
				_, _ = m.ZAdd(userKey(ev, lockstore.UserID(user)), 1, "A1")
			}
			return false
		})
		changed(lockstore.Evict("", "A1"), "A1")
		m.Server().SetPreHook(nil)
		if hands != 3 || m.Exists(userKey(ev, "u3")) {
			t.Errorf("after %d changes of hands, the last user is counted with something: %v", hands, m.Exists(userKey(ev, "u3")))
		}
	})
}

// TestForeignKeysOfOperators checks that a key of another type, made by hand, makes
// calls that need it fail as a whole, with an error that names the key.
func TestForeignKeysOfOperators(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 10, 0)
		do(t, s, ev, lockstore.Book("ann", "r", "A1"))
		do(t, s, ev, lockstore.Book("ben", "r", "A2"))
		do(t, s, ev, lockstore.Lock("ben", "A3"))
		m.HSet(seatKey(ev, "A9"), "a", "b")
		m.Del(userKey(ev, "ben"))
		_ = m.Set(userKey(ev, "ben"), "made by hand")
		blockAll := lockstore.Block("why", "A4", "A3")
		blockAll.Blocked = true
		before := m.Dump()
		for _, c := range []struct {
			op  lockstore.Op
			key string
		}{
			{lockstore.Book("cat", "r", "A4", "A9"), seatKey(ev, "A9")},
			{lockstore.Block("why", "A4", "A9"), seatKey(ev, "A9")},
			{lockstore.Move("", "r", []lockstore.SeatID{"A1"}, []lockstore.SeatID{"A9"}), seatKey(ev, "A9")},
			{lockstore.Cancel("", "r", "A1", "A2"), userKey(ev, "ben")},
			{lockstore.Move("", "r", []lockstore.SeatID{"A1", "A2"}, []lockstore.SeatID{"A4", "A5"}), userKey(ev, "ben")},
			{lockstore.Extend("ben", time.Now().Add(time.Hour), "A3"), userKey(ev, "ben")},
			{lockstore.Book("ben", "r", "A4"), userKey(ev, "ben")},
			{lockstore.Evict("", "A3"), userKey(ev, "ben")},
			{blockAll, userKey(ev, "ben")},
		} {
			_, err := s.Do(t.Context(), ev, c.op)
			if !errors.Is(err, lockstore.ErrUnavailable) || !strings.Contains(err.Error(), c.key+" is not a ") {
				t.Errorf("%v of %v: %v, want ErrUnavailable that names %s", c.op.Kind, c.op.Seats, err, c.key)
			}
			if after := m.Dump(); after != before {
				t.Fatalf("%v of %v changes\n%s\nto\n%s", c.op.Kind, c.op.Seats, before, after)
			}
		}
	})
}

// TestKeysByHand checks that nothing takes a seat whose key somebody wrote by hand.
func TestKeysByHand(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 10, 0)
		do(t, s, ev, lockstore.Book("ann", "r", "A1"))
		texts := []string{"manual", "l", "b", "x", "lock", "blocked", "x-ray", "l0000000000000-", "b0000000000000:r:", "l0000000000000-0000000000000", "x0000000000000"}
		for _, text := range texts {
			_ = m.Set(seatKey(ev, "A2"), text)
			m.SetTTL(seatKey(ev, "A2"), time.Minute)
			_ = m.Set(seatKey(ev, "A3"), text)
			block := lockstore.Block("why", "A2")
			block.Blocked = true
			for _, op := range []lockstore.Op{
				lockstore.Lock("ann", "A2"), lockstore.Book("ann", "", "A2"), lockstore.Confirm("ann", "A2"), block,
				lockstore.Extend("ann", time.Now().Add(time.Hour), "A2"),
				lockstore.Move("ann", "", []lockstore.SeatID{"A1"}, []lockstore.SeatID{"A2"}),
				lockstore.Lock("ann", "A3"), lockstore.Book("ann", "", "A3"), lockstore.Block("why", "A3"),
			} {
				if _, err := s.Do(t.Context(), ev, op); err == nil {
					t.Errorf("%v takes a seat whose key holds %q", op.Kind, text)
				}
			}
			for _, op := range []lockstore.Op{
				lockstore.Release("ann", "A2", "A3"), lockstore.Evict("", "A2", "A3"), lockstore.Unblock("A2", "A3"), lockstore.Cancel("ann", "", "A2", "A3"), lockstore.Cancel("", "r", "A2", "A3"),
			} {
				if result, err := s.Do(t.Context(), ev, op); err != nil || len(result.Changed) > 0 {
					t.Errorf("%v gives up %v, %v, whose key holds %q", op.Kind, result.Changed, err, text)
				}
			}
			var got []string
			_, holdings := s.Roster(t.Context(), ev, lockstore.Filter{Seats: []lockstore.SeatID{"A2", "A3"}})
			for h, err := range holdings {
				got = append(got, fmt.Sprintf("%s %v %s %v", h.Seat, h.Status, h.User, err))
			}
			if want := "[A2 locked  <nil> A3 booked  <nil>]"; fmt.Sprint(got) != want {
				t.Errorf("the roster of keys that hold %q is %v", text, got)
			}
		}
	})
}

// TestMostSeats checks calls with the largest number of seats.
func TestMostSeats(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, s *Store) {
		ev := storetest.Event(t, "event", time.Minute, 0, storetest.Seats(2*lockstore.MaxSeats)...)
		seats, others := ev.Seats[:lockstore.MaxSeats], ev.Seats[lockstore.MaxSeats:]
		block := lockstore.Block("why", seats...)
		block.Blocked = true
		for _, op := range []lockstore.Op{
			lockstore.Lock("ann", seats...), lockstore.Extend("ann", time.Now().Add(2*time.Minute), seats...),
			lockstore.Confirm("ann", seats...), lockstore.Move("ann", "", seats, others), lockstore.Cancel("ann", "", others...),
			lockstore.Lock("ann", seats...), block, lockstore.Unblock(seats...), lockstore.Lock("ann", seats...), lockstore.Evict("", seats...),
		} {
			result, err := s.Do(t.Context(), ev, op)
			if err != nil || len(result.Changed) != len(op.Seats)+len(op.To) {
				t.Errorf("%v of %d seats changes %d, %v", op.Kind, len(op.Seats), len(result.Changed), err)
			}
		}
		checkAudit(t, s, ev)
		entries, err := s.Journal(t.Context(), ev, "", 100)
		if err != nil || len(entries) != 6 || len(entries[1].To) != lockstore.MaxSeats || entries[1].To[199] != others[199] {
			t.Errorf("the journal has %d entries, %v", len(entries), err)
		}
	})
}

// TestAdmissionIsShared checks that many callers of an event that Redis lost send its
// layout once, and that if the context of one of them ends, the others do not fail.
func TestAdmissionIsShared(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, s *Store) {
		ev := eventOf(t, 100, 0)
		do(t, s, ev, lockstore.Lock("ann", "A1"))
		m.FlushAll()
		var mu sync.Mutex
		opened := 0
		m.Server().SetPreHook(func(_ *server.Peer, name string, args ...string) bool {
			mu.Lock()
			defer mu.Unlock()
			if name == "EVALSHA" && args[0] == openScript.sha {
				opened++
			}
			return false
		})
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				if _, err := s.Do(t.Context(), ev, lockstore.Lock("ann", ev.Seats[i])); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		synctest.Wait()
		if opened != 1 {
			t.Errorf("the event was opened %d times, want once", opened)
		}
	})
}
