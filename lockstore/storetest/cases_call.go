package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// eachKind makes an operation of each kind.
func eachKind(user lockstore.UserID, ids ...lockstore.SeatID) []lockstore.Op {
	var ops []lockstore.Op
	for _, kind := range history.Buyers {
		ops = append(ops, lockstore.Op{Kind: kind, User: user, Seats: ids})
	}
	return ops
}

func endedContext(c *check) {
	c.lock(ann, "A1")
	ctx, cancel := context.WithCancel(c.ctx)
	cancel()
	c.unchanged(func() {
		for _, op := range append(eachKind(ann, "A1"), eachKind(ann, "A2")...) {
			if _, err := c.Do(ctx, c.ev, op); !errors.Is(err, context.Canceled) {
				c.Errorf("%s of %v with a cancelled context: %v", op.Kind, op.Seats, err)
			}
		}
		if _, err := c.List(ctx, c.ev, ""); !errors.Is(err, context.Canceled) {
			c.Errorf("list with a cancelled context: %v", err)
		}
		if err := c.Wait(ctx, c.ev, c.version()); !errors.Is(err, context.Canceled) {
			c.Errorf("wait with a cancelled context: %v", err)
		}
	})
	c.wantTaken("A1 locked")
}

func otherSeats(c *check) {
	c.lock(ann, "A1")
	v := c.version()
	ids := c.ev.Seats
	layouts := map[string][]lockstore.SeatID{
		"one seat more": append(slices.Clone(ids), "B1"),
		"one seat less": ids[:9],
		"another order": append(slices.Clone(ids[1:]), ids[0]),
		"other names":   {"B1", "B2"},
	}
	for name, ids := range layouts {
		other := Event(c, c.ev.ID, c.ttl, 0, ids...)
		for _, op := range append(eachKind(ann, ids[0]), eachKind(ben, ids[0])...) {
			if _, err := c.Do(c.ctx, other, op); !errors.Is(err, lockstore.ErrOtherSeats) {
				c.Errorf("%s by %s with %s: %v", op.Kind, op.User, name, err)
			}
		}
		if _, err := c.List(c.ctx, other, ""); !errors.Is(err, lockstore.ErrOtherSeats) {
			c.Errorf("list with %s: %v", name, err)
		}
		if err := c.Wait(c.ctx, other, ""); !errors.Is(err, lockstore.ErrOtherSeats) {
			c.Errorf("wait with %s: %v", name, err)
		}
	}
	c.wantDelta(v)
	c.ev = Event(c, c.ev.ID, 2*c.ttl, 5, ids...) // the seats alone count
	c.wantTaken("A1 locked")
	c.confirm(ann, "A1")
}

func eventsApart(c *check) {
	c.apartFrom(c.event(10, c.ttl, 0))
}

func eventsOfOneLayoutApart(c *check) {
	other := *c.ev
	other.ID = nextEventID()
	c.apartFrom(&other)
}

// apartFrom checks that nothing done in c.ev shows in the other event.
func (c *check) apartFrom(two *lockstore.Event) {
	one := c.ev
	c.lock(ann, "A1")
	c.ev = two
	c.wantTaken()
	c.book(ben, "A1")
	c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockNotHeld, "A1 booked")
	c.ev = one
	c.wantTaken("A1 locked")
	c.release(ann, "A1")
	c.ev = two
	c.wantTaken("A1 booked")
}

func slicesNotShared(c *check) {
	unsure := c.unsure()
	c.lock(cat, "A3")
	part := c.do(lockstore.Lock(cat, "A5", "A3", "A4")) // one of which is no change
	mine := seats("A1", "A2")
	result := c.do(lockstore.Lock(ann, mine...))
	if want := seats("A5", "A4"); c.unsure() == unsure && !slices.Equal(part.Changed, want) {
		c.Errorf("the next call turns Changed into %v, want %v", part.Changed, want)
	}
	c.release(cat, "A3", "A4", "A5")
	mine[0], mine[1] = "A8", "A9"
	c.wantTaken("A1 locked", "A2 locked")
	for i := range result.Changed { // may be the same memory
		result.Changed[i] = "A10"
	}

	v := c.version()
	for range 2 {
		snap := c.list("")
		for i := range snap.Seats {
			snap.Seats[i] = lockstore.ListedSeat{Position: 9, Status: lockstore.Booked}
		}
		err := c.try(lockstore.Lock(ben, "A1"))
		c.wantConflict(err, lockstore.SeatLocked, "A1 locked")
		if e, ok := errors.AsType[*lockstore.ConflictError](err); ok {
			e.Seats[0] = lockstore.Seat{}
		}
	}
	c.wantTaken("A1 locked", "A2 locked")
	c.wantDelta(v)
	c.wantChanged(lockstore.Confirm(ann, "A2", "A1"), "A2", "A1")
}

func badArguments(c *check) {
	large := c.event(lockstore.MaxSeats+1, c.ttl, 0)
	c.lock(ann, "A1")
	bad := map[string]struct {
		ev   *lockstore.Event
		user lockstore.UserID
		ids  []lockstore.SeatID
	}{
		"no seats":               {c.ev, ann, nil},
		"too many seats":         {large, ann, large.Seats},
		"a seat twice":           {c.ev, ann, seats("A1", "A2", "A1")},
		"no user":                {c.ev, "", seats("A1")},
		"a long user":            {c.ev, lockstore.UserID(strings.Repeat("x", lockstore.MaxUserLen+1)), seats("A1")},
		"a user that is no text": {c.ev, "a\xff", seats("A1")},
		"a control character":    {c.ev, "a\x00b", seats("A1")},
	}
	c.unchanged(func() {
		for name, b := range bad {
			for _, op := range eachKind(b.user, b.ids...) {
				if _, err := c.Do(c.ctx, b.ev, op); !errors.Is(err, lockstore.ErrInvalid) {
					c.Errorf("%s with %s: %v, want an InvalidError", op.Kind, name, err)
				}
			}
		}
		for _, op := range eachKind(ann, "A1", "Z1", "A2", "a1") {
			err := c.try(op)
			if e, ok := errors.AsType[*lockstore.UnknownSeatsError](err); !ok || !slices.Equal(e.Seats, seats("Z1", "a1")) {
				c.Errorf("%s with unknown seats: %v, want an UnknownSeatsError with Z1 and a1", op.Kind, err)
			}
		}
		for _, kind := range []lockstore.Kind{0, lockstore.Kind(len(lockstore.Kinds()) + 1), 255} {
			if err := c.try(lockstore.Op{Kind: kind, User: ann, Seats: seats("A1")}); !errors.Is(err, lockstore.ErrInvalid) {
				c.Errorf("%s: %v, want an InvalidError", kind, err)
			}
		}
	})
	c.ev = large
	c.book(ann, large.Seats[:lockstore.MaxSeats]...)
}
