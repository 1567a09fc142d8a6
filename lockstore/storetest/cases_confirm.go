package storetest

import (
	"strings"
	"time"

	"seatlock/lockstore"
)

func confirmNeedsLock(c *check) {
	c.lock(ann, "A1")
	c.unchanged(func() {
		c.wantRefused(lockstore.Confirm(ben, "A1"), lockstore.LockNotHeld, "A1 locked")
		c.wantRefused(lockstore.Confirm(ben, "A2"), lockstore.LockNotHeld, "A2 available")
	})
	c.confirm(ann, "A1")
	c.unchanged(func() {
		c.wantRefused(lockstore.Confirm(ben, "A1"), lockstore.LockNotHeld, "A1 booked")
	})
}

func confirmInTime(c *check) {
	c.lock(ann, "A1", "A2")
	c.sleep(c.ttl - c.tick)
	c.confirm(ann, "A1")
	c.sleep(2 * c.tick)
	c.wantTaken("A1 booked")
	c.unchanged(func() {
		c.wantRefused(lockstore.Confirm(ann, "A1", "A2"), lockstore.LockExpired, "A2 available")
	})
}

func confirmTwice(c *check) {
	c.book(ann, "A1")
	c.unchanged(func() {
		c.confirm(ann, "A1")
		c.sleep(c.ttl + c.tick)
		c.confirm(ann, "A1")
	})
	c.lock(ann, "A2")
	c.confirm(ann, "A1", "A2") // one booked, one locked
	c.wantTaken("A1 booked", "A2 booked")
}

// usersApart uses ids that a store could confuse by their case, their form or the
// way it encodes them.
func usersApart(c *check) {
	users := []lockstore.UserID{
		"a", "A", " a", "a ", "a:b", "b", ":", "{a}", "}", `"a"`, `\`, "a,b", "L", "B", "L:a", "0", "-1", "*",
		"é", "e\u0301", "漢字", "\U0001F3AD", "nil", "false",
		lockstore.UserID(strings.Repeat("x", lockstore.MaxUserLen)), lockstore.UserID(strings.Repeat("x", lockstore.MaxUserLen-1) + "y"),
	}
	c.ev = c.event(len(users), c.ttl, 1)
	for i, user := range users {
		c.lock(user, c.ev.Seats[i])
	}
	for i, user := range users {
		for j, seat := range c.ev.Seats {
			if err := c.try(lockstore.Confirm(user, seat)); (err == nil) != (i == j) {
				c.Errorf("user %q confirms the seat of %q: %v", user, users[j], err)
			}
		}
	}
}

func bookingForEver(c *check) {
	c.book(ann, "A1")
	c.sleep(10 * 365 * 24 * time.Hour)
	c.wantTaken("A1 booked")
	c.wantRefused(lockstore.Lock(ben, "A1"), lockstore.SeatBooked, "A1 booked")
	c.confirm(ann, "A1")
}

func expired(c *check) {
	c.lock(ann, "A1", "A2")
	c.sleep(c.ttl + c.tick)
	c.unchanged(func() {
		c.wantRefused(lockstore.Confirm(ann, "A1", "A2"), lockstore.LockExpired, "A1 available", "A2 available")
		c.wantRefused(lockstore.Confirm(ben, "A1"), lockstore.LockNotHeld, "A1 available")
		c.release(ann, "A1") // this changes nothing
		c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockExpired, "A1 available")
	})
	c.lock(ann, "A1")
	c.confirm(ann, "A1")
}

func expiredThenTaken(c *check) {
	c.lock(ann, "A1", "A2")
	c.sleep(c.ttl + c.tick)
	c.lock(ben, "A1", "A2")
	c.confirm(ben, "A2")
	c.wantRefused(lockstore.Confirm(ann, "A1", "A2"), lockstore.LockExpired, "A1 locked", "A2 booked")
	c.sleep(c.ttl + c.tick)
	c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockExpired, "A1 available")
	c.wantRefused(lockstore.Confirm(ben, "A1"), lockstore.LockExpired, "A1 available")
	c.wantRefused(lockstore.Confirm(cat, "A1"), lockstore.LockNotHeld, "A1 available")
}

func expiredForgotten(c *check) {
	c.lock(ann, "A1")
	c.sleep(c.ttl)
	c.sleep(lockstore.LapseMemory - c.tick)
	c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockExpired, "A1 available")
	if c.bubble {
		c.sleep(2 * c.tick)
		c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockNotHeld, "A1 available")
	}
}

func expiredMixed(c *check) {
	c.lock(ann, "A1")
	c.sleep(c.ttl + c.tick)
	c.lock(ann, "A2")
	c.wantRefused(lockstore.Confirm(ann, "A1", "A2"), lockstore.LockExpired, "A1 available")
	c.wantRefused(lockstore.Confirm(ann, "A1", "A2", "A3"), lockstore.LockNotHeld, "A1 available", "A3 available")
	c.wantRefused(lockstore.Confirm(ann, "A3", "A1"), lockstore.LockNotHeld, "A3 available", "A1 available")
}

func releasedDidNotExpire(c *check) {
	c.lock(ann, "A1")
	c.release(ann, "A1")
	c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockNotHeld, "A1 available")

	c.lock(ann, "A1")
	c.sleep(c.ttl + c.tick)
	c.lock(ben, "A1")
	c.release(ben, "A1")
	c.lock(ann, "A1")
	c.release(ann, "A1")
	c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockNotHeld, "A1 available")
}

func releaseGivesBack(c *check) {
	c.lock(ann, "A1", "A2", "A3")
	c.release(ann, "A1", "A2")
	c.wantTaken("A3 locked")
	c.unchanged(func() { c.release(ann, "A1", "A2") })
	c.lock(ben, "A1")
	c.release(ann, "A1", "A3") // the first is ben's by now
	c.wantTaken("A1 locked")
	c.confirm(ben, "A1")
}

func releaseLeavesOthers(c *check) {
	c.lock(ann, "A1")
	c.book(ann, "A2")
	c.unchanged(func() { c.release(ben, "A1", "A2", "A3") })
	c.confirm(ann, "A1")
	c.wantTaken("A1 booked", "A2 booked")
}

func bookingNotReleased(c *check) {
	c.lock(ann, "A1", "A2", "A3")
	c.confirm(ann, "A2")
	c.unchanged(func() {
		c.wantRefused(lockstore.Release(ann, "A1", "A2", "A3"), lockstore.SeatBooked, "A2 booked")
		c.wantRefused(lockstore.Release(ann, "A2"), lockstore.SeatBooked, "A2 booked")
	})
	c.wantTaken("A1 locked", "A2 booked", "A3 locked")
}
