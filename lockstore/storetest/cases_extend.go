package storetest

import (
	"errors"
	"time"

	"seatlock/lockstore"
)

// extend has the user extend the locks on the seats, which must succeed and change
// those seats.
func (c *check) extend(user lockstore.UserID, until time.Time, ids ...lockstore.SeatID) time.Time {
	c.Helper()
	return c.wantChanged(lockstore.Extend(user, until, ids...), ids...).Expires
}

// longer returns c.ev with another MaxLock, as another process may have set it.
func (c *check) longer(maxLock time.Duration) *lockstore.Event {
	ev := *c.ev
	ev.MaxLock = maxLock
	return &ev
}

// wantEnd checks that op changes nothing, succeeds and reports that end.
func (c *check) wantEnd(op lockstore.Op, want time.Time) {
	c.Helper()
	c.unchanged(func() {
		c.Helper()
		if got := c.wantChanged(op).Expires; !got.Equal(want) {
			c.Errorf("%s %ss %v, and the first lock ends at %v, want %v", op.User, op.Kind, op.Seats, got, want)
		}
	})
}

func extendMovesEnds(c *check) {
	first := c.lock(ann, "A1", "A2", "A3")
	v := c.version()
	until := first.Add(c.ttl)
	if got := c.extend(ann, until, "A2", "A1"); !got.Equal(until) {
		c.Errorf("the extended locks end at %v, want %v", got, until)
	}
	v = c.wantDelta(v, "A1 locked", "A2 locked")
	c.wantEnds([]*lockstore.Event{c.ev}, until, until, first)
	c.sleep(c.ttl + c.tick)
	c.wantTaken("A1 locked", "A2 locked")
	c.wantRefused(lockstore.Lock(ben, "A1", "A3"), lockstore.SeatLocked, "A1 locked")
	c.confirm(ann, "A1")
	c.sleep(c.ttl + c.tick)
	c.wantTaken("A1 booked")
	c.wantDelta(v, "A1 booked")
	c.wantRefused(lockstore.Confirm(ann, "A2"), lockstore.LockExpired, "A2 available")
}

func extendTwice(c *check) {
	until := c.lock(ann, "A1").Add(c.ttl)
	c.extend(ann, until, "A1")
	for range 2 {
		c.sleep(c.ttl / 4)
		c.wantEnd(lockstore.Extend(ann, until, "A1"), until)
	}
	c.wantEnd(lockstore.Lock(ann, "A1"), until) // a lock keeps the end too
}

func extendNeverShortens(c *check) {
	end := c.lock(ann, "A1")
	for _, until := range []time.Time{end, end.Add(-time.Millisecond), end.Add(-2 * c.ttl), time.UnixMilli(1)} {
		c.wantEnd(lockstore.Extend(ann, until, "A1"), end)
	}
	op := lockstore.Extend(ann, end.Add(c.ttl), "A1")
	op.Cap = time.Millisecond
	c.wantEnd(op, end)
}

func extendLaterOfBoth(c *check) {
	long := lockstore.Lock(ann, "A2")
	long.For = 3 * c.ttl
	end := c.do(long).Expires
	until := c.lock(ann, "A1", "A3").Add(c.ttl)
	c.wantChanged(lockstore.Extend(ann, until, "A3", "A2", "A1"), "A3", "A1")
	c.wantEnds([]*lockstore.Event{c.ev}, until, end, until)
	if got := c.do(lockstore.Extend(ann, until, "A2")).Expires; !got.Equal(end) {
		c.Errorf("the longer lock ends at %v, want %v", got, end)
	}
}

func extendIsCapped(c *check) {
	c.ev = c.longer(2 * c.ttl)
	first := c.do(lockstore.Lock(ann, "A1", "A2"))
	made := first.Expires.Add(-c.ttl)
	c.sleep(c.ttl / 4)
	c.wantEnd(lockstore.Lock(ann, "A1", "A2"), first.Expires) // does not renew the locks
	far := lockstore.Extend(ann, made.Add(100*c.ttl), "A1")
	if got, want := c.wantChanged(far, "A1").Expires, made.Add(2*c.ttl); !got.Equal(want) {
		c.Errorf("a lock made at %v ends at %v, want %v", made, got, want)
	}
	c.sleep(c.ttl / 4)
	c.wantEnd(far, made.Add(2*c.ttl))
	c.wantEnds([]*lockstore.Event{c.ev}, made.Add(2*c.ttl), first.Expires)
}

// extendHasItsCap checks that the bound is that of the call.
func extendHasItsCap(c *check) {
	made := c.lock(ann, "A1", "A2").Add(-c.ttl)
	far := made.Add(100 * c.ttl)
	short := lockstore.Extend(ann, far, "A1")
	for n := 2; n <= 4; n++ {
		short.Cap = time.Duration(n) * c.ttl
		if got, want := c.wantChanged(short, "A1").Expires, made.Add(short.Cap); !got.Equal(want) {
			c.Errorf("with a cap of %v, a lock made at %v ends at %v, want %v", short.Cap, made, got, want)
		}
	}
	c.wantEnd(lockstore.Extend(ann, made.Add(4*c.ttl), "A1"), made.Add(4*c.ttl))
	c.in(c.longer(5*c.ttl), func() { c.extend(ann, far, "A1") })
	c.in(c.longer(3*c.ttl), func() { c.wantEnd(lockstore.Extend(ann, far, "A1"), made.Add(5*c.ttl)) })
	c.in(c.longer(6*c.ttl), func() {
		op := lockstore.Extend(ann, far, "A2")
		op.Cap = 3 * c.ttl
		c.wantChanged(op, "A2")
		c.wantEnds([]*lockstore.Event{c.ev}, made.Add(5*c.ttl), made.Add(3*c.ttl))
	})
}

