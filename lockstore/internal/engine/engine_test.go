package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest"
)

func newEvent(t testing.TB, seats, limit int) *lockstore.Event {
	t.Helper()
	return storetest.Event(t, "test", time.Minute, limit, storetest.Seats(seats)...)
}

// eventOf returns an event of the seats.
func eventOf(t testing.TB, seats []lockstore.SeatID) *lockstore.Event {
	t.Helper()
	return storetest.Event(t, "test", time.Minute, 0, seats...)
}

// do carries out an operation that must succeed.
func do(t testing.TB, s *State, ev *lockstore.Event, op lockstore.Op, now int64) {
	t.Helper()
	at, err := ev.Positions(nil, &op)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Do(ev, &op, at, now, new(lockstore.Result)); err != nil {
		t.Fatalf("%v at %d: %v", op, now, err)
	}
}

// countOf returns how many seats the user has locked and booked.
func countOf(s *State, user lockstore.UserID, now int64) int {
	h := s.holder(user)
	defer func() { s.setHolder(user, h) }()
	return s.count(&h, now)
}

// TestLogWraps checks that the log gives a delta of its last logSize changes, and
// a full list beyond them.
func TestLogWraps(t *testing.T) {
	s, log := New(newEvent(t, 3, 0).Layout), NewLog()
	add := func(p int) { log.Add([]int{p}) }
	start := log.Version()
	add(2) // change 1
	second := log.Version()
	for range logSize - 1 {
		add(0)
	}
	if snap := s.List(&log, start, 0); snap.Full || len(snap.Seats) != 2 {
		t.Errorf("%d changes behind: full is %v, with %v", logSize, snap.Full, snap.Seats)
	}
	add(1) // the log forgets change 1
	if snap := s.List(&log, start, 0); !snap.Full {
		t.Errorf("%d changes behind: a delta of %v", logSize+1, snap.Seats)
	}
	if snap := s.List(&log, second, 0); snap.Full || len(snap.Seats) != 2 {
		t.Errorf("%d changes behind, after the log wrapped: full is %v, with %v", logSize, snap.Full, snap.Seats)
	}
}

// TestStateIsBounded checks that what is kept depends on the number of seats, not
// on the number of users so far, however short their locks are.
func TestStateIsBounded(t *testing.T) {
	ev := storetest.Event(t, "test", time.Millisecond, 4, storetest.Seats(10)...)
	s, now := New(ev.Layout), int64(0)
	for i := range 5000 {
		user := lockstore.UserID(fmt.Sprintf("user%d", i))
		do(t, s, ev, lockstore.Lock(user, ev.Seats[i%8:][:2]...), now)
		if i%3 == 0 {
			do(t, s, ev, lockstore.Release(user, ev.Seats[i%8:][:2]...), now)
		}
		now += 2
	}
	if len(s.users) > len(ev.Seats) {
		t.Errorf("%d users are remembered, want at most one for each of %d seats", len(s.users), len(ev.Seats))
	}
	for p, expired := range s.expired {
		if len(expired) > lockstore.MinSeatLapses || cap(expired) > 2*lockstore.MinSeatLapses {
			t.Errorf("seat %d: %d expired locks are remembered in room for %d, want at most %d", p, len(expired), cap(expired), lockstore.MinSeatLapses)
		}
	}
}

// TestSetSeatIsBounded checks that SetSeat keeps the last of a long list of
// expired locks, as a file of an older version can have one.
func TestSetSeatIsBounded(t *testing.T) {
	s := New(newEvent(t, 1, 0).Layout)
	var long []ExpiredLock
	for i := range 1000 {
		long = append(long, ExpiredLock{lockstore.UserID(fmt.Sprintf("user%d", i)), int64(i)})
	}
	s.SetSeat(0, SeatState{Expired: long})
	if got := s.Seat(0).Expired; !slices.Equal(got, long[1000-lockstore.MinSeatLapses:]) || cap(got) > 2*len(got) {
		t.Errorf("%v is remembered in room for %d, want the last %d", got, cap(got), lockstore.MinSeatLapses)
	}
}

// TestMemoryGrowsWithWhatIsTaken checks that seats that were never taken get no
// memory.
func TestMemoryGrowsWithWhatIsTaken(t *testing.T) {
	ev := newEvent(t, 100_000, 0)
	s := New(ev.Layout)
	if got := testing.AllocsPerRun(1, func() {
		s.Seat(99_999)
		s.ValidUntil([]int{50_000}, "ann", 0)
		op := lockstore.Confirm("ann", "A8")
		_ = s.Do(ev, &op, []int{7}, 0, new(lockstore.Result))
		for _, op := range []lockstore.Op{
			lockstore.Release("ann", "A9"), lockstore.Cancel("ann", "", "A9"),
			lockstore.Unblock("A9"), lockstore.Evict("", "A9"),
		} {
			do(t, s, ev, op, 0)
		}
		if page, more := NewRoster(s, lockstore.Filter{}, 0).Next(s, 0); len(page) > 0 || more {
			t.Errorf("the roster has %v", page)
		}
	}); got > 30 {
		t.Errorf("calls that take no seat allocate %v times, want at most 30", got)
	}
	do(t, s, ev, lockstore.Lock("ann", "A2", "A3", "A100000"), 0)
	pages := 0
	for _, pg := range s.pages {
		if pg != nil {
			pages++
		}
	}
	if pages != 2 {
		t.Errorf("3 seats at both ends of the layout have %d pages, want 2", pages)
	}
}

