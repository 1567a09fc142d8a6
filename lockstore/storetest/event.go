package storetest

import (
	"strconv"
	"testing"
	"time"

	"seatlock/lockstore"
)

// Event returns an event of the seats for a test. [Seats] makes ids for it.
func Event(t testing.TB, id lockstore.EventID, lockTTL time.Duration, seatLimit int, seats ...lockstore.SeatID) *lockstore.Event {
	t.Helper()
	layout, err := lockstore.NewLayout(seats)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := lockstore.NewEvent(id, layout, lockTTL, seatLimit)
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// Seats returns the ids A1, A2 … of n seats.
func Seats(n int) []lockstore.SeatID {
	ids := make([]lockstore.SeatID, n)
	for i := range ids {
		ids[i] = lockstore.SeatID("A" + strconv.Itoa(i+1))
	}
	return ids
}
