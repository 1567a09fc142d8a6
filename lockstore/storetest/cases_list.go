package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
)

func fullList(c *check) {
	c.wantTaken()
	c.lock(ann, "A10", "A2")
	c.book(ben, "A1")
	time.Sleep(time.Second)
	last := c.lock(cat, "A9")
	snap := c.list("")
	if got, want := states(snap.Seats), []string{"A1 booked", "A2 locked", "A9 locked", "A10 locked"}; !snap.Full || !slices.Equal(got, want) {
		c.Errorf("full is %v, the seats are %q, want %q", snap.Full, got, want)
	}
	if !snap.Time.Equal(time.Now()) {
		c.Errorf("the list is of %v, and it is %v", snap.Time, time.Now())
	}
	for i, want := range []time.Time{{}, last.Add(-time.Second), last, last.Add(-time.Second)} {
		if s := snap.Seats[i]; !s.Expires.Equal(want) {
			c.Errorf("%s %s until %v, want %v", s.ID, s.Status, s.Expires, want)
		}
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
	if snap := c.list(v0); !snap.Time.Equal(time.Now()) {
		c.Errorf("the changes are of %v, and it is %v", snap.Time, time.Now())
	}
}

func nothingChanged(c *check) {
	c.lock(ann, "A1")
	c.book(ann, "A2")
	v := c.version()
	c.lock(ann, "A1")
	c.confirm(ann, "A2")
	c.release(ann, "A3")
	_ = c.lockErr(ben, "A1", "A3") // all of these fail, which other cases see to
	_ = c.confirmErr(ben, "A1")
	_ = c.releaseErr(ann, "A2")
	if now := c.wantDelta(v); now != v {
		c.Errorf("nothing changed, but the Version went from %q to %q", v, now)
	}
}

func runningOutNoEntry(c *check) {
	v0 := c.version()
	c.lock(ann, "A1")
	v1 := c.version()
	time.Sleep(ttl + tick)
	if now := c.wantDelta(v1); now != v1 {
		c.Errorf("a lock ran out, and the Version went from %q to %q", v1, now)
	}
	c.wantTaken()
	c.wantDelta(v0, "A1 available")
}

func unknownVersion(c *check) {
	c.book(ann, "A1")
	old := c.version()
	c.ev = c.event(10, ttl, 0)
	c.lock(ben, "A2")
	for _, v := range []lockstore.Version{
		old, "0", "-1", "x", "0-0-0", "99999999999999999999999", "9999999999999-0", "99999999999999-99", "%", "漢", "a b",
		"x" + c.version(),
	} {
		snap := c.list(v)
		if got := states(snap.Seats); !snap.Full || !slices.Equal(got, []string{"A2 locked"}) {
			c.Errorf("since %q: full is %v, the seats are %q", v, snap.Full, got)
		}
	}
}

// farBehind makes more changes than a store needs to remember and checks that
// from any point on, a list is right: a delta that folds, or full.
func farBehind(c *check) {
	c.ev = c.event(lockstore.MaxSeats+1, ttl, 0)
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
		case snap.Full && !slices.Equal(states(snap.Seats), []string{"A7 locked"}):
			c.Errorf("%d versions behind the list is full and says %q", len(versions)-i, states(snap.Seats))
		case !snap.Full && len(snap.Seats) != len(c.ev.Seats):
			c.Errorf("%d versions behind the changes are %q", len(versions)-i, states(snap.Seats))
		}
	}
	if c.list(versions[len(versions)-1]).Full {
		c.Error("the changes of two calls are too many for a delta")
	}
}

func listSeesAcknowledged(c *check) {
	const users = 30
	c.ev = c.event(users*3, ttl, 0)
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
			got := states(c.list(since).Seats)
			for _, seat := range mine {
				if !slices.Contains(got, string(seat)+" locked") {
					c.Errorf("the list since %q does not have %s, whose lock was acknowledged before", since, seat)
				}
			}
		}
		c.confirm(user, mine[0])
		if got := states(c.list(v).Seats); !slices.Contains(got, string(mine[0])+" booked") {
			c.Errorf("the list does not have the booking of %s, acknowledged before", mine[0])
		}
	})
}

func versionForm(c *check) {
	for range 3 {
		if v := c.version(); v == "" || v.Check() != nil {
			c.Errorf("%q is no Version: %v", v, v.Check())
		}
		c.book(ann, c.ev.Seats[len(c.list("").Seats)])
	}
}

// wait starts a Wait for the version. returned tells, once all is quiet,
// whether it came back, and with what.
func (c *check) wait(ctx context.Context, since lockstore.Version) (returned func() (bool, error)) {
	done := make(chan error, 1)
	go func() { done <- c.Wait(ctx, c.ev, since) }()
	return func() (bool, error) {
		synctest.Wait()
		select {
		case err := <-done:
			done <- err
			return true, err
		default:
			return false, nil
		}
	}
}

// wantWoken and wantWaiting check on a Wait.

func (c *check) wantWoken(returned func() (bool, error), by string) {
	c.Helper()
	if woken, err := returned(); !woken || err != nil {
		c.Errorf("after %s: Wait returned: %v, with %v", by, woken, err)
	}
}

func (c *check) wantWaiting(returned func() (bool, error), in spite) {
	c.Helper()
	if woken, err := returned(); woken {
		c.Errorf("Wait returned (%v) in spite of %s", err, in)
	}
}

type spite string

func waitBeyond(c *check) {
	old := c.version()
	c.lock(ann, "A1")
	for _, v := range []lockstore.Version{"", old, "x", "99999999999999-0"} {
		c.wantWoken(c.wait(c.ctx, v), "the event was beyond "+string(v))
	}
}