// TestExpiredIsPassedOverOnce checks that seats whose lock has expired do not stay
// in the list of the user's locked seats, and that booked seats are not in it.
func TestExpiredIsPassedOverOnce(t *testing.T) {
	ev := newEvent(t, 200, 0)
	for name, pass := range map[string]func(s *State, now int64){
		"count":      func(s *State, now int64) { countOf(s, "ann", now) },
		"ValidUntil": func(s *State, now int64) { s.ValidUntil(nil, "ann", now) },
	} {
		t.Run(name, func(t *testing.T) {
			s, later := New(ev.Layout), ev.LockTTL.Milliseconds()+1
			for i, seat := range ev.Seats[:100] {
				do(t, s, ev, lockstore.Lock("ann", seat, ev.Seats[100+i]), 0)
				do(t, s, ev, lockstore.Confirm("ann", seat), 0)
			}
			do(t, s, ev, lockstore.Release("ann", ev.Seats[199]), 0)
			do(t, s, ev, lockstore.Lock("ann", ev.Seats[199]), later)
			pass(s, later)
			if h := s.holder("ann"); h.locked != 199 || s.at(199).next != none {
				t.Errorf("the list has more than the one seat that is locked: it begins with %d, then %d", h.locked, s.at(199).next)
			}
		})
	}
}

// TestCount checks that a user's seats are counted and found right, and that no reference
// is kept of a seat that has none, whatever becomes of them.
func TestCount(t *testing.T) {
	ev := newEvent(t, 40, 0)
	s, now := New(ev.Layout), int64(0)
	users := []lockstore.UserID{"", "ann", "ben"}
	refs := []lockstore.Ref{"", "r1", "r2"}
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 10_000 {
		p := rnd.IntN(len(ev.Seats) - 1)
		if rnd.IntN(3) == 0 {
			s.SetSeat(p, SeatState{
				User: users[rnd.IntN(3)], Booked: rnd.IntN(3) == 0, Blocked: rnd.IntN(5) == 0,
				Ref: refs[rnd.IntN(3)], Expires: now + rnd.Int64N(10) - 2,
			})
		} else {
			op := lockstore.Op{
				Kind: lockstore.Kinds()[rnd.IntN(len(lockstore.Kinds()))], User: users[1+rnd.IntN(2)], Ref: refs[rnd.IntN(3)],
				Seats: ev.Seats[p : p+1], Blocked: rnd.IntN(2) == 0, Until: time.UnixMilli(now + 5),
			}
			at := []int{p}
			if op.Kind == lockstore.KindMove {
				op.To, at = ev.Seats[p+1:p+2], []int{p, p + 1}
			}
			_ = s.Do(ev, &op, at, now, new(lockstore.Result)) // whether it succeeds or not
		}
		now += rnd.Int64N(3)
		withRef := 0
		for p := range ev.Seats {
			if s.at(p).hasRef {
				withRef++
			}
		}
		if len(s.refs) != withRef {
			t.Fatalf("at %d, %d references are kept for %d seats", now, len(s.refs), withRef)
		}
		for _, user := range users[1:] {
			var want []lockstore.SeatID
			for p, seat := range ev.Seats {
				if at := s.at(p); at.user == user && at.taken(now) {
					want = append(want, seat)
				}
			}
			var found []lockstore.SeatID
			page, _ := NewRoster(s, lockstore.Filter{User: user}, now).Next(s, now)
			for _, h := range page {
				found = append(found, h.Seat)
			}
			if got := countOf(s, user, now); got != len(want) || !slices.Equal(found, want) {
				t.Fatalf("at %d, %s has %d seats and the roster %v, want %v", now, user, got, found, want)
			}
		}
	}
}

func BenchmarkList(b *testing.B) {
	ev := newEvent(b, 50_000, 0)
	s, log := New(ev.Layout), NewLog()
	for i := 0; i < len(ev.Seats); i += 2 {
		do(b, s, ev, lockstore.Lock("ann", ev.Seats[i]), 0)
	}
	for b.Loop() {
		if snap := s.List(&log, "", 0); len(snap.Seats) != len(ev.Seats)/2 {
			b.Fatal(len(snap.Seats))
		}
	}
}
