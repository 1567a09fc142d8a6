package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"

	"seatlock/lockstore"
)

func endedContext(c *check) {
	c.lock(ann, "A1")
	ctx, cancel := context.WithCancel(c.ctx)
	cancel()
	c.unchanged(func() {
		_, lockErr := c.Lock(ctx, c.ev, seats("A2"), ann)
		_, listErr := c.List(ctx, c.ev, "")
		for call, err := range map[string]error{
			"lock": lockErr, "list": listErr,
			"confirm": c.Confirm(ctx, c.ev, seats("A1"), ann),
			"release": c.Release(ctx, c.ev, seats("A1"), ann),
		} {
			if !errors.Is(err, context.Canceled) {
				c.Errorf("%s with a cancelled context: %v", call, err)
			}
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
	for name, layout := range layouts {
		other, err := lockstore.NewEvent(c.ev.ID, layout, c.ttl, 0)
		if err != nil {
			c.Fatal(err)
		}
		_, lockErr := c.Lock(c.ctx, other, layout[:1], ben)
		_, listErr := c.List(c.ctx, other, "")
		for call, err := range map[string]error{
			"lock": lockErr, "list": listErr,
			"confirm": c.Confirm(c.ctx, other, layout[:1], ann),
			"release": c.Release(c.ctx, other, layout[:1], ann),
			"wait":    c.Wait(c.ctx, other, ""),
		} {
			if !errors.Is(err, lockstore.ErrOtherSeats) {
				c.Errorf("%s with %s: %v", call, name, err)
			}
		}
	}
	c.wantDelta(v)
	same, err := lockstore.NewEvent(c.ev.ID, ids, 2*c.ttl, 5)
	if err != nil {
		c.Fatal(err)
	}
	c.ev = same // the seats are what counts
	c.wantTaken("A1 locked")
	c.confirm(ann, "A1")
}

func eventsApart(c *check) {
	one, two := c.ev, c.event(10, c.ttl, 0)
	c.lock(ann, "A1")
	c.ev = two
	c.wantTaken()
	c.lock(ben, "A1")
	c.confirm(ben, "A1")
	c.wantConflict(c.confirmErr(ann, "A1"), lockstore.LockNotHeld, "A1 booked")
	c.ev = one
	c.wantTaken("A1 locked")
	c.release(ann, "A1")
	c.ev = two
	c.wantTaken("A1 booked")
}

func slicesNotShared(c *check) {
	mine := seats("A1", "A2")
	c.lock(ann, mine...)
	mine[0], mine[1] = "A8", "A9"
	c.wantTaken("A1 locked", "A2 locked")

	v := c.version()
	for range 2 {
		snap := c.list("")
		for i := range snap.Seats {
			snap.Seats[i] = lockstore.Seat{ID: "X", Status: lockstore.Booked}
		}
		err := c.lockErr(ben, "A1")
		c.wantConflict(err, lockstore.SeatLocked, "A1 locked")
		if e, ok := errors.AsType[*lockstore.ConflictError](err); ok {
			e.Seats[0] = lockstore.Seat{}
		}
	}
	c.wantTaken("A1 locked", "A2 locked")
	c.wantDelta(v)
}

func badArguments(c *check) {
	large := c.event(lockstore.MaxSeats+1, c.ttl, 0)
	c.lock(ann, "A1")
	calls := map[string]func(ev *lockstore.Event, ids []lockstore.SeatID, user lockstore.UserID) error{
		"lock": func(ev *lockstore.Event, ids []lockstore.SeatID, user lockstore.UserID) error {
			_, err := c.Lock(c.ctx, ev, ids, user)
			return err
		},
		"confirm": func(ev *lockstore.Event, ids []lockstore.SeatID, user lockstore.UserID) error {
			return c.Confirm(c.ctx, ev, ids, user)
		},
		"release": func(ev *lockstore.Event, ids []lockstore.SeatID, user lockstore.UserID) error {
			return c.Release(c.ctx, ev, ids, user)
		},
	}
	bad := map[string]struct {
		ev   *lockstore.Event
		ids  []lockstore.SeatID
		user lockstore.UserID
	}{
		"no seats":               {c.ev, nil, ann},
		"too many seats":         {large, large.Seats, ann},
		"a seat twice":           {c.ev, seats("A1", "A2", "A1"), ann},
		"no user":                {c.ev, seats("A1"), ""},
		"a long user":            {c.ev, seats("A1"), lockstore.UserID(strings.Repeat("x", lockstore.MaxUserLen+1))},
		"a user that is no text": {c.ev, seats("A1"), "a\xff"},
		"a control character":    {c.ev, seats("A1"), "a\x00b"},
	}
	c.unchanged(func() {
		for call, do := range calls {
			for name, b := range bad {
				if err := do(b.ev, b.ids, b.user); !errors.Is(err, lockstore.ErrInvalid) {
					c.Errorf("%s with %s: %v, want an InvalidError", call, name, err)
				}
			}
			err := do(c.ev, seats("A1", "Z1", "A2", "a1"), ann)
			if e, ok := errors.AsType[*lockstore.UnknownSeatsError](err); !ok || len(e.Seats) != 2 || e.Seats[0] != "Z1" || e.Seats[1] != "a1" {
				c.Errorf("%s with unknown seats: %v, want an UnknownSeatsError with Z1 and a1", call, err)
			}
		}
	})
	c.ev = large
	c.lock(ann, large.Seats[:lockstore.MaxSeats]...)
	c.confirm(ann, large.Seats[:lockstore.MaxSeats]...)
}
