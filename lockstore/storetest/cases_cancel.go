package storetest

import (
	"sync/atomic"

	"seatlock/lockstore"
)

func cancelMatches(c *check) {
	c.bookRef(ann, "r1", "A1", "A2")
	c.bookRef(ann, "r2", "A3")
	c.bookRef(ben, "r1", "A4")
	c.book(ben, "A5")
	all := seats("A5", "A4", "A3", "A2", "A1")
	c.unchanged(func() {
		c.wantChanged(lockstore.Cancel(ann, "r3", all...))
		c.wantChanged(lockstore.Cancel("", "r3", all...))
		c.wantChanged(lockstore.Cancel(cat, "", all...))
		c.wantChanged(lockstore.Cancel(ben, "r2", all...))
	})
	v := c.version()
	c.wantChanged(lockstore.Cancel(ann, "r1", "A5", "A4", "A3", "A2"), "A2")
	v = c.wantDelta(v, "A2 available")
	c.wantChanged(lockstore.Cancel("", "r1", all...), "A4", "A1")
	v = c.wantDelta(v, "A1 available", "A4 available")
	c.wantChanged(lockstore.Cancel(ben, "", all...), "A5")
	c.wantChanged(lockstore.Cancel(ann, "", all...), "A3")
	c.wantDelta(v, "A3 available", "A5 available")
	c.wantTaken()
}

func cancelTwice(c *check) {
	c.bookRef(ann, "r1", "A1")
	c.wantChanged(lockstore.Cancel(ann, "r1", "A1"), "A1")
	c.unchanged(func() { c.wantChanged(lockstore.Cancel(ann, "r1", "A1")) })
	c.bookRef(ben, "r1", "A1") // somebody else's by now
	c.unchanged(func() { c.wantChanged(lockstore.Cancel(ann, "r1", "A1")) })
}

func cancelLeavesOthers(c *check) {
	c.book(ann, "A1")
	c.lock(ann, "A2")
	c.lock(ben, "A3")
	c.do(lockstore.Block("ann", "A4"))
	c.wantChanged(lockstore.Cancel(ann, "", "A2", "A3", "A4", "A1", "A5"), "A1")
	c.unchanged(func() { c.wantChanged(lockstore.Cancel("", "ann", "A2", "A3", "A4")) }) // a reason is not a reference
	c.wantTaken("A2 locked", "A3 locked", "A4 blocked")
	c.confirm(ann, "A2")
}

// cancelledIsAvailable checks that a cancelled seat is like one that was never
// booked.
func cancelledIsAvailable(c *check) {
	c.ev = c.event(10, c.ttl, 2)
	c.lock(ben, "A1")
	c.sleep(c.ttl + c.tick)
	c.bookRef(ann, "r1", "A1", "A2")
	c.do(lockstore.Cancel(ann, "", "A1"))
	c.unchanged(func() {
		c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockNotHeld, "A1 available")
		c.wantRefused(lockstore.Confirm(ben, "A1"), lockstore.LockExpired, "A1 available") // still known
		c.release(ann, "A1")
	})
	c.lock(ann, "A3") // the limit does not count it
	c.wantOverLimit(lockstore.Lock(ann, "A1"), 2)
	c.bookRef(cat, "r2", "A1")
	c.wantTaken("A1 booked", "A2 booked", "A3 locked")
}

// cancelRace cancels and books the same seats at the same time. Seats must be given
// back as often as they were sold.
func cancelRace(c *check) {
	unsure := c.unsure()
	var sold, back atomic.Int64
	c.race(30, func(user lockstore.UserID) {
		for _, seat := range c.ev.Seats[:3] {
			if got, err := c.Do(c.ctx, c.ev, lockstore.Book(user, "r", seat)); err == nil {
				sold.Add(int64(len(got.Changed)))
			}
			got, err := c.Do(c.ctx, c.ev, lockstore.Cancel("", "r", c.ev.Seats[:3]...))
			if err != nil {
				c.Error(err)
			}
			back.Add(int64(len(got.Changed)))
		}
	})
	if c.unsure() == unsure && sold.Load() != back.Load() {
		c.Errorf("%d seats were sold and %d given back", sold.Load(), back.Load())
	}
	c.wantTaken()
}
