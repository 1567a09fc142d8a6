package lockstore

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func newTestEvent(t testing.TB, seats int, limit int) *Event {
	t.Helper()
	ids := make([]SeatID, seats)
	for i := range ids {
		ids[i] = SeatID(fmt.Sprintf("S%d", i))
	}
	ev, err := NewEvent("test", ids, time.Minute, limit)
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// TestMemoryLogWraps goes to where the log ends to the very change: a delta on
// this side of it, a full list on the other.
func TestMemoryLogWraps(t *testing.T) {
	ctx, ev := t.Context(), newTestEvent(t, 3, 0)
	var m Memory
	list := func(since Version) Snapshot {
		snap, err := m.List(ctx, ev, since)
		if err != nil {
			t.Fatal(err)
		}
		return snap
	}
	start := list("").Version
	if _, err := m.Lock(ctx, ev, ev.Seats[2:], "ann"); err != nil { // change 1
		t.Fatal(err)
	}
	second := list("").Version
	for n := 1; n < changeLogSize; n++ { // up to change changeLogSize
		var err error
		if n%2 == 1 {
			_, err = m.Lock(ctx, ev, ev.Seats[:1], "ben")
		} else {
			err = m.Release(ctx, ev, ev.Seats[:1], "ben")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if snap := list(start); snap.Full || len(snap.Seats) != 2 {
		t.Errorf("%d changes behind: full is %v, with %v", changeLogSize, snap.Full, snap.Seats)
	}
	if _, err := m.Lock(ctx, ev, ev.Seats[1:2], "cat"); err != nil { // the log forgets change 1
		t.Fatal(err)
	}
	if snap := list(start); !snap.Full || len(snap.Seats) != 3 {
		t.Errorf("%d changes behind: full is %v, with %v", changeLogSize+1, snap.Full, snap.Seats)
	}
	if snap := list(second); snap.Full || len(snap.Seats) != 2 {
		t.Errorf("%d changes behind, after the log wrapped: full is %v, with %v", changeLogSize, snap.Full, snap.Seats)
	}
}

// TestMemoryStaysSmall: what is kept is bounded by the seats, not by how many
// users have come and gone.
func TestMemoryStaysSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, ev := t.Context(), newTestEvent(t, 10, 4)
		var m Memory
		for i := range 5000 {
			user := UserID(fmt.Sprintf("user%d", i))
			if _, err := m.Lock(ctx, ev, ev.Seats[i%8:][:2], user); err != nil {
				t.Fatal(err)
			}
			if i%3 == 0 {
				if err := m.Release(ctx, ev, ev.Seats[i%8:][:2], user); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(ev.LockTTL + time.Second)
		}
		e := m.events[ev.ID]
		lapses := 0
		for _, l := range e.lapses {
			lapses += len(l)
		}
		if len(e.users) > len(ev.Seats) {
			t.Errorf("%d users are remembered for %d seats", len(e.users), len(ev.Seats))
		}
		if most := len(ev.Seats) * int(LapseMemory/ev.LockTTL); lapses > most {
			t.Errorf("%d locks that ran out are remembered, want at most %d", lapses, most)
		}
	})
}

// TestMemoryPassesOverOnce: what ran out does not stay among the seats that
// are counted for the limit.
func TestMemoryPassesOverOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, ev := t.Context(), newTestEvent(t, 100, 2)
		var m Memory
		for i := range ev.Seats {
			if _, err := m.Lock(ctx, ev, ev.Seats[i:i+1], "ann"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(ev.LockTTL + time.Second)
		}
		e, listed := m.events[ev.ID], 0
		for p := e.users["ann"]; p != none; p = e.seats[p].next {
			listed++
		}
		if listed > ev.SeatLimit {
			t.Errorf("%d seats are counted for a user who has none", listed)
		}
	})
}

func BenchmarkMemoryLock(b *testing.B) {
	for _, seats := range []int{100, 1_000_000} {
		b.Run(fmt.Sprintf("seats=%d", seats), func(b *testing.B) {
			ctx, ev := b.Context(), newTestEvent(b, seats, 4)
			var m Memory
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				at := i * 7919 % seats
				if _, err := m.Lock(ctx, ev, ev.Seats[at:at+1], "ann"); err != nil {
					b.Fatal(err)
				}
				if err := m.Release(ctx, ev, ev.Seats[at:at+1], "ann"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
