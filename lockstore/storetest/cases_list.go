package storetest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"seatlock/lockstore"
)

func fullList(c *check) {
	c.wantTaken()
	c.lock(ann, "A10", "A2")
	c.book(ben, "A1")
	c.sleep(time.Second)
	last := c.lock(cat, "A9")
	snap := c.list("")
	if got, want := states(c.named(snap)), []string{"A1 booked", "A2 locked", "A9 locked", "A10 locked"}; !snap.Full || !slices.Equal(got, want) {
		c.Errorf("Full is %v and the seats are %q, want %q", snap.Full, got, want)
		return
	}
	c.wantTime("the time of the list", time.UnixMilli(snap.Now), time.Now())
	for i, want := range []time.Time{{}, last.Add(-time.Second), last, last.Add(-time.Second)} {
		s := c.ev.Seat(snap.Seats[i])
		c.wantTime(fmt.Sprintf("the end of %s, which is %s,", s.ID, s.Status), s.Expires, want)
	}
}

func deltaIsWhatChanged(c *check) {
	v0 := c.version()
	c.lock(ann, "A3", "A1")
	v1 := c.wantDelta(v0, "A1 locked", "A3 locked")
	c.release(ann, "A1")
	v2 := c.wantDelta(v1, "A1 available")
	c.confirm(ann, "A3")
	v3 := c.wantDelta(v2, "A3 booked")
	c.lock(ben, "A1")
	c.release(ben, "A1")
	c.lock(cat, "A1", "A2")
	v4 := c.wantDelta(v3, "A1 locked", "A2 locked")
	c.wantDelta(v4)
	c.wantDelta(v2, "A1 locked", "A2 locked", "A3 booked")
	c.wantDelta(v0, "A1 locked", "A2 locked", "A3 booked")
	c.wantTime("the time of the delta", time.UnixMilli(c.list(v0).Now), time.Now())
}

func deltaHasEachKind(c *check) {
	want := map[lockstore.Kind][]string{
		lockstore.KindLock: {"A1 locked"}, lockstore.KindConfirm: {"A2 booked"}, lockstore.KindRelease: {"A3 available"},
		lockstore.KindExtend: {"A4 locked"}, lockstore.KindBook: {"A6 booked"}, lockstore.KindCancel: {"A7 available"},
		lockstore.KindMove: {"A8 available", "A9 booked"}, lockstore.KindBlock: {"A10 blocked"},
		lockstore.KindUnblock: {"A11 available"}, lockstore.KindEvict: {"A5 available"},
	}
	ops := c.working()
	v := c.version()
	for _, op := range ops {
		c.do(op)
		v = c.wantDelta(v, want[op.Kind]...)
	}
	c.wantTaken("A1 locked", "A2 booked", "A4 locked", "A6 booked", "A9 booked", "A10 blocked")
}

func nothingChanged(c *check) {
	c.lock(ann, "A1")
	c.book(ann, "A2")
	v := c.version()
	c.lock(ann, "A1")
	c.confirm(ann, "A2")
	c.release(ann, "A3")
	_ = c.try(lockstore.Lock(ben, "A1", "A3")) // these fail, as other cases check
	_ = c.try(lockstore.Confirm(ben, "A1"))
	_ = c.try(lockstore.Release(ann, "A2"))
	if now := c.wantDelta(v); now != v {
		c.Errorf("nothing has changed, but the Version went from %q to %q", v, now)
	}
}

func expiryNoChange(c *check) {
	v0 := c.version()
	c.lock(ann, "A1")
	v1 := c.version()
	c.sleep(c.ttl + c.tick)
	if now := c.wantDelta(v1); now != v1 {
		c.Errorf("a lock expired, and the Version went from %q to %q", v1, now)
	}
	c.wantTaken()
	c.wantDelta(v0, "A1 available")
}

func unknownVersion(c *check) {
	c.book(ann, "A1")
	old := c.version()
	c.ev = c.event(10, c.ttl, 0)
	c.lock(ben, "A2")
	for _, v := range []lockstore.Version{
		old, "0", "-1", "x", "0-0-0", "99999999999999999999999", "9999999999999-0", "99999999999999-99", "%", "漢", "a b",
		"x" + c.version(),
	} {
		snap := c.list(v)
		if got := states(c.named(snap)); !snap.Full || !slices.Equal(got, []string{"A2 locked"}) {
			c.Errorf("since %q: Full is %v and the seats are %q", v, snap.Full, got)
		}
	}
}

// farBehind makes more changes than a store needs to remember, and checks the
// list since every Version: it must be full, or the right delta.
func farBehind(c *check) {
	c.ev = c.event(lockstore.MaxSeats+1, c.ttl, 0)
	c.lock(ann, c.ev.Seats[lockstore.MaxSeats])
	before := c.list("")
	versions := []lockstore.Version{before.Version}
	for range 250 {
		c.lock(ben, c.ev.Seats[:lockstore.MaxSeats]...)
		versions = append(versions, c.version())
		c.release(ben, c.ev.Seats[:lockstore.MaxSeats]...)
	}
	c.release(ann, c.ev.Seats[lockstore.MaxSeats])
	c.lock(ben, "A7")
	for i, v := range versions {
		snap := c.list(v)
		switch {
		case snap.Full && !slices.Equal(states(c.named(snap)), []string{"A7 locked"}):
			c.Errorf("%d Versions behind, the full list is %q", len(versions)-i, states(c.named(snap)))
		case !snap.Full && len(snap.Seats) != len(c.ev.Seats):
			c.Errorf("%d Versions behind, the delta is %q", len(versions)-i, states(c.named(snap)))
		}
	}
	if c.list(versions[len(versions)-1]).Full {
		c.Error("the list is full after the changes of two calls")
	}
}

func listSeesAcknowledged(c *check) {
	const users = 30
	c.ev = c.event(users*3, c.ttl, 0)
	var mu sync.Mutex
	next := 0
	c.race(users, func(user lockstore.UserID) {
		mu.Lock()
		mine := c.ev.Seats[next : next+3]
		next += 3
		mu.Unlock()
		v := c.version()
		c.lock(user, mine...)
		for _, since := range []lockstore.Version{"", v} {
			got := c.listed(since)
			for _, seat := range mine {
				if !slices.Contains(got, string(seat)+" locked") {
					c.Errorf("the list since %q lacks the lock of %s, which was acknowledged before", since, seat)
				}
			}
		}
		c.confirm(user, mine[0])
		if got := c.listed(v); !slices.Contains(got, string(mine[0])+" booked") {
			c.Errorf("the delta lacks the booking of %s, which was acknowledged before", mine[0])
		}
	})
}

func versionForm(c *check) {
	for range 3 {
		if v := c.version(); v == "" || v.Check() != nil {
			c.Errorf("the Version is %q: %v", v, v.Check())
		}
		c.book(ann, c.ev.Seats[len(c.list("").Seats)])
	}
}
