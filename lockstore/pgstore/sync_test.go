package pgstore_test

import (
	"errors"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// TestStandbyAway checks calls whose commits wait for a synchronous standby that is
// away: a refusal is answered, since it changes nothing. No success is answered, even if
// the call changes nothing because what it asks for is already so.
func TestStandbyAway(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	s, ev := storeAt(t, p.url), newEvent(t, 40)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1", "A2"))
	p.standby.Kill()
	for range 3 {
		for _, op := range []lockstore.Op{lockstore.Confirm(ann, "A1"), lockstore.Lock(ann, "A2"), lockstore.Lock(ann, "A3")} {
			if err := do(t, s, ev, op); !errors.Is(err, lockstore.ErrOutcomeUnknown) && !errors.Is(err, lockstore.ErrUnavailable) {
				t.Errorf("%s of %v, which the standby does not have: %v", op.Kind, op.Seats, err)
			}
		}
	}
	for _, c := range []struct {
		op   lockstore.Op
		want lockstore.Reason
	}{
		{lockstore.Lock(ben, "A1"), lockstore.SeatBooked},
		{lockstore.Lock(ben, "A2"), lockstore.SeatLocked},
		{lockstore.Confirm(ben, "A1"), lockstore.LockNotHeld},
		{lockstore.Confirm(ben, "A2"), lockstore.LockNotHeld},
		{lockstore.Release(ann, "A1"), lockstore.SeatBooked},
	} {
		// A call before it may still be about to give up its seats.
		err := history.Repeat(t.Context(), func() error { return do(t, s, ev, c.op) }, lockstore.ErrUnavailable)
		if !errors.Is(err, c.want) {
			t.Errorf("%s %ss %v: %v, want %s", c.op.User, c.op.Kind, c.op.Seats, err, c.want)
		}
	}
	if err := p.standby.Restart(); err != nil {
		t.Fatal(err)
	}
	for _, op := range []lockstore.Op{lockstore.Confirm(ann, "A1"), lockstore.Lock(ann, "A2"), lockstore.Lock(ann, "A3")} {
		if err := history.Repeat(t.Context(), func() error { return do(t, s, ev, op) }); err != nil {
			t.Errorf("%s of %v once the standby is back: %v", op.Kind, op.Seats, err)
		}
	}
}

// TestOrdersWaitForTheStandby checks that, while a synchronous standby is away, no call
// reports an order that it lacks: a Put that is repeated waits, and so do readers.
func TestOrdersWaitForTheStandby(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	s := storeAt(t, p.url)
	o := lockstore.Order{ID: "o1", Event: "gala", Due: time.Now(), Body: []byte("open")}
	mustPut(t, s, o)
	p.standby.Kill()
	o.Revision, o.Body = 1, []byte("giving back")
	for range 2 {
		if _, err := s.Put(t.Context(), o); !errors.Is(err, lockstore.ErrOutcomeUnknown) {
			t.Errorf("a Put that the standby does not have: %v, want ErrOutcomeUnknown", err)
		}
	}
	if got, err := s.Order(t.Context(), o.ID); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("the order is read as %s at revision %d, %v, want ErrUnavailable", got.Body, got.Revision, err)
	}
	if got, err := s.Due(t.Context(), 1, time.Millisecond); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("%d orders are due, %v, want ErrUnavailable", len(got), err)
	}
	if err := p.standby.Restart(); err != nil {
		t.Fatal(err)
	}
	err := history.Repeat(t.Context(), func() error {
		got, err := s.Order(t.Context(), o.ID)
		if err == nil && (got.Revision != 2 || string(got.Body) != "giving back") {
			t.Errorf("the order is %s at revision %d once the standby is back", got.Body, got.Revision)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
