package storetest

import "seatlock/lockstore"

func evictEndsLocks(c *check) {
	c.lock(ann, "A1", "A2")
	c.lock(ben, "A3")
	c.book(ann, "A4")
	c.do(lockstore.Block("", "A5"))
	v := c.version()
	c.wantChanged(lockstore.Evict("", "A6", "A5", "A4", "A3", "A2"), "A3", "A2")
	c.wantDelta(v, "A2 available", "A3 available")
	c.unchanged(func() { c.wantChanged(lockstore.Evict("", "A3", "A2")) })
	c.wantTaken("A1 locked", "A4 booked", "A5 blocked")
	c.lock(ben, "A2")
}

func evictOfUser(c *check) {
	c.lock(ann, "A1", "A2")
	c.lock(ben, "A3")
	c.unchanged(func() { c.wantChanged(lockstore.Evict(cat, "A1", "A2", "A3")) })
	c.wantChanged(lockstore.Evict(ann, "A3", "A2"), "A2")
	c.wantTaken("A1 locked", "A3 locked")
	c.confirm(ben, "A3")
}

func evictedIsReleased(c *check) {
	c.ev = c.event(10, c.ttl, 2)
	c.lock(ann, "A1", "A2")
	c.do(lockstore.Evict("", "A1"))
	c.unchanged(func() {
		c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockNotHeld, "A1 available")
		c.wantRefused(lockstore.Extend(ann, c.soon(c.ttl), "A1", "A2"), lockstore.LockNotHeld, "A1 available")
	})
	c.lock(ann, "A3") // the limit does not count it
	c.sleep(c.ttl + c.tick)
	c.unchanged(func() {
		c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockNotHeld, "A1 available")
		c.wantRefused(lockstore.Confirm(ann, "A2"), lockstore.LockExpired, "A2 available")
		c.wantChanged(lockstore.Evict("", "A2")) // it has ended
	})
	c.wantRefused(lockstore.Confirm(ann, "A2"), lockstore.LockExpired, "A2 available")
}