func waitIsWoken(c *check) {
	steps := []struct {
		by string
		do func()
	}{
		{"a lock", func() { c.lock(ann, "A1", "A2") }},
		{"a confirm", func() { c.confirm(ann, "A1") }},
		{"a release", func() { c.release(ann, "A2") }},
	}
	for _, step := range steps {
		v := c.version()
		var waits []func() (bool, error)
		for range 20 {
			waits = append(waits, c.wait(c.ctx, v))
		}
		c.wantWaiting(waits[0], "nothing")
		step.do()
		for _, w := range waits {
			c.wantWoken(w, step.by)
		}
	}
}

func waitNotWoken(c *check) {
	c.lock(ann, "A1")
	c.book(ann, "A2")
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	w := c.wait(ctx, c.version())
	steps := []struct {
		in spite
		do func()
	}{
		{"a second lock", func() { c.lock(ann, "A1") }},
		{"a second confirm", func() { c.confirm(ann, "A2") }},
		{"a release of nothing", func() { c.release(ben, "A1") }},
		{"a refused lock", func() { _ = c.lockErr(ben, "A1") }},
		{"a change of another event", func() {
			mine := c.ev
			c.ev = c.event(1, ttl, 0)
			c.lock(ben, "A1")
			c.ev = mine
		}},
		{"a lock running out", func() { time.Sleep(ttl + tick) }},
	}
	for _, step := range steps {
		step.do()
		c.wantWaiting(w, step.in)
	}
	c.lock(ben, "A1")
	c.wantWoken(w, "a lock")
}

func waitEnds(c *check) {
	v := c.version()
	ctx, cancel := context.WithCancel(c.ctx)
	w := c.wait(ctx, v)
	c.wantWaiting(w, "nothing")
	cancel()
	if woken, err := w(); !woken || !errors.Is(err, context.Canceled) {
		c.Errorf("a cancelled Wait returned: %v, with %v", woken, err)
	}
	ctx, cancel = context.WithTimeout(c.ctx, time.Second)
	defer cancel()
	w = c.wait(ctx, v)
	time.Sleep(time.Second + tick)
	if woken, err := w(); !woken || !errors.Is(err, context.DeadlineExceeded) {
		c.Errorf("a Wait past its deadline returned: %v, with %v", woken, err)
	}
}

func endedContext(c *check) {
	c.lock(ann, "A1")
	ctx, cancel := context.WithCancel(c.ctx)
	cancel()
	c.unchanged(func() {
		_, lockErr := c.Lock(ctx, c.ev, seats("A2"), ann)
		_, listErr := c.List(ctx, c.ev, "")
		for call, err := range map[string]error{
			"lock": lockErr, "list": listErr,
			"confirm": c.Confirm(ctx, c.ev, seats("A1"), ann),
			"release": c.Release(ctx, c.ev, seats("A1"), ann),
		} {
			if !errors.Is(err, context.Canceled) {
				c.Errorf("%s with a cancelled context: %v", call, err)
			}
		}
	})
	c.wantTaken("A1 locked")
}

func otherSeats(c *check) {
	c.lock(ann, "A1")
	v := c.version()
	ids := c.ev.Seats
	layouts := map[string][]lockstore.SeatID{
		"one seat more": append(slices.Clone(ids), "B1"),
		"one seat less": ids[:9],
		"another order": append(slices.Clone(ids[1:]), ids[0]),
		"other names":   {"B1", "B2"},
	}
	for name, layout := range layouts {
		other, err := lockstore.NewEvent(c.ev.ID, layout, ttl, 0)
		if err != nil {
			c.Fatal(err)
		}
		_, lockErr := c.Lock(c.ctx, other, layout[:1], ben)
		_, listErr := c.List(c.ctx, other, "")
		for call, err := range map[string]error{
			"lock": lockErr, "list": listErr,
			"confirm": c.Confirm(c.ctx, other, layout[:1], ann),
			"release": c.Release(c.ctx, other, layout[:1], ann),
			"wait":    c.Wait(c.ctx, other, ""),
		} {
			if !errors.Is(err, lockstore.ErrOtherSeats) {
				c.Errorf("%s with %s: %v", call, name, err)
			}
		}
	}
	c.wantDelta(v)
	same, err := lockstore.NewEvent(c.ev.ID, ids, 2*ttl, 5)
	if err != nil {
		c.Fatal(err)
	}
	c.ev = same // the seats are what counts
	c.wantTaken("A1 locked")
	c.confirm(ann, "A1")
}

func eventsApart(c *check) {
	one, two := c.ev, c.event(10, ttl, 0)
	c.lock(ann, "A1")
	c.ev = two
	c.wantTaken()
	c.lock(ben, "A1")
	c.confirm(ben, "A1")
	c.wantConflict(c.confirmErr(ann, "A1"), lockstore.LockNotHeld, "A1 booked")
	c.ev = one
	c.wantTaken("A1 locked")
	c.release(ann, "A1")
	c.ev = two
	c.wantTaken("A1 booked")
}

func slicesNotShared(c *check) {
	mine := seats("A1", "A2")
	c.lock(ann, mine...)
	mine[0], mine[1] = "A8", "A9"
	c.wantTaken("A1 locked", "A2 locked")

	v := c.version()
	for range 2 {
		snap := c.list("")
		for i := range snap.Seats {
			snap.Seats[i] = lockstore.Seat{ID: "X", Status: lockstore.Booked}
		}
		err := c.lockErr(ben, "A1")
		c.wantConflict(err, lockstore.SeatLocked, "A1 locked")
		if e, ok := errors.AsType[*lockstore.ConflictError](err); ok {
			e.Seats[0] = lockstore.Seat{}
		}
	}
	c.wantTaken("A1 locked", "A2 locked")
	c.wantDelta(v)
}
