package storetest

import (
	"sync"
	"sync/atomic"
	"time"

	"seatlock/lockstore"
)

// with returns c.ev with other settings, as another process may have it.
func (c *check) with(ttl time.Duration, limit int) *lockstore.Event {
	ev := *c.ev
	ev.LockTTL, ev.SeatLimit = ttl, limit
	return &ev
}

// in runs f with another event.
func (c *check) in(ev *lockstore.Event, f func()) {
	mine := c.ev
	c.ev = ev
	f()
	c.ev = mine
}

// wantEnds checks when the locks on the first seats of the event end, as lists and
// refusals show it to callers with each of the settings.
func (c *check) wantEnds(settings []*lockstore.Event, ends ...time.Time) {
	c.Helper()
	first := c.ev.Seats[:len(ends)]
	for _, ev := range settings {
		c.in(ev, func() {
			c.Helper()
			err := c.try(lockstore.Lock("a stranger", first...))
			refusal, ok := err.(*lockstore.ConflictError)
			listed := c.named(c.list(""))
			if !ok || len(refusal.Seats) != len(ends) || len(listed) < len(ends) {
				c.Fatalf("with locks of %v: %d seats are listed, and a lock of %v fails with %v", ev.LockTTL, len(listed), first, err)
			}
			for i, want := range ends {
				for _, got := range []lockstore.Seat{refusal.Seats[i], listed[i]} {
					if got.ID != first[i] || !got.Expires.Equal(want) {
						c.Errorf("with locks of %v: the lock of %s ends at %v, want that of %s at %v", ev.LockTTL, got.ID, got.Expires, first[i], want)
					}
				}
			}
		})
	}
}

func lockTimeOfTheCall(c *check) {
	long, short := c.with(3*c.ttl, 0), c.with(c.ttl, 0)
	all := []*lockstore.Event{short, long}
	var a1, a2, a3 lockstore.Result
	c.in(long, func() { a1 = c.do(lockstore.Lock(ann, "A1")) })
	c.in(short, func() { a2 = c.do(lockstore.Lock(ben, "A2")) })
	if c.unsure() == 0 {
		c.wantTime("the end of a long lock", a1.Expires, a1.Now.Add(long.LockTTL))
		c.wantTime("the end of a short lock", a2.Expires, a2.Now.Add(short.LockTTL))
	}
	c.wantEnds(all, a1.Expires, a2.Expires)

	again := func(user lockstore.UserID, seat lockstore.SeatID, want time.Time) {
		c.Helper()
		for _, ev := range all {
			c.in(ev, func() {
				if got := c.lock(user, seat); !got.Equal(want) {
					c.Errorf("a second lock of %s with locks of %v ends at %v, want %v", seat, ev.LockTTL, got, want)
				}
			})
		}
	}
	again(ann, "A1", a1.Expires)
	again(ben, "A2", a2.Expires)
	c.in(short, func() { a3 = c.do(lockstore.Lock(ann, "A1", "A3")) }) // the one that ends first is the new one
	c.wantEnds(all, a1.Expires, a2.Expires, a3.Expires)

	c.sleep(short.LockTTL + c.tick)
	for _, ev := range all {
		c.in(ev, func() {
			c.wantTaken("A1 locked")
			c.wantRefused(lockstore.Confirm(ben, "A2"), lockstore.LockExpired, "A2 available")
		})
	}
	c.in(long, func() { c.lock(cat, "A2") }) // a seat whose lock was short gets a long one
	c.in(short, func() {
		c.confirm(ann, "A1")
		c.sleep(short.LockTTL + c.tick)
		c.wantTaken("A1 booked", "A2 locked")
		c.confirm(cat, "A2")
	})
}

