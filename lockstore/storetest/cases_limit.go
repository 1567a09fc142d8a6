package storetest

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/lockstore"
)

// wantOverLimit checks that the user was refused more seats, having held.
func (c *check) wantOverLimit(err error, held int) {
	c.Helper()
	c.wantConflict(err, lockstore.OverSeatLimit)
	if e, ok := errors.AsType[*lockstore.ConflictError](err); ok && e.Held != held {
		c.Errorf("the user is said to have %d seats, and has %d", e.Held, held)
	}
}

func seatLimit(c *check) {
	c.ev = c.event(10, ttl, 3)
	c.unchanged(func() { c.wantOverLimit(c.lockErr(ann, "A1", "A2", "A3", "A4"), 0) })
	c.lock(ann, "A1", "A2")
	c.unchanged(func() { c.wantOverLimit(c.lockErr(ann, "A3", "A4"), 2) })
	c.lock(ann, "A2", "A3") // one of them is hers already
	c.unchanged(func() {
		c.wantOverLimit(c.lockErr(ann, "A4"), 3)
		c.lock(ann, "A1", "A2", "A3")
	})
	c.confirm(ann, "A1", "A2", "A3")
	c.wantTaken("A1 booked", "A2 booked", "A3 booked")
}

func limitAfterExpiry(c *check) {
	c.ev = c.event(10, ttl, 2)
	c.lock(ann, "A1")
	time.Sleep(ttl / 2)
	c.lock(ann, "A2")
	c.wantOverLimit(c.lockErr(ann, "A3"), 2)
	time.Sleep(ttl/2 + tick)
	c.lock(ann, "A3")
	c.wantOverLimit(c.lockErr(ann, "A1"), 2)
	time.Sleep(ttl + tick)
	c.lock(ben, "A3") // what ran out for her is his, and counts for him alone
	c.lock(ann, "A1", "A2")
	c.lock(ben, "A4")
	c.wantOverLimit(c.lockErr(ben, "A5"), 2)
}

func limitAfterRelease(c *check) {
	c.ev = c.event(10, ttl, 2)
	for range 3 {
		c.lock(ann, "A1", "A2")
		c.wantOverLimit(c.lockErr(ann, "A3"), 2)
		c.release(ann, "A1")
		c.release(ann, "A1")
		c.lock(ann, "A3")
		c.wantOverLimit(c.lockErr(ann, "A1"), 2)
		c.release(ann, "A2", "A3")
	}
}

func limitCountsBookings(c *check) {
	c.ev = c.event(10, ttl, 2)
	c.book(ann, "A1")
	time.Sleep(24 * time.Hour)
	c.wantOverLimit(c.lockErr(ann, "A2", "A3"), 1)
	c.book(ann, "A2")
	time.Sleep(24 * time.Hour)
	c.wantOverLimit(c.lockErr(ann, "A3"), 2)
	c.confirm(ann, "A1", "A2")
}

func limitPerEvent(c *check) {
	other := c.event(10, ttl, 1)
	c.ev = c.event(10, ttl, 1)
	c.lock(ann, "A1")
	c.lock(ben, "A2")
	c.wantOverLimit(c.lockErr(ann, "A3"), 1)
	c.ev = other
	c.lock(ann, "A1")
}

// limitRace: one user asks for many seats at once, each in a call of its own.
func limitRace(c *check) {
	c.ev = c.event(50, ttl, 7)
	var won atomic.Int64
	var all sync.WaitGroup
	for _, seat := range c.ev.Seats {
		all.Go(func() {
			_, err := c.Lock(c.ctx, c.ev, seats(seat), ann)
			if err == nil {
				won.Add(1)
				return
			}
			c.wantConflict(err, lockstore.OverSeatLimit)
		})
	}
	all.Wait()
	if won.Load() != 7 || len(c.list("").Seats) != 7 {
		c.Errorf("%d locks succeeded and %d seats are taken, want 7", won.Load(), len(c.list("").Seats))
	}
}

func badArguments(c *check) {
	large := c.event(lockstore.MaxSeats+1, ttl, 0)
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
