package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/lockstore"
)

// wantOverLimit checks that op fails because the user already has that many seats.
func (c *check) wantOverLimit(op lockstore.Op, held int) {
	c.Helper()
	err := c.try(op)
	c.wantConflict(err, lockstore.OverSeatLimit)
	if e, ok := errors.AsType[*lockstore.ConflictError](err); ok && e.Held != held {
		c.Errorf("the conflict says that the user has %d seats, want %d", e.Held, held)
	}
}

func seatLimit(c *check) {
	c.ev = c.event(10, c.ttl, 3)
	c.unchanged(func() { c.wantOverLimit(lockstore.Lock(ann, "A1", "A2", "A3", "A4"), 0) })
	c.lock(ann, "A1", "A2")
	c.unchanged(func() { c.wantOverLimit(lockstore.Lock(ann, "A3", "A4"), 2) })
	c.lock(ann, "A2", "A3") // she has one of them already
	c.unchanged(func() {
		c.wantOverLimit(lockstore.Lock(ann, "A4"), 3)
		c.lock(ann, "A1", "A2", "A3")
	})
	c.confirm(ann, "A1", "A2", "A3")
	c.wantTaken("A1 booked", "A2 booked", "A3 booked")
}

func limitAfterExpiry(c *check) {
	c.ev = c.event(10, c.ttl, 2)
	c.lock(ann, "A1")
	c.sleep(c.ttl / 2)
	c.lock(ann, "A2")
	c.wantOverLimit(lockstore.Lock(ann, "A3"), 2)
	c.sleep(c.ttl/2 + c.tick)
	c.lock(ann, "A3")
	c.wantOverLimit(lockstore.Lock(ann, "A1"), 2)
	c.sleep(c.ttl + c.tick)
	c.lock(ben, "A3") // her lock on it expired: it counts for ben alone
	c.lock(ann, "A1", "A2")
	c.lock(ben, "A4")
	c.wantOverLimit(lockstore.Lock(ben, "A5"), 2)
}

// limitAtTheEnd locks another seat in the last millisecond of a lock, and in the
// millisecond in which it is over.
func limitAtTheEnd(c *check) {
	c.ev = c.event(10, c.ttl, 1)
	c.lock(ann, "A1")
	c.sleep(c.ttl - c.tick)
	c.wantOverLimit(lockstore.Lock(ann, "A2"), 1)
	c.sleep(c.tick)
	if c.bubble {
		c.lock(ann, "A2")
	}
}

func limitAfterRelease(c *check) {
	c.ev = c.event(10, c.ttl, 2)
	for range 3 {
		c.lock(ann, "A1", "A2")
		c.wantOverLimit(lockstore.Lock(ann, "A3"), 2)
		c.release(ann, "A1")
		c.release(ann, "A1")
		c.lock(ann, "A3")
		c.wantOverLimit(lockstore.Lock(ann, "A1"), 2)
		c.release(ann, "A2", "A3")
	}
}

func limitCountsBookings(c *check) {
	c.ev = c.event(10, c.ttl, 2)
	c.book(ann, "A1")
	c.sleep(24 * time.Hour)
	c.wantOverLimit(lockstore.Lock(ann, "A2", "A3"), 1)
	c.book(ann, "A2")
	c.sleep(24 * time.Hour)
	c.wantOverLimit(lockstore.Lock(ann, "A3"), 2)
	c.confirm(ann, "A1", "A2")
}

func limitPerEvent(c *check) {
	other := c.event(10, c.ttl, 1)
	c.ev = c.event(10, c.ttl, 1)
	c.lock(ann, "A1")
	c.lock(ben, "A2")
	c.wantOverLimit(lockstore.Lock(ann, "A3"), 1)
	c.ev = other
	c.lock(ann, "A1")
}

// limitRace has one user lock many seats at the same time, each in its own call.
func limitRace(c *check) {
	c.ev = c.event(50, c.ttl, 7)
	var won atomic.Int64
	var all sync.WaitGroup
	for _, seat := range c.ev.Seats {
		all.Go(func() {
			err := c.try(lockstore.Lock(ann, seat))
			if err == nil {
				won.Add(1)
				return
			}
			c.wantConflict(err, lockstore.OverSeatLimit)
		})
	}
	all.Wait()
	if won.Load() != 7 || len(c.list("").Seats) != 7 {
		c.Errorf("%d locks succeed and %d seats are taken, want 7", won.Load(), len(c.list("").Seats))
	}
}
