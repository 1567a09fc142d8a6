package lockstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"seatlock/lockstore"
)

func TestNewEventRefuses(t *testing.T) {
	one := []lockstore.SeatID{"A1"}
	cases := []struct {
		name  string
		id    lockstore.EventID
		seats []lockstore.SeatID
		ttl   time.Duration
		limit int
		says  string
	}{
		{"no id", "", one, time.Minute, 0, `event id`},
		{"an id of other characters", "{a}", one, time.Minute, 0, `not "{a}"`},
		{"a long id", lockstore.EventID(strings.Repeat("x", 65)), one, time.Minute, 0, "event id"},
		{"no seats", "a", nil, time.Minute, 0, "no seats"},
		{"a bad seat", "a", []lockstore.SeatID{"A1", "A 2"}, time.Minute, 0, `not "A 2"`},
		{"a seat twice", "a", []lockstore.SeatID{"A1", "A2", "A1"}, time.Minute, 0, "seat A1 is there twice, as number 1 and number 3"},
		{"no time", "a", one, time.Millisecond - 1, 0, "a lock lasts from 1ms"},
		{"too much time", "a", one, lockstore.MaxLockTTL + 1, 0, "a lock lasts from 1ms"},
		{"a negative limit", "a", one, time.Minute, -1, "-1"},
	}
	for _, c := range cases {
		_, err := lockstore.NewEvent(c.id, c.seats, c.ttl, c.limit)
		if !errors.Is(err, lockstore.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
}

func TestNewEventKeepsItsOwn(t *testing.T) {
	seats := []lockstore.SeatID{"A1", "A2"}
	ev, err := lockstore.NewEvent("a", seats, 1500*time.Microsecond, 0)
	if err != nil {
		t.Fatal(err)
	}
	seats[0] = "B1"
	if at, ok := ev.Position("A1"); !ok || at != 0 || ev.Seats[0] != "A1" {
		t.Errorf("A1 is at %d (%v) of %v", at, ok, ev.Seats)
	}
	if _, ok := ev.Position("B1"); ok {
		t.Error("B1 came in later")
	}
	if ev.LockTTL != time.Millisecond {
		t.Errorf("a lock lasts %v, which is no whole number of milliseconds", ev.LockTTL)
	}
}

func TestFingerprint(t *testing.T) {
	fingerprint := func(seats ...lockstore.SeatID) string {
		ev, err := lockstore.NewEvent("a", seats, time.Minute, 0)
		if err != nil {
			t.Fatal(err)
		}
		return ev.Fingerprint()
	}
	same := fingerprint("A1", "A2")
	if len(same) != 64 || same != fingerprint("A1", "A2") {
		t.Errorf("fingerprint %q", same)
	}
	for _, other := range [][]lockstore.SeatID{{"A2", "A1"}, {"A1"}, {"A1", "A2", "A3"}, {"A1A2"}, {"A", "1A2"}} {
		if fingerprint(other...) == same {
			t.Errorf("%v has the fingerprint of A1, A2", other)
		}
	}
}
