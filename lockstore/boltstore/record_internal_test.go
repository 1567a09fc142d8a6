package boltstore

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/engine"
	"seatlock/lockstore/storetest"
)

// TestClockSetBack checks that no lock gets longer than it was at first, whatever happens to
// the time of day while no process runs.
func TestClockSetBack(t *testing.T) {
	const second, minute, hour = 1000, 60 * 1000, 3600 * 1000
	made := time.Date(2027, 3, 5, 20, 0, 0, 0, time.UTC).UnixMilli()
	text := wallClock{now: made}.record(engine.SeatState{
		User: "ann", Since: made, Expires: made + minute,
		Expired: []engine.ExpiredLock{{User: "ben", Expires: made - second}},
	})
	for later, want := range map[int64]int64{
		0:           minute,
		20 * second: 40 * second,
		2 * minute:  -minute,
		-hour:       minute,
	} {
		r, err := parseRecord(text)
		if err != nil {
			t.Fatal(err)
		}
		w := wallClock{now: 5 * second, ahead: time.Duration(made+later-5*second) * time.Millisecond} // the clock of another process
		seat := w.onClock(r)
		if left := seat.Expires - w.now; seat.User != "ann" || left != want {
			t.Errorf("%d ms later %s has %d ms left, want %d", later, seat.User, left, want)
		}
		if e := seat.Expired[0]; e.User != "ben" || e.Expires > w.now {
			t.Errorf("%d ms later %s's lock expires in the future", later, e.User)
		}
	}
}

// TestClockSetWhileRunning checks that a lock keeps its length when the time of day is set
// while the store is open, and that the file has the time of day.
func TestClockSetWhileRunning(t *testing.T) {
	for _, set := range []time.Duration{time.Hour, -time.Hour, 300 * time.Microsecond, -1300 * time.Microsecond} {
		synctest.Test(t, func(t *testing.T) {
			s, ev := openHamlet(t)
			want := func(left time.Duration) {
				t.Helper()
				snap, err := s.List(t.Context(), ev, "")
				if err != nil || len(snap.Seats) != 1 || snap.Seats[0].Expires-snap.Now != left.Milliseconds() {
					t.Errorf("set by %v, taken are %v at %d, %v, want a lock for %v", set, snap.Seats, snap.Now, err, left)
				}
			}
			s.clock.day = s.clock.day.Add(-set) // the time of day at which it was opened
			if _, err := s.Do(t.Context(), ev, lockstore.Lock("ann", "A1")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(30 * time.Second)
			want(30 * time.Second)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openFor(t, s.path)
			want(30 * time.Second)
			time.Sleep(30 * time.Second)
			if snap, err := s.List(t.Context(), ev, ""); err != nil || len(snap.Seats) != 0 {
				t.Errorf("set by %v, taken are %v, %v, after the lock", set, snap.Seats, err)
			}
		})
	}
}

// TestRecords checks how records are written, and that they are read as they were written.
func TestRecords(t *testing.T) {
	w := wallClock{now: 5_000_000, ahead: 100 * time.Millisecond}
	for text, seat := range map[string]engine.SeatState{
		"":                 {},
		"B4000100 ann":     {User: "ann", Booked: true, Since: 4_000_000},
		"B4000100:o-7 ann": {User: "ann", Booked: true, Since: 4_000_000, Ref: "o-7"},
		"N4000100:":        {Blocked: true, Since: 4_000_000},
		"N4000100:broken\nX4999100 ben": {
			Blocked: true, Since: 4_000_000, Ref: "broken",
			Expired: []engine.ExpiredLock{{User: "ben", Expires: 4_999_000}},
		},
		"L5000100-5060100 x \"é": {User: `x "é`, Since: 5_000_000, Expires: 5_060_000},
		"\nX4999100 ben\nX4940100 c d": {Expired: []engine.ExpiredLock{
			{User: "ben", Expires: 4_999_000}, {User: "c d", Expires: 4_940_000},
		}},
		"L3000100-4000100 ann\nX4999100 ben": {User: "ann", Since: 3_000_000, Expires: 4_000_000, Expired: []engine.ExpiredLock{{User: "ben", Expires: 4_999_000}}},
	} {
		if got := string(w.record(seat)); got != text {
			t.Errorf("%+v is written %q, want %q", seat, got, text)
		}
		r, err := parseRecord([]byte(text))
		if got := w.onClock(r); err != nil || !reflect.DeepEqual(got, seat) {
			t.Errorf("%q is read as %+v, %v, want %+v", text, got, err, seat)
		}
	}
	for _, bad := range []string{"x", "B", "B1", "Bx ann", "L1 ann", "L1-x ann", "X1 ann", "B1 ann\nB1 ben", "\nL1-2 ann", "B1 ", "N1", "N:x", "N1:x\nN1:x"} {
		if r, err := parseRecord([]byte(bad)); err == nil {
			t.Errorf("%q is read as %+v", bad, r)
		}
	}
}

// TestLongRecord checks that from a longer record of an earlier version, the last expired
// locks are read, as many as a seat remembers, and that no more are written again.
func TestLongRecord(t *testing.T) {
	w := wallClock{now: 5_000_000}
	var all []engine.ExpiredLock
	for n := range int64(470) {
		all = append(all, engine.ExpiredLock{User: lockstore.UserID(fmt.Sprint("user", n)), Expires: 4_000_000 + n})
	}
	seat := engine.SeatState{User: "ann", Booked: true, Since: 4_500_000, Expired: all}
	ev := storetest.Event(t, "hamlet", time.Minute, 0, "A1")
	e := newEvent(ev.ID, ev.Layout, 0, 1)
	if err := e.loadSeat(keyOf(1, 0), w.record(seat), w); err != nil {
		t.Fatal(err)
	}
	seat.Expired = all[len(all)-lockstore.MinSeatLapses:]
	for _, state := range []*engine.State{e.durable, e.decided} {
		if got := state.Seat(0); !reflect.DeepEqual(got, seat) {
			t.Errorf("it is read as %+v, want %+v", got, seat)
		}
	}
	if got := w.record(e.decided.Seat(0)); !bytes.Equal(got, w.record(seat)) {
		t.Errorf("it is written again as %q", got)
	}
}

// TestNoLockEndsEarly checks that a lock ends at the time that was acknowledged,
// or up to 3 ms later, however far the clocks of its writer and its reader are
// from the time of day.
func TestNoLockEndsEarly(t *testing.T) {
	drifts := []time.Duration{0, 1, -1, 300_000, -300_000, 999_999, -999_999, 1_000_000}
	for _, writes := range drifts {
		for _, reads := range drifts {
			for _, after := range []time.Duration{0, 1, 500_000, 999_999} {
				synctest.Test(t, func(t *testing.T) {
					behind := func(d time.Duration) clock {
						c := newClock()
						c.day = c.day.Add(-d)
						return c
					}
					writer, reader := behind(writes), behind(reads)
					time.Sleep(after)
					made := writer.now()
					end := made + time.Minute.Milliseconds()
					r, err := parseRecord(writer.wall().record(engine.SeatState{User: "ann", Since: made, Expires: end}))
					if err != nil {
						t.Fatal(err)
					}
					got := time.UnixMilli(reader.wall().onClock(r).Expires).Add(reads)
					if late := got.Sub(time.UnixMilli(end).Add(writes)); late < 0 || late > 3*time.Millisecond {
						t.Errorf("made %v after a millisecond, by a clock %v behind, read by one %v behind: the lock ends %v late", after, writes, reads, late)
					}
				})
			}
		}
	}
}
