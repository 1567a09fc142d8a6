package engine

import (
	"fmt"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest"
)

func newEvent(t testing.TB, seats, limit int) *lockstore.Event {
	t.Helper()
	return storetest.Event(t, "test", time.Minute, limit, storetest.Seats(seats)...)
}

// do carries out an operation that must succeed.
func do(t testing.TB, s *State, ev *lockstore.Event, op lockstore.Op, now int64) {
	t.Helper()
	at, err := ev.Positions(nil, op)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Do(ev, &op, at, now, new(lockstore.Result)); err != nil {
		t.Fatalf("%v at %d: %v", op, now, err)
	}
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
// on the number of users so far.
func TestStateIsBounded(t *testing.T) {
	ev := newEvent(t, 10, 4)
	s, now := New(ev.Layout), int64(0)
	for i := range 5000 {
		user := lockstore.UserID(fmt.Sprintf("user%d", i))
		do(t, s, ev, lockstore.Lock(user, ev.Seats[i%8:][:2]...), now)
		if i%3 == 0 {
			do(t, s, ev, lockstore.Release(user, ev.Seats[i%8:][:2]...), now)
		}
		now += (ev.LockTTL + time.Second).Milliseconds()
	}
	expired := 0
	for _, of := range s.expired {
		expired += len(of)
	}
	if len(s.users) > len(ev.Seats) {
		t.Errorf("%d users are remembered, want at most one for each of %d seats", len(s.users), len(ev.Seats))
	}
	if most := len(ev.Seats) * int(lockstore.LapseMemory/ev.LockTTL); expired > most {
		t.Errorf("%d expired locks are remembered, want at most %d", expired, most)
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
		do(t, s, ev, lockstore.Release("ann", "A9"), 0)
	}); got > 20 {
		t.Errorf("calls that take no seat allocate %v times, want at most 20", got)
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

// TestCountPassesOverOnce checks that seats whose lock has expired do not stay in
// the list that is counted for the limit.
func TestCountPassesOverOnce(t *testing.T) {
	ev := newEvent(t, 100, 2)
	s, now := New(ev.Layout), int64(0)
	for _, seat := range ev.Seats {
		do(t, s, ev, lockstore.Lock("ann", seat), now)
		now += (ev.LockTTL + time.Second).Milliseconds()
	}
	listed := 0
	for range s.seatsOf("ann") {
		listed++
	}
	if listed > ev.SeatLimit {
		t.Errorf("the user's list has %d seats, want at most %d", listed, ev.SeatLimit)
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
