package lockstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"seatlock/lockstore"
)

func layout(t *testing.T, seats ...lockstore.SeatID) *lockstore.Layout {
	t.Helper()
	l, err := lockstore.NewLayout(seats)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestNewLayoutRefuses(t *testing.T) {
	cases := []struct {
		name  string
		seats []lockstore.SeatID
		want  string
	}{
		{"no seats", nil, "no seats"},
		{"a bad seat", []lockstore.SeatID{"A1", "A<2"}, `not "A<2"`},
		{"a seat twice", []lockstore.SeatID{"A1", "A2", "A1"}, "seat A1 is listed twice, as number 1 and number 3"},
	}
	for _, c := range cases {
		_, err := lockstore.NewLayout(c.seats)
		if !errors.Is(err, lockstore.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestNewEventRefuses(t *testing.T) {
	one := layout(t, "A1")
	cases := []struct {
		name   string
		id     lockstore.EventID
		layout *lockstore.Layout
		ttl    time.Duration
		limit  int
		want   string
	}{
		{"no id", "", one, time.Minute, 0, `event id`},
		{"an id of other characters", "{a}", one, time.Minute, 0, `not "{a}"`},
		{"a long id", lockstore.EventID(strings.Repeat("x", 65)), one, time.Minute, 0, "event id"},
		{"no layout", "a", nil, time.Minute, 0, "the layout is missing"},
		{"no time", "a", one, time.Millisecond - 1, 0, "a lock must last from 1ms"},
		{"too much time", "a", one, lockstore.MaxLockTTL + 1, 0, "a lock must last from 1ms"},
		{"a negative limit", "a", one, time.Minute, -1, "-1"},
	}
	for _, c := range cases {
		_, err := lockstore.NewEvent(c.id, c.layout, c.ttl, c.limit)
		if !errors.Is(err, lockstore.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestNewLayoutCopies(t *testing.T) {
	seats := []lockstore.SeatID{"A1", "A2"}
	l := layout(t, seats...)
	seats[0] = "B1"
	if at, ok := l.Position("A1"); !ok || at != 0 || l.Seats[0] != "A1" {
		t.Errorf("A1 is at %d (%v) of %v", at, ok, l.Seats)
	}
	if _, ok := l.Position("B1"); ok {
		t.Error("the layout has B1, which its caller wrote later")
	}
}

func TestNewEventCutsToMilliseconds(t *testing.T) {
	ev, err := lockstore.NewEvent("a", layout(t, "A1"), 1500*time.Microsecond, 0)
	if err != nil {
		t.Fatal(err)
	}
	if ev.LockTTL != time.Millisecond {
		t.Errorf("LockTTL is %v, want 1ms", ev.LockTTL)
	}
}

// TestLongestLock checks how far an extension may go.
func TestLongestLock(t *testing.T) {
	ev, err := lockstore.NewEvent("a", layout(t, "A1"), time.Minute, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ maxLock, longest, want time.Duration }{
		{ev.MaxLock, 0, 40 * time.Minute},
		{time.Hour, 0, time.Hour},
		{2 * lockstore.MaxLockTTL, 0, lockstore.MaxLockTTL},
		{time.Hour, 2 * time.Hour, 2 * time.Hour},
		{time.Hour, time.Millisecond + 1, time.Millisecond},
	} {
		ev.MaxLock = c.maxLock
		if got := ev.LongestLock(&lockstore.Op{Kind: lockstore.KindExtend, Cap: c.longest}); got != c.want {
			t.Errorf("MaxLock %v and Cap %v: %v, want %v", c.maxLock, c.longest, got, c.want)
		}
	}
}

func TestFingerprint(t *testing.T) {
	fingerprint := func(seats ...lockstore.SeatID) string { return layout(t, seats...).Fingerprint() }
	same := fingerprint("A1", "A2")
	if len(same) != 64 || same != fingerprint("A1", "A2") {
		t.Errorf("the fingerprint of A1, A2 is %q, and then %q; want 64 digits, twice the same", same, fingerprint("A1", "A2"))
	}
	for _, other := range [][]lockstore.SeatID{{"A2", "A1"}, {"A1"}, {"A1", "A2", "A3"}, {"A1A2"}, {"A", "1A2"}} {
		if fingerprint(other...) == same {
			t.Errorf("%v has the fingerprint of A1, A2", other)
		}
	}
}

// TestNamesOfConstants checks the names that appear in answers, logs and metrics.
func TestNamesOfConstants(t *testing.T) {
	for _, k := range lockstore.Kinds() {
		if strings.HasPrefix(k.String(), "Kind(") || k.String() == "" {
			t.Errorf("kind %d has no name", k)
		}
	}
	if got := lockstore.Kind(200).String(); got != "Kind(200)" {
		t.Errorf("an unknown kind has the name %q", got)
	}
	for s, name := range map[lockstore.Status]string{lockstore.Available: "available", lockstore.Locked: "locked", lockstore.Booked: "booked", lockstore.Blocked: "blocked"} {
		text, err := s.MarshalText()
		var back lockstore.Status
		if err != nil || string(text) != name || back.UnmarshalText(text) != nil || back != s {
			t.Errorf("status %q is written %q (%v) and read as %v", name, text, err, back)
		}
	}
	var s lockstore.Status
	if err := s.UnmarshalText([]byte("gone")); !errors.Is(err, lockstore.ErrInvalid) {
		t.Errorf("UnmarshalText of an unknown status returned %v, want ErrInvalid", err)
	}
	if _, err := lockstore.Status(9).MarshalText(); err == nil {
		t.Error("status 9 has a name")
	}
}
