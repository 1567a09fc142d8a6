package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/lockstore"
)

func manyUsersOneSeat(c *check) {
	const users = 1000
	var winner atomic.Pointer[lockstore.UserID]
	c.race(users, func(user lockstore.UserID) {
		err := c.try(lockstore.Lock(user, "A1"))
		if err == nil && winner.Swap(&user) != nil {
			c.Errorf("%s is the second user to lock the seat", user)
		}
		if err != nil {
			c.wantConflict(err, lockstore.SeatLocked, "A1 locked")
		}
	})
	if winner.Load() == nil {
		c.Fatal("no user could lock the seat")
	}
	var booked atomic.Int32
	c.race(users, func(user lockstore.UserID) {
		if c.try(lockstore.Confirm(user, "A1")) == nil {
			booked.Add(1)
			if user != *winner.Load() {
				c.Errorf("%s confirms the seat that %s locked", user, *winner.Load())
			}
		}
	})
	if n := booked.Load(); n != 1 {
		c.Errorf("%d users confirm the seat, want 1", n)
	}
	c.wantTaken("A1 booked")
}

// race runs do for n users at the same time.
func (c *check) race(n int, do func(lockstore.UserID)) {
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			do(lockstore.UserID(fmt.Sprintf("user%d", i)))
		})
	}
	close(start)
	all.Wait()
}

func parallelUsers(c *check) {
	const users = 40
	c.ev = c.event(users, c.ttl, 0)
	var number atomic.Int64
	c.race(users, func(user lockstore.UserID) {
		seat := c.ev.Seats[number.Add(1)-1]
		for range 5 {
			c.lock(user, seat)
			c.release(user, seat)
		}
		c.book(user, seat)
	})
	if n := len(c.list("").Seats); n != users {
		c.Errorf("%d seats are booked, want %d", n, users)
	}
}

func lockAllOrNone(c *check) {
	c.lock(ann, "A2")
	c.unchanged(func() {
		c.wantRefused(lockstore.Lock(ben, "A1", "A2", "A3"), lockstore.SeatLocked, "A2 locked")
		c.wantRefused(lockstore.Lock(ben, "A2", "A3"), lockstore.SeatLocked, "A2 locked")
	})
	c.lock(cat, "A1", "A3")
}

func confirmAllOrNone(c *check) {
	c.lock(ann, "A1", "A3")
	c.unchanged(func() {
		c.wantRefused(lockstore.Confirm(ann, "A1", "A2", "A3"), lockstore.LockNotHeld, "A2 available")
		c.wantRefused(lockstore.Confirm(ann, "A3", "A2"), lockstore.LockNotHeld, "A2 available")
	})
	c.confirm(ann, "A1", "A3")
}

// overlappingGroups has each of many users lock four seats in a row. No list may show
// a part of a group, and no user may get one.
func overlappingGroups(c *check) {
	var number, won atomic.Int64
	c.ev = c.event(40, c.ttl, 0)
	c.race(60, func(user lockstore.UserID) {
		at := int(number.Add(1)*7) % 37
		group := c.ev.Seats[at : at+4]
		if c.try(lockstore.Lock(user, group...)) == nil {
			won.Add(1)
			c.confirm(user, group...)
		}
		if n := len(c.list("").Seats); n%4 != 0 {
			c.Errorf("%d seats are taken, want whole groups of 4", n)
		}
	})
	snap := c.list("")
	if len(snap.Seats) != int(won.Load())*4 || won.Load() == 0 {
		c.Errorf("%d users have locked a group, and %d seats are taken", won.Load(), len(snap.Seats))
	}
}

func relockKeepsTime(c *check) {
	first := c.lock(ann, "A1")
	for range 2 {
		c.sleep(c.ttl / 3)
		c.unchanged(func() {
			if again := c.lock(ann, "A1"); !again.Equal(first) {
				c.Errorf("a second lock moves the end from %v to %v", first, again)
			}
		})
	}
	c.sleep(c.ttl/3 + c.tick)
	c.wantTaken()
	c.lock(ben, "A1")
}

func lockSomeHeld(c *check) {
	first := c.lock(ann, "A1")
	c.sleep(c.ttl / 2)
	if both := c.lock(ann, "A2", "A1"); !both.Equal(first) {
		c.Errorf("Expires is %v, want the first end, %v", both, first)
	}
	c.sleep(c.ttl/2 + c.tick)
	c.wantTaken("A2 locked")
	c.sleep(c.ttl / 2)
	c.wantTaken()
}

