package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/lockstore"
)

// working makes an event and returns an operation of each kind that changes something
// in it.
func (c *check) working() []lockstore.Op {
	c.Helper()
	c.ev = c.event(12, c.ttl, 0)
	end := c.hold(ann, "A2", "A3", "A4", "A5")
	c.do(lockstore.Book(ann, "r1", "A7", "A8"))
	c.do(lockstore.Block("house", "A11"))
	return []lockstore.Op{
		lockstore.Confirm(ann, "A2"),
		lockstore.Release(ann, "A3"),
		lockstore.Extend(ann, end.Add(c.ttl), "A4"),
		lockstore.Book(ann, "r2", "A6"),
		lockstore.Cancel(ann, "r1", "A7"),
		lockstore.Move(ann, "r1", seats("A8"), seats("A9")),
		lockstore.Block("house", "A10"),
		lockstore.Unblock("A11"),
		lockstore.Evict("", "A5"),
		lockstore.Lock(ann, "A1"), // the last, so that it lasts long enough
	}
}

// bounds returns a time that has been reached and one that has not.
func (c *check) bounds() (over, ahead time.Time) {
	if c.bubble {
		return c.soon(0), c.soon(c.tick)
	}
	return c.soon(-c.tick), c.soon(time.Minute)
}

// wantUndone checks that op fails with want and does nothing.
func (c *check) wantUndone(what string, op lockstore.Op, want error) {
	c.Helper()
	c.unchanged(func() {
		c.Helper()
		if err := c.try(op); !errors.Is(err, want) {
			c.Errorf("%s %s: %v, want %v", op.Kind, what, err, want)
		}
	})
}

func tooLate(c *check) {
	ops := c.working()
	for _, op := range ops {
		op.NotAfter, _ = c.bounds()
		c.wantUndone("at its NotAfter", op, lockstore.ErrTooLate)
		op.NotAfter = c.soon(-time.Hour)
		c.wantUndone("long after its NotAfter", op, lockstore.ErrTooLate)
	}
	c.sleep(300 * time.Microsecond) // so that the time is not a whole millisecond
	for _, op := range ops {
		over, ahead := c.bounds()
		op.NotAfter = over
		c.wantUndone("in the millisecond of its NotAfter", op, lockstore.ErrTooLate)
		op.NotAfter = ahead
		if got := c.do(op); len(got.Changed) == 0 {
			c.Errorf("%s before its NotAfter changes nothing", op.Kind)
		}
		op.NotAfter = over
		c.wantUndone("after it was carried out, and after its NotAfter", op, lockstore.ErrTooLate)
	}
}

// tooLateFirst checks that an operation that is too late fails with ErrTooLate even if
// it would be refused for another reason.
func tooLateFirst(c *check) {
	c.book(ann, "A1")
	over, _ := c.bounds()
	for _, op := range []lockstore.Op{lockstore.Lock(ben, "A1"), lockstore.Confirm(ben, "A1"), lockstore.Release(ann, "A1"), lockstore.Book(ben, "", "A1"), lockstore.Block("", "A1")} {
		op.NotAfter = over
		c.wantUndone("of a booked seat at its NotAfter", op, lockstore.ErrTooLate)
	}
}

func tooEarly(c *check) {
	c.bookRef(ann, "r1", "A1", "A2")
	cancel := lockstore.Cancel("", "r1", "A1")
	_, cancel.NotBefore = c.bounds()
	c.wantUndone("before its NotBefore", cancel, lockstore.ErrTooEarly)
	nothing := lockstore.Cancel("", "r1", "A3")
	nothing.NotBefore = cancel.NotBefore
	c.wantUndone("of nothing before its NotBefore", nothing, lockstore.ErrTooEarly)
	cancel.NotBefore, cancel.NotAfter = c.bounds()
	c.wantChanged(cancel, "A1")
	c.wantTaken("A2 booked")
	cancel = lockstore.Cancel("", "r1", "A2")
	cancel.NotBefore = c.soon(2 * c.tick)
	c.wantUndone("just before its NotBefore", cancel, lockstore.ErrTooEarly)
	c.sleep(3 * c.tick)
	c.wantChanged(cancel, "A2")
}

// cancelIsFinal has many users book seats until a moment, and others cancel them from
// that moment on. Once a cancel has succeeded, its seat stays available.
func cancelIsFinal(c *check) {
	const each = 3
	until, pause := c.soon(20*time.Millisecond), time.Millisecond
	if !c.bubble {
		until, pause = c.soon(300*time.Millisecond), 10*time.Millisecond
	}
	var all sync.WaitGroup
	var booked atomic.Int64
	final := make([]lockstore.Version, len(c.ev.Seats))
	for i, seat := range c.ev.Seats {
		for n := range each {
			op := lockstore.Book([]lockstore.UserID{ann, ben, cat}[n], "r", seat)
			op.NotAfter = until
			all.Go(func() {
				for {
					began := time.Now()
					err := c.try(op)
					switch {
					case errors.Is(err, lockstore.ErrTooLate):
						return
					case began.After(until.Add(c.tick)):
						c.Errorf("a booking of %s that began after its NotAfter: %v, want ErrTooLate", seat, err)
						return
					case err == nil:
						booked.Add(1)
					default:
						c.wantReason(err, lockstore.SeatBooked)
					}
					_ = c.try(lockstore.Cancel(op.User, "r", seat))
					time.Sleep(pause)
				}
			})
		}
		all.Go(func() {
			cancel := lockstore.Cancel("", "r", seat)
			cancel.NotBefore = until
			for errors.Is(c.try(cancel), lockstore.ErrTooEarly) {
				time.Sleep(pause)
			}
			final[i] = c.version()
		})
	}
	all.Wait()
	c.wantTaken()
	for i, v := range final {
		if v != "" && !c.list(v).Full {
			for _, s := range c.named(c.list(v)) {
				if s.ID == c.ev.Seats[i] {
					c.Errorf("%s has changed since it was cancelled for good", s.ID)
				}
			}
		}
	}
	if booked.Load() == 0 {
		c.Error("no seat was booked")
	}
}
