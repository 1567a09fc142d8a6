package storetest

import "seatlock/lockstore"

// blockAll returns an operation that blocks the seats, and ends the locks on them.
func blockAll(reason lockstore.Ref, ids ...lockstore.SeatID) lockstore.Op {
	op := lockstore.Block(reason, ids...)
	op.Blocked = true
	return op
}

func blockTakesOutOfSale(c *check) {
	v := c.version()
	c.wantChanged(lockstore.Block("house", "A3", "A1"), "A3", "A1")
	v = c.wantDelta(v, "A1 blocked", "A3 blocked")
	c.wantTaken("A1 blocked", "A3 blocked")
	c.sleep(c.ttl + c.tick)
	c.unchanged(func() {
		c.wantRefused(lockstore.Lock(ann, "A2", "A1"), lockstore.SeatBlocked, "A1 blocked")
		c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockNotHeld, "A1 blocked")
		c.wantRefused(lockstore.Book(ann, "", "A1"), lockstore.SeatBlocked, "A1 blocked")
		c.release(ann, "A1")
		c.wantChanged(lockstore.Evict("", "A1"))
		c.wantChanged(lockstore.Cancel(ann, "", "A1"))
	})
	c.wantChanged(lockstore.Unblock("A1"), "A1")
	c.wantDelta(v, "A1 available")
	c.book(ann, "A1")
	c.wantTaken("A1 booked", "A3 blocked")
}

func blockTwice(c *check) {
	c.do(lockstore.Block("first", "A1"))
	c.unchanged(func() {
		c.wantChanged(lockstore.Block("second", "A1"))
		c.wantChanged(blockAll("third", "A1"))
	})
	c.wantChanged(lockstore.Block("second", "A2", "A1", "A3"), "A2", "A3")
	c.wantRoster(everybody, "A1 blocked first", "A2 blocked second", "A3 blocked second")
}

func blockTouchesNothing(c *check) {
	c.lock(ann, "A1")
	c.book(ben, "A2")
	c.lock(cat, "A5")
	c.unchanged(func() {
		c.wantRefused(lockstore.Block("", "A3", "A1", "A2"), lockstore.SeatBooked, "A1 locked", "A2 booked")
		c.wantRefused(lockstore.Block("", "A5", "A3", "A1"), lockstore.SeatLocked, "A5 locked", "A1 locked")
		c.wantRefused(blockAll("", "A3", "A1", "A2"), lockstore.SeatBooked, "A2 booked")
	})
	c.confirm(ann, "A1")
	c.wantTaken("A1 booked", "A2 booked", "A5 locked")
}

func blockEvicts(c *check) {
	c.lock(ann, "A1", "A2", "A3")
	c.lock(ben, "A4")
	v := c.version()
	c.wantChanged(blockAll("", "A5", "A4", "A2", "A1"), "A5", "A4", "A2", "A1")
	c.wantDelta(v, "A1 blocked", "A2 blocked", "A4 blocked", "A5 blocked")
	c.unchanged(func() {
		c.wantRefused(lockstore.Confirm(ann, "A1", "A3"), lockstore.LockNotHeld, "A1 blocked")
		c.wantRefused(lockstore.Extend(ben, c.soon(c.ttl), "A4"), lockstore.LockNotHeld, "A4 blocked")
	})
	c.do(lockstore.Unblock("A1", "A2", "A4", "A5"))
	c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockNotHeld, "A1 available")
	c.confirm(ann, "A3")
}

func unblockLeavesOthers(c *check) {
	c.lock(ann, "A1")
	c.book(ben, "A2")
	c.do(lockstore.Block("", "A4"))
	c.wantChanged(lockstore.Unblock("A1", "A2", "A3", "A4"), "A4")
	c.unchanged(func() { c.wantChanged(lockstore.Unblock("A1", "A2", "A3", "A4")) })
	c.wantTaken("A1 locked", "A2 booked")
	c.confirm(ann, "A1")
}

// blockKeepsLapses checks that blocking and unblocking a seat keeps what is known of
// locks that expired before.
func blockKeepsLapses(c *check) {
	c.ev = c.event(10, c.ttl, 1)
	c.lock(ann, "A1")
	c.lock(ben, "A2")
	c.sleep(c.ttl + c.tick)
	c.do(lockstore.Block("", "A1", "A2"))
	c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockExpired, "A1 blocked")
	c.wantRefused(lockstore.Extend(ben, c.soon(c.ttl), "A2"), lockstore.LockExpired, "A2 blocked")
	c.lock(ann, "A3") // a blocked seat counts toward nobody's limit
	c.do(lockstore.Unblock("A1", "A2"))
	c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockExpired, "A1 available")
	c.do(bookBlocked(ben, "", "A2"))
	c.do(lockstore.Cancel(ben, "", "A2"))
	c.wantRefused(lockstore.Confirm(ben, "A2"), lockstore.LockNotHeld, "A2 available") // the booking came later
}

// lockReasons checks the order of the reasons: booked, locked, blocked, limit.
func lockReasons(c *check) {
	c.ev = c.event(10, c.ttl, 1)
	c.book(ben, "A1")
	c.lock(cat, "A2")
	c.do(lockstore.Block("", "A3"))
	c.unchanged(func() {
		c.wantRefused(lockstore.Lock(ann, "A3", "A2", "A1", "A4"), lockstore.SeatBooked, "A3 blocked", "A2 locked", "A1 booked")
		c.wantRefused(lockstore.Lock(ann, "A3", "A2", "A4"), lockstore.SeatLocked, "A3 blocked", "A2 locked")
		c.wantRefused(lockstore.Lock(ann, "A4", "A5", "A3"), lockstore.SeatBlocked, "A3 blocked")
		c.wantOverLimit(lockstore.Lock(ann, "A4", "A5"), 0)
	})
}
