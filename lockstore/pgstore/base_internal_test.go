package pgstore

import (
	"slices"
	"testing"

	"seatlock/lockstore"
)

// TestBase checks that a full list is read back from its bytes as it was, and that bytes
// that are not a list of so many places are refused.
func TestBase(t *testing.T) {
	const now = 1_700_000_000_000
	snap := lockstore.Snapshot{Now: now, Full: true, Seats: []lockstore.ListedSeat{
		{Position: 0, Status: lockstore.Locked, Expires: now + 1},
		{Position: 1, Status: lockstore.Booked},
		{Position: 299, Status: lockstore.Blocked},
		{Position: 300, Status: lockstore.Locked, Expires: now + lockstore.MaxLockTTL.Milliseconds()},
	}}
	b := formatBase(snap)
	got, err := parseBase(b, 301)
	if seats := taken(got.untils, now); err != nil || got.made != now || !slices.Equal(seats, snap.Seats) {
		t.Fatalf("%+v is read as %+v of %d, %v", snap.Seats, seats, got.made, err)
	}
	if seats := taken(got.untils, now+1); len(seats) != 3 {
		t.Errorf("a lock that has ended is listed: %+v", seats)
	}
	if _, err := parseBase(b, 300); err == nil {
		t.Error("a list is read of an event that has fewer seats")
	}
	broken := map[string][]byte{
		"no bytes":        nil,
		"another format":  append([]byte{baseFormat + 1}, b[1:]...),
		"a place twice":   append(formatBase(lockstore.Snapshot{Now: now}), 0, baseBooked),
		"half a seat":     b[:len(b)-1],
		"too long number": append(formatBase(lockstore.Snapshot{Now: now}), slices.Repeat([]byte{0xff}, 11)...),
	}
	for name, b := range broken {
		if got, err := parseBase(b, 301); err == nil {
			t.Errorf("%s: is read as %+v", name, taken(got.untils, now))
		}
	}
}