// extendCapOfNewLock checks that the bound counts from the user's present lock, not
// from an earlier one.
func extendCapOfNewLock(c *check) {
	c.ev = c.longer(2 * c.ttl)
	c.lock(ann, "A1", "A2")
	c.release(ann, "A2")
	c.sleep(c.ttl + c.tick)
	for _, seat := range seats("A1", "A2") {
		made := c.lock(ann, seat).Add(-c.ttl)
		if got, want := c.extend(ann, made.Add(100*c.ttl), seat), made.Add(2*c.ttl); !got.Equal(want) {
			c.Errorf("a lock of %s made at %v ends at %v, want %v", seat, made, got, want)
		}
	}
}

func extendRevivesNothing(c *check) {
	c.lock(ann, "A1", "A2")
	c.lock(ben, "A4", "A5")
	c.release(ben, "A5")
	c.sleep(c.ttl + c.tick)
	end := c.lock(ann, "A2", "A3").Add(c.ttl)
	c.lock(ben, "A6")
	c.unchanged(func() {
		c.wantRefused(lockstore.Extend(ann, end, "A1"), lockstore.LockExpired, "A1 available")
		c.wantRefused(lockstore.Extend(ann, end, "A2", "A1", "A3"), lockstore.LockExpired, "A1 available")
		c.wantRefused(lockstore.Extend(ann, end, "A3", "A7"), lockstore.LockNotHeld, "A7 available")
		c.wantRefused(lockstore.Extend(ann, end, "A1", "A4"), lockstore.LockNotHeld, "A1 available", "A4 available")
		c.wantRefused(lockstore.Extend(ann, end, "A6"), lockstore.LockNotHeld, "A6 locked")
		c.wantRefused(lockstore.Extend(ben, end, "A5"), lockstore.LockNotHeld, "A5 available")
	})
	c.wantTaken("A2 locked", "A3 locked", "A6 locked")
	c.sleep(c.ttl + c.tick)
	c.wantTaken()
}

func extendOfBooking(c *check) {
	end := c.lock(ann, "A1", "A2").Add(c.ttl)
	c.confirm(ann, "A2")
	c.book(ben, "A3")
	c.unchanged(func() {
		c.wantRefused(lockstore.Extend(ann, end, "A1", "A2"), lockstore.SeatBooked, "A2 booked")
		c.wantRefused(lockstore.Extend(ann, end, "A4", "A2"), lockstore.SeatBooked, "A4 available", "A2 booked")
		c.wantRefused(lockstore.Extend(ann, end, "A1", "A3"), lockstore.LockNotHeld, "A3 booked")
	})
}

// extendCounts checks that the seat limit counts a lock until its new end.
func extendCounts(c *check) {
	c.ev = c.event(10, c.ttl, 1)
	c.extend(ann, c.lock(ann, "A1").Add(c.ttl), "A1")
	c.sleep(c.ttl + c.tick)
	c.wantOverLimit(lockstore.Lock(ann, "A2"), 1)
	c.sleep(c.ttl + c.tick)
	c.lock(ann, "A2")
}

// extendedIsRemembered checks that LapseMemory counts from the new end. It needs a
// bubble.
func extendedIsRemembered(c *check) {
	if !c.bubble {
		return
	}
	c.extend(ann, c.lock(ann, "A1").Add(9*c.ttl), "A1")
	c.sleep(10*c.ttl + lockstore.LapseMemory - c.tick)
	c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockExpired, "A1 available")
	c.sleep(2 * c.tick)
	c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockNotHeld, "A1 available")
}

// lockFor checks locks that do not last Event.LockTTL.
func lockFor(c *check) {
	for n, lasts := range []time.Duration{c.ttl - c.tick, 2 * c.ttl, time.Millisecond, lockstore.MaxLockTTL} {
		op := lockstore.Lock(ann, c.ev.Seats[n])
		op.For = lasts
		got := c.do(op)
		if c.unsure() == 0 {
			c.wantTime("the end of a lock", got.Expires, got.Now.Add(lasts))
		}
		if lasts > c.tick {
			op.For = c.ttl
			c.wantEnd(op, got.Expires)
		}
	}
	c.sleep(c.ttl)
	c.wantTaken("A2 locked", "A4 locked")
	if err := c.try(lockstore.Op{Kind: lockstore.KindLock, User: ann, Seats: seats("A5"), For: lockstore.MaxLockTTL + 1}); !errors.Is(err, lockstore.ErrInvalid) {
		c.Errorf("a lock that lasts too long: %v, want an InvalidError", err)
	}
}
