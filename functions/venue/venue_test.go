package venue_test

import (
	"testing"
	"time"

	"seatlock/functions/venue"
)

func TestGrid(t *testing.T) {
	d := venue.Defaults{LockTTL: time.Minute}
	m, err := venue.Grid(28, 2, d)
	if err != nil {
		t.Fatal(err)
	}
	if seats := m.Event.Seats; seats[0] != "A1" || seats[51] != "Z2" || seats[52] != "AA1" || seats[55] != "AB2" {
		t.Errorf("the seats are %v", seats)
	}
	for _, size := range [][2]int{{0, 5}, {5, 0}, {-1, -1}, {1001, 200}, {1 << 40, 1 << 40}} {
		if _, err := venue.Grid(size[0], size[1], d); err == nil {
			t.Errorf("Grid(%d, %d) returned no error", size[0], size[1])
		}
	}
}