func lockBooked(c *check) {
	c.book(ann, "A1")
	c.unchanged(func() {
		for _, user := range []lockstore.UserID{ann, ben} {
			c.wantRefused(lockstore.Lock(user, "A1"), lockstore.SeatBooked, "A1 booked")
			c.wantRefused(lockstore.Lock(user, "A2", "A1"), lockstore.SeatBooked, "A1 booked")
		}
	})
}

func lockLasts(c *check) {
	now := time.Now()
	c.wantTime("the end of the lock", c.lock(ann, "A1"), now.Add(c.ttl))
	c.sleep(c.ttl - c.tick)
	c.wantRefused(lockstore.Lock(ben, "A1"), lockstore.SeatLocked, "A1 locked")
	c.wantTaken("A1 locked")
}

func lockEnds(c *check) {
	c.lock(ann, "A1", "A2")
	c.sleep(c.ttl + c.tick)
	c.lock(ben, "A1")
	c.wantRefused(lockstore.Confirm(ann, "A2"), lockstore.LockExpired, "A2 available")
	c.wantTaken("A1 locked")
	c.confirm(ben, "A1")
	c.release(ann, "A1") // it is no longer hers
	c.wantTaken("A1 booked")
}

// lockIsOver needs a bubble, in which every call takes place at an exact time.
func lockIsOver(c *check) {
	if !c.bubble {
		return
	}
	end := c.lock(ann, "A1", "A2")
	c.sleep(c.ttl - c.tick)
	c.wantTaken("A1 locked", "A2 locked")
	c.wantRefused(lockstore.Lock(ben, "A1"), lockstore.SeatLocked, "A1 locked")
	c.sleep(c.tick)
	c.wantTime("the time", time.Now(), end)
	c.wantTaken()
	c.wantRefused(lockstore.Confirm(ann, "A1"), lockstore.LockExpired, "A1 available")
	c.wantChanged(lockstore.Release(ann, "A2"))
	c.lock(ben, "A1")
	c.wantTaken("A1 locked")
}

func eachEventItsTime(c *check) {
	short, long := c.event(1, 10*time.Millisecond, 0), c.event(1, 24*time.Hour, 0)
	for _, ev := range []*lockstore.Event{short, long} {
		c.ev = ev
		c.wantTime("the end of the lock", c.lock(ann, "A1"), time.Now().Add(ev.LockTTL))
	}
	c.sleep(24*time.Hour - c.tick)
	c.ev = short
	c.wantTaken()
	c.ev = long
	c.wantTaken("A1 locked")
	if c.bubble {
		c.sleep(2 * c.tick)
		c.wantTaken()
	}
}

func conflictNamesAll(c *check) {
	first := c.lock(ann, "A1")
	c.sleep(time.Second)
	second := c.lock(ben, "A3")
	c.lock(cat, "A5")
	err := c.try(lockstore.Lock(cat, "A5", "A4", "A3", "A2", "A1"))
	c.wantConflict(err, lockstore.SeatLocked, "A3 locked", "A1 locked")
	c.wantRefused(lockstore.Confirm(ben, "A5", "A4", "A3", "A1"), lockstore.LockNotHeld, "A5 locked", "A4 available", "A1 locked")

	e, ok := err.(*lockstore.ConflictError)
	if !ok || len(e.Seats) != 2 {
		c.Fatalf("the error is %v", err)
	}
	if !e.Seats[0].Expires.Equal(second) || !e.Seats[1].Expires.Equal(first) {
		c.Errorf("the locks in the way end at %v and %v, want %v and %v", e.Seats[0].Expires, e.Seats[1].Expires, second, first)
	}
}

func conflictOrder(c *check) {
	c.ev = c.event(10, c.ttl, 2)
	c.lock(ann, "A1")
	c.book(ben, "A2")
	c.wantRefused(lockstore.Lock(cat, "A1", "A2", "A3"), lockstore.SeatBooked, "A1 locked", "A2 booked")
	c.wantRefused(lockstore.Lock(cat, "A1", "A3", "A4"), lockstore.SeatLocked, "A1 locked")
	c.wantRefused(lockstore.Lock(cat, "A3", "A4", "A5"), lockstore.OverSeatLimit)
	c.wantTaken("A1 locked", "A2 booked")
}
