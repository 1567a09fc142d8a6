package storetest

import (
	"sync/atomic"

	"seatlock/lockstore"
)

// bookBlocked returns an operation that books blocked seats too.
func bookBlocked(user lockstore.UserID, ref lockstore.Ref, ids ...lockstore.SeatID) lockstore.Op {
	op := lockstore.Book(user, ref, ids...)
	op.Blocked = true
	return op
}

func bookTakes(c *check) {
	c.lock(ann, "A2")
	c.lock(cat, "A3")
	c.sleep(c.ttl + c.tick) // cat's lock is over
	c.lock(ann, "A2")
	v := c.version()
	c.wantChanged(lockstore.Book(ann, "r1", "A3", "A1", "A2"), "A3", "A1", "A2")
	v = c.wantDelta(v, "A1 booked", "A2 booked", "A3 booked")
	c.sleep(c.ttl + c.tick)
	c.wantTaken("A1 booked", "A2 booked", "A3 booked")
	c.wantDelta(v)
	c.wantRefused(lockstore.Confirm(cat, "A3"), lockstore.LockExpired, "A3 booked")
	c.wantChanged(lockstore.Cancel(ann, "r1", "A1", "A2", "A3"), "A1", "A2", "A3")
	c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockNotHeld, "A1 available")
}

func bookTwice(c *check) {
	c.do(lockstore.Book(ann, "r1", "A1", "A2"))
	c.do(lockstore.Book(ann, "", "A3"))
	c.unchanged(func() {
		c.wantChanged(lockstore.Book(ann, "r1", "A1", "A2"))
		c.wantChanged(lockstore.Book(ann, "", "A1", "A3"))
		c.wantChanged(confirmRef(ann, "r1", "A2"))
		c.wantRefused(lockstore.Book(ann, "r2", "A1"), lockstore.SeatBooked, "A1 booked")
		c.wantRefused(lockstore.Book(ann, "r1", "A1", "A3", "A4"), lockstore.SeatBooked, "A3 booked")
		c.wantRefused(lockstore.Book(ben, "r1", "A1"), lockstore.SeatBooked, "A1 booked")
	})
	c.wantChanged(lockstore.Book(ann, "r1", "A4", "A1"), "A4")
}

func bookAllOrNone(c *check) {
	c.lock(ann, "A1")
	c.book(ben, "A2")
	c.do(lockstore.Block("", "A3"))
	c.unchanged(func() {
		c.wantRefused(lockstore.Book(cat, "", "A4", "A3", "A1", "A2"), lockstore.SeatBooked, "A3 blocked", "A1 locked", "A2 booked")
		c.wantRefused(lockstore.Book(cat, "", "A1", "A4", "A3"), lockstore.SeatLocked, "A1 locked", "A3 blocked")
		c.wantRefused(lockstore.Book(ann, "", "A1", "A4", "A3"), lockstore.SeatBlocked, "A3 blocked")
		c.wantRefused(bookBlocked(cat, "", "A3", "A1"), lockstore.SeatLocked, "A1 locked")
	})
	c.wantTaken("A1 locked", "A2 booked", "A3 blocked")
	c.confirm(ann, "A1")
}

func bookHasNoLimit(c *check) {
	c.ev = c.event(10, c.ttl, 2)
	c.do(lockstore.Book(ann, "", "A1", "A2", "A3"))
	c.do(lockstore.Book(ann, "", "A4"))
	c.wantOverLimit(lockstore.Lock(ann, "A5"), 4)
	c.do(lockstore.Cancel(ann, "", "A1", "A2", "A3"))
	c.wantOverLimit(lockstore.Lock(ann, "A5", "A6"), 1)
	c.lock(ann, "A5")
}

func bookBlockedSeats(c *check) {
	c.do(lockstore.Block("house", "A1", "A2"))
	v := c.version()
	c.wantChanged(bookBlocked(ann, "r1", "A3", "A1"), "A3", "A1")
	c.wantDelta(v, "A1 booked", "A3 booked")
	c.wantChanged(bookBlocked(ann, "r1", "A1", "A3"))
	c.wantChanged(lockstore.Cancel(ann, "", "A1"), "A1")
	c.wantTaken("A2 blocked", "A3 booked") // it is not blocked again
}

// bookRace has many users book groups that overlap. No list may show a part of a
// group, and no user may get one.
func bookRace(c *check) {
	var number, won atomic.Int64
	c.ev = c.event(40, c.ttl, 0)
	c.race(40, func(user lockstore.UserID) {
		at := int(number.Add(1)*7) % 37
		err := c.try(lockstore.Book(user, "r", c.ev.Seats[at:at+4]...))
		if err == nil {
			won.Add(1)
		} else {
			c.wantReason(err, lockstore.SeatBooked)
		}
		if n := len(c.list("").Seats); n%4 != 0 {
			c.Errorf("%d seats are taken, want whole groups of 4", n)
		}
	})
	if n := len(c.list("").Seats); n != int(won.Load())*4 || won.Load() == 0 {
		c.Errorf("%d users have booked a group, and %d seats are taken", won.Load(), n)
	}
}