func seatLimitOfTheCall(c *check) {
	none, one, three := c.with(c.ttl, 0), c.with(c.ttl, 1), c.with(c.ttl, 3)
	c.in(none, func() { c.lock(ann, "A1", "A2", "A3", "A4") })
	c.in(three, func() {
		c.wantOverLimit(lockstore.Lock(ann, "A5"), 4)
		c.lock(ann, "A1", "A2", "A3", "A4") // she has them
		c.lock(ben, "A6")
	})
	c.in(one, func() {
		c.confirm(ann, "A1", "A2")
		c.release(ann, "A3")
		c.wantOverLimit(lockstore.Lock(ann, "A5"), 3)
		c.wantOverLimit(lockstore.Lock(ben, "A5"), 1)
	})
	c.in(none, func() { c.lock(ann, "A5") })
	c.in(three, func() { c.wantOverLimit(lockstore.Lock(ann, "A3"), 4) })
	c.in(c.with(c.ttl, 5), func() { c.lock(ann, "A3") })
	c.wantTaken("A1 booked", "A2 booked", "A3 locked", "A4 locked", "A5 locked", "A6 locked")
}

// limitCountsAllLocks checks that a limit counts a lock until its own end, whatever
// the settings of the call that made it.
func limitCountsAllLocks(c *check) {
	long, short := c.with(4*c.ttl, 2), c.with(c.ttl, 2)
	c.in(short, func() { c.lock(ann, "A1") })
	c.in(long, func() {
		c.lock(ann, "A2")
		c.wantOverLimit(lockstore.Lock(ann, "A3"), 2)
	})
	c.sleep(short.LockTTL + c.tick)
	c.in(short, func() {
		c.lock(ann, "A3")
		c.wantOverLimit(lockstore.Lock(ann, "A4"), 2)
	})
	c.sleep(short.LockTTL + c.tick)
	c.in(long, func() {
		c.lock(ann, "A4")
		c.wantOverLimit(lockstore.Lock(ann, "A5"), 2)
	})
}

// settingsUnderRace has many users lock at the same time, each with settings of
// its own.
func settingsUnderRace(c *check) {
	const users = 40
	c.ev = c.event(users, c.ttl, 0)
	var all []*lockstore.Event
	for i := range users {
		all = append(all, c.with(c.ttl+time.Duration(i)*time.Second, i%3))
	}
	ends := make([]time.Time, users)
	var number atomic.Int64
	c.race(users, func(user lockstore.UserID) {
		i := int(number.Add(1)) - 1
		unsure := c.unsure()
		got, err := c.Do(c.ctx, all[i], lockstore.Lock(user, c.ev.Seats[i]))
		if err != nil {
			c.Error(err)
			return
		}
		if want := got.Now.Add(all[i].LockTTL); c.unsure() == unsure && !got.Expires.Equal(want) {
			c.Errorf("a lock of %v ends at %v, want %v", all[i].LockTTL, got.Expires, want)
		}
		ends[i] = got.Expires
	})
	c.wantEnds([]*lockstore.Event{all[0], all[users-1]}, ends...)
}

// limitsUnderRace has one user lock many seats at the same time, half of them with
// another limit.
func limitsUnderRace(c *check) {
	c.ev = c.event(50, c.ttl, 0)
	low, high := c.with(c.ttl, 3), c.with(2*c.ttl, 6)
	var won, wonLow atomic.Int64
	var all sync.WaitGroup
	for i, seat := range c.ev.Seats {
		all.Go(func() {
			ev := []*lockstore.Event{low, high}[i%2]
			_, err := c.Do(c.ctx, ev, lockstore.Lock(ann, seat))
			if err == nil {
				won.Add(1)
				if ev == low {
					wonLow.Add(1)
				}
				return
			}
			c.wantConflict(err, lockstore.OverSeatLimit)
			if e, ok := err.(*lockstore.ConflictError); ok && (e.Held < ev.SeatLimit || e.Held > high.SeatLimit) {
				c.Errorf("a lock with a limit of %d is refused because the user has %d seats", ev.SeatLimit, e.Held)
			}
		})
	}
	all.Wait()
	if won.Load() != 6 || wonLow.Load() > 3 || len(c.list("").Seats) != 6 {
		c.Errorf("%d locks succeed, %d of them with the limit 3, and %d seats are taken; want 6, at most 3, and 6",
			won.Load(), wonLow.Load(), len(c.list("").Seats))
	}
}
