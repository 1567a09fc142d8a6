package engine

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"seatlock/lockstore"
)

// TestWithLayout checks that a new layout has everything that was known of its seats, and
// names those that it lacks.
func TestWithLayout(t *testing.T) {
	old := newEvent(t, 300, 0)
	s := New(old.Layout)
	lapsed := []ExpiredLock{{"cat", 5}}
	states := map[lockstore.SeatID]SeatState{
		"A1":   {User: "ann", Booked: true, Ref: "r1", Since: 7},
		"A90":  {User: "ben", Since: 7, Expires: 100, Expired: lapsed},
		"A91":  {Expired: lapsed},
		"A200": {Blocked: true, Ref: "broken", Since: 8},
		"A299": {User: "cat", Since: 1, Expires: 5},
	}
	for seat, known := range states {
		p, _ := old.Position(seat)
		s.SetSeat(p, known)
	}
	seats := slices.Clone(old.Seats)
	slices.Reverse(seats)
	next, err := s.WithLayout(eventOf(t, seats), 10)
	if err != nil {
		t.Fatal(err)
	}
	for p, seat := range seats {
		if got := next.Seat(p); !reflect.DeepEqual(got, states[seat]) {
			t.Errorf("%s is %+v, want %+v", seat, got, states[seat])
		}
	}
	if got := countOf(next, "ann", 10) + countOf(next, "ben", 10) + countOf(next, "cat", 10); got != 2 {
		t.Errorf("users have %d seats, want 2", got)
	}
	if _, err := s.WithLayout(eventOf(t, seats[:100]), 10); !errors.Is(err, lockstore.ErrOtherSeats) {
		t.Errorf("a layout without seats that are taken: %v", err)
	} else if missing, ok := errors.AsType[*lockstore.MissingSeatsError](err); !ok || !slices.Equal(missing.Seats, []lockstore.SeatID{"A1", "A90"}) || missing.More != 0 {
		t.Errorf("a layout without seats that are taken: %v", err)
	}
	for p := range old.Seats[:150] {
		s.SetSeat(p, SeatState{User: "ann", Booked: true})
	}
	if _, err := s.WithLayout(eventOf(t, []lockstore.SeatID{"new"}), 10); err.(*lockstore.MissingSeatsError).More != 50 {
		t.Errorf("a layout without 150 seats that are booked: %v", err)
	}
}
