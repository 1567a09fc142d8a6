package storetest

import (
	"time"

	"seatlock/lockstore"
)

func lockChanges(c *check) {
	c.wantChanged(lockstore.Lock(ann, "A3", "A1"), "A3", "A1")
	c.wantChanged(lockstore.Lock(ann, "A1", "A3"))
	c.wantChanged(lockstore.Lock(ann, "A4", "A1", "A2", "A3"), "A4", "A2")
	c.sleep(c.ttl + c.tick)
	c.wantChanged(lockstore.Lock(ann, "A1", "A5"), "A1", "A5") // a lock that ended is new
	c.wantChanged(lockstore.Lock(ben, "A2", "A3"), "A2", "A3")
}

func confirmChanges(c *check) {
	c.lock(ann, "A1", "A2", "A3")
	c.wantChanged(lockstore.Confirm(ann, "A2"), "A2")
	c.wantChanged(lockstore.Confirm(ann, "A2"))
	c.wantChanged(lockstore.Confirm(ann, "A3", "A2", "A1"), "A3", "A1")
	c.wantChanged(lockstore.Confirm(ann, "A1", "A2", "A3"))
}

func releaseChanges(c *check) {
	c.lock(ann, "A1", "A2", "A3")
	c.lock(ben, "A4")
	c.book(ben, "A5")
	c.wantChanged(lockstore.Release(ann, "A4", "A5", "A6")) // ben's, and nobody's
	c.wantChanged(lockstore.Release(ann, "A5", "A3", "A6", "A1", "A4"), "A3", "A1")
	c.wantChanged(lockstore.Release(ann, "A3", "A1"))
	c.sleep(c.ttl + c.tick)
	c.wantChanged(lockstore.Release(ann, "A2")) // it has ended
	c.wantChanged(lockstore.Release(ben, "A4", "A6"))
}

// resultTime checks what Expires and Now have in common. check.do compares every
// Now with the clock.
func resultTime(c *check) {
	c.sleep(300 * time.Microsecond) // so that the time is not a whole millisecond
	fresh := c.do(lockstore.Lock(ann, "A1"))
	if c.unsure() == 0 {
		c.wantTime("the end of a new lock", fresh.Expires, fresh.Now.Add(c.ttl))
	}
	c.sleep(time.Second)
	both := c.do(lockstore.Lock(ann, "A2", "A1"))
	if !both.Expires.Equal(fresh.Expires) {
		c.Errorf("the first of the locks ends at %v, want %v", both.Expires, fresh.Expires)
	}
	confirmed, released := c.do(lockstore.Confirm(ann, "A1")), c.do(lockstore.Release(ann, "A2"))
	for _, result := range []lockstore.Result{fresh, both, confirmed, released} {
		for what, at := range map[string]time.Time{"Now": result.Now, "Expires": result.Expires} {
			if !at.Equal(at.Truncate(time.Millisecond)) {
				c.Errorf("%s is %v, want whole milliseconds", what, at)
			}
		}
	}
	if !confirmed.Expires.IsZero() || !released.Expires.IsZero() {
		c.Errorf("Expires is %v after a confirm and %v after a release, want zero", confirmed.Expires, released.Expires)
	}
}
