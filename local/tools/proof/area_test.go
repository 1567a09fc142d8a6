package main

import (
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest"
)

// TestOverbooked checks that callers are counted who had more places at the same time than
// there are, but not callers who had them one after the other.
func TestOverbooked(t *testing.T) {
	at := func(second int) time.Time { return time.Unix(int64(second), 0) }
	area := &areaSale{event: storetest.Event(t, "area", time.Minute, 0, lockstore.SeatID("Floor#1"), "Floor#2", "Floor#3")}
	for _, c := range []struct {
		held []held
		want int
	}{
		{[]held{{at(0), at(5), 2}, {at(5), at(9), 3}}, 0},
		{[]held{{at(0), at(5), 2}, {at(1), at(9), 1}}, 0},
		{[]held{{at(0), at(5), 2}, {at(4), at(9), 2}}, 1},
		{[]held{{at(0), at(9), 2}, {at(1), at(2), 2}, {at(3), at(4), 2}}, 2},
		{[]held{{at(0), at(9), 3}, {at(5), at(4), 1}}, 0}, // the lock ended before its answer came
	} {
		area.held = c.held
		if got := area.overbooked(); got != c.want {
			t.Errorf("%v: %d, want %d", c.held, got, c.want)
		}
	}
}
