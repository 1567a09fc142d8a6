package storetest

import (
	"slices"

	"seatlock/lockstore"
)

func moveMoves(c *check) {
	c.bookRef(ann, "r1", "A1", "A2")
	c.book(ann, "A3")
	c.bookRef(ben, "r1", "A4")
	c.lock(ben, "A8")
	v := c.version()
	c.wantChanged(lockstore.Move(ann, "r1", seats("A2", "A1"), seats("A6", "A5")), "A2", "A1", "A6", "A5")
	v = c.wantDelta(v, "A1 available", "A2 available", "A5 booked", "A6 booked")
	c.wantChanged(lockstore.Move("", "r1", seats("A6", "A4"), seats("A7", "A8")), "A6", "A4", "A7", "A8") // A8 is ben's lock
	c.wantDelta(v, "A4 available", "A6 available", "A7 booked", "A8 booked")
	c.wantChanged(lockstore.Move(ann, "", seats("A3"), seats("A1")), "A3", "A1")
	c.sleep(c.ttl + c.tick)
	c.wantTaken("A1 booked", "A5 booked", "A7 booked", "A8 booked")
	c.wantChanged(lockstore.Cancel(ann, "r1", c.ev.Seats...), "A5", "A7")
	c.wantChanged(lockstore.Cancel(ben, "r1", c.ev.Seats...), "A8")
	c.wantRefused(confirmRef(ann, "r1", "A1"), lockstore.SeatBooked, "A1 booked") // has no reference
}

func moveTwice(c *check) {
	c.bookRef(ann, "r1", "A1", "A2")
	move := lockstore.Move(ann, "r1", seats("A1", "A2"), seats("A3", "A4"))
	c.do(move)
	c.unchanged(func() { c.wantChanged(move) })
	c.book(ben, "A1") // somebody else's by now
	c.unchanged(func() { c.wantChanged(move) })
	c.do(lockstore.Cancel(ann, "", "A4"))
	c.unchanged(func() { c.wantRefused(move, lockstore.NotBooked, "A1 booked", "A2 available") })
}

func moveNeedsBooking(c *check) {
	c.bookRef(ann, "r1", "A1")
	c.lock(ann, "A2")
	c.bookRef(ben, "r1", "A3")
	c.book(ann, "A4")
	move := func(user lockstore.UserID, ref lockstore.Ref, ids ...lockstore.SeatID) lockstore.Op {
		return lockstore.Move(user, ref, ids, seats("A6", "A7", "A8", "A9", "A10")[:len(ids)])
	}
	c.unchanged(func() {
		c.wantRefused(move(ann, "r1", "A5", "A4", "A3", "A2", "A1"), lockstore.NotBooked, "A5 available", "A4 booked", "A3 booked", "A2 locked")
		c.wantRefused(move(ann, "r2", "A1"), lockstore.NotBooked, "A1 booked")
		c.wantRefused(move("", "r2", "A1"), lockstore.NotBooked, "A1 booked")
		c.wantRefused(move(cat, "", "A1"), lockstore.NotBooked, "A1 booked")
	})
	c.do(move("", "r1", "A1", "A3"))
}

func moveNeedsRoom(c *check) {
	c.ev = c.event(12, c.ttl, 1)
	c.do(lockstore.Book(ann, "r1", "A1", "A2", "A3", "A4"))
	c.do(lockstore.Book(ben, "r1", "A5"))
	c.lock(cat, "A6")
	c.do(lockstore.Block("", "A7"))
	from := seats("A1", "A2", "A3", "A4")
	c.unchanged(func() {
		c.wantRefused(lockstore.Move(ann, "r1", from, seats("A6", "A8", "A7", "A5")), lockstore.SeatBooked, "A6 locked", "A7 blocked", "A5 booked")
		c.wantRefused(lockstore.Move(ann, "r1", from[:3], seats("A7", "A6", "A8")), lockstore.SeatLocked, "A7 blocked", "A6 locked")
		c.wantRefused(lockstore.Move(ann, "r1", from[:2], seats("A8", "A7")), lockstore.SeatBlocked, "A7 blocked")
		// A seat that she has booked herself is not free either.
		c.wantRefused(lockstore.Move(ann, "r1", seats("A1"), seats("A2")), lockstore.SeatBooked, "A2 booked")
		c.wantRefused(lockstore.Move(ann, "r1", seats("A5"), seats("A8")), lockstore.NotBooked, "A5 booked")
		c.wantRefused(lockstore.Move("", "r1", seats("A1", "A5"), seats("A8", "A6")), lockstore.SeatLocked, "A6 locked")
	})
	c.do(lockstore.Move(ann, "r1", from, seats("A8", "A9", "A10", "A11"))) // whatever the limit is
	c.wantTaken("A5 booked", "A6 locked", "A7 blocked", "A8 booked", "A9 booked", "A10 booked", "A11 booked")
}

// moveIsLikeCancelAndBook checks what becomes of expired locks and the seat limit.
func moveIsLikeCancelAndBook(c *check) {
	c.ev = c.event(10, c.ttl, 2)
	c.lock(ann, "A3")
	c.lock(ben, "A1", "A4")
	c.sleep(c.ttl + c.tick)
	c.bookRef(ann, "r1", "A1", "A2")
	c.do(lockstore.Move(ann, "", seats("A1", "A2"), seats("A3", "A4")))
	c.unchanged(func() {
		c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockNotHeld, "A1 available")
		c.wantRefused(lockstore.Confirm(ben, "A1", "A4"), lockstore.LockExpired, "A1 available", "A4 booked")
		c.wantOverLimit(lockstore.Lock(ann, "A1"), 2)
	})
	c.do(lockstore.Cancel(ann, "", "A3"))
	c.wantRefused(lockstore.Confirm(ann, "A3"), lockstore.LockNotHeld, "A3 available")
	c.lock(ann, "A1")
}

// moveRace has two seats moved back and forth. No list may show them twice or not at
// all.
func moveRace(c *check) {
	one, other := seats("A1", "A2"), seats("A3", "A4")
	c.do(lockstore.Book(ann, "r1", one...))
	c.race(6, func(user lockstore.UserID) {
		for n := range 10 {
			from, to := one, other
			if n%2 == 1 {
				from, to = to, from
			}
			if err := c.try(lockstore.Move(ann, "r1", from, to)); err != nil {
				c.Errorf("%v cannot be moved to %v: %v", from, to, err)
			}
			if got := c.listed(""); !slices.Equal(got, []string{"A1 booked", "A2 booked"}) && !slices.Equal(got, []string{"A3 booked", "A4 booked"}) {
				c.Errorf("during moves the list is %q", got)
			}
		}
	})
}
