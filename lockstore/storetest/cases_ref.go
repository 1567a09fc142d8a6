package storetest

import (
	"strings"

	"seatlock/lockstore"
)

// bookRef has the user lock the seats and confirm them with the reference.
func (c *check) bookRef(user lockstore.UserID, ref lockstore.Ref, ids ...lockstore.SeatID) {
	c.Helper()
	c.lock(user, ids...)
	c.do(confirmRef(user, ref, ids...))
}

func confirmRef(user lockstore.UserID, ref lockstore.Ref, ids ...lockstore.SeatID) lockstore.Op {
	op := lockstore.Confirm(user, ids...)
	op.Ref = ref
	return op
}

func confirmKeepsRef(c *check) {
	c.bookRef(ann, "r1", "A1")
	c.book(ann, "A2")
	c.unchanged(func() {
		c.wantChanged(confirmRef(ann, "r1", "A1"))
		c.wantChanged(confirmRef(ann, "", "A1", "A2"))
		c.wantChanged(lockstore.Cancel(ann, "r2", "A1", "A2"))
		c.wantChanged(lockstore.Cancel(ann, "R1", "A1"))
	})
	c.lock(ann, "A3")
	c.wantChanged(confirmRef(ann, "r1", "A3", "A1"), "A3")
	c.wantChanged(lockstore.Cancel("", "r1", "A1", "A2", "A3"), "A1", "A3")
}

func confirmOtherRef(c *check) {
	c.bookRef(ann, "r1", "A1")
	c.book(ann, "A2")
	c.lock(ann, "A3")
	c.unchanged(func() {
		c.wantRefused(confirmRef(ann, "r2", "A1"), lockstore.SeatBooked, "A1 booked")
		c.wantRefused(confirmRef(ann, "r1", "A1", "A2", "A3"), lockstore.SeatBooked, "A2 booked") // was booked without one
		c.wantRefused(confirmRef(ann, "r2", "A3", "A2", "A1"), lockstore.SeatBooked, "A2 booked", "A1 booked")
		c.wantRefused(confirmRef(ben, "r1", "A1"), lockstore.LockNotHeld, "A1 booked")
	})
	c.wantChanged(confirmRef(ann, "r2", "A3"), "A3")
}

// confirmReasons checks the order of the reasons: booked, not held, expired.
func confirmReasons(c *check) {
	c.lock(ann, "A1")
	c.sleep(c.ttl + c.tick)
	c.bookRef(ann, "r1", "A2")
	c.unchanged(func() {
		c.wantRefused(confirmRef(ann, "r2", "A1"), lockstore.LockExpired, "A1 available")
		c.wantRefused(confirmRef(ann, "r2", "A1", "A3"), lockstore.LockNotHeld, "A1 available", "A3 available")
		c.wantRefused(confirmRef(ann, "r2", "A1", "A3", "A2"), lockstore.SeatBooked, "A1 available", "A3 available", "A2 booked")
	})
}

// refsApart uses references that a store could confuse by their case or by the way
// it encodes them.
func refsApart(c *check) {
	refs := []lockstore.Ref{"a", "A", "0", "-1", "-", ".", "_", "b", "nil", "null", "ann", "1e3", "1000", "01",
		lockstore.Ref(strings.Repeat("x", lockstore.MaxIDLen)), lockstore.Ref(strings.Repeat("x", lockstore.MaxIDLen-1) + "y")}
	c.ev = c.event(len(refs), c.ttl, 0)
	for i, ref := range refs {
		c.bookRef(ann, ref, c.ev.Seats[i])
	}
	for i, ref := range refs {
		c.wantChanged(confirmRef(ann, ref, c.ev.Seats[i]))
		c.wantChanged(lockstore.Cancel("", ref, c.ev.Seats...), c.ev.Seats[i])
	}
}
