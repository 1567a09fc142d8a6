package storetest

import (
	"context"
	"errors"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
)

// A waiter is a Wait that is under way. It receives the error that Wait returns.
type waiter chan error

// wait starts a Wait for the Version.
func (c *check) wait(ctx context.Context, since lockstore.Version) waiter {
	w := make(waiter, 1)
	go func() { w <- c.Wait(ctx, c.ev, since) }()
	return w
}

// waitBriefly is for a Wait that must fail at once. A store that blocks fails the
// case, not the whole run.
func (c *check) waitBriefly(ev *lockstore.Event, since lockstore.Version) error {
	ctx, cancel := context.WithTimeout(c.ctx, time.Minute)
	defer cancel()
	return c.Wait(ctx, ev, since)
}

// returned reports whether the Wait has returned, and its error. In real time it
// gives the Wait some time.
func (c *check) returned(w waiter, within time.Duration) (bool, error) {
	if c.bubble {
		synctest.Wait()
	} else {
		for began := time.Now(); len(w) == 0 && time.Since(began) < within; time.Sleep(time.Millisecond) {
		}
	}
	select {
	case err := <-w:
		w <- err
		return true, err
	default:
		return false, nil
	}
}

// wantReturned checks that the Wait has returned with that error.
func (c *check) wantReturned(w waiter, after string, want error) {
	c.Helper()
	if returned, err := c.returned(w, time.Minute); !returned || !errors.Is(err, want) {
		c.Errorf("after %s: Wait has returned: %v (%v), want %v", after, returned, err, want)
	}
}

// wantWaiting checks that the Wait has not returned.
func (c *check) wantWaiting(w waiter, after string) {
	c.Helper()
	if returned, err := c.returned(w, 200*time.Millisecond); returned {
		c.Errorf("after %s: Wait has returned (%v), want it to block", after, err)
	}
}

func waitPast(c *check) {
	old := c.version()
	c.lock(ann, "A1")
	for _, v := range []lockstore.Version{"", old, "x", "99999999999999-0"} {
		c.wantReturned(c.wait(c.ctx, v), "a change since "+string(v), nil)
	}
}

func waitIsWoken(c *check) {
	steps := []struct {
		what string
		do   func()
	}{
		{"a lock", func() { c.lock(ann, "A1", "A2") }},
		{"a confirm", func() { c.confirm(ann, "A1") }},
		{"a release", func() { c.release(ann, "A2") }},
	}
	for _, step := range steps {
		v := c.version()
		var waits []waiter
		for range 20 {
			waits = append(waits, c.wait(c.ctx, v))
		}
		c.wantWaiting(waits[0], "nothing")
		step.do()
		for _, w := range waits {
			c.wantReturned(w, step.what, nil)
		}
	}
}

func waitIsWokenByEach(c *check) {
	for _, op := range c.working() {
		w := c.wait(c.ctx, c.version())
		c.wantWaiting(w, "nothing")
		c.do(op)
		c.wantReturned(w, op.Kind.String(), nil)
	}
}

func waitNotWoken(c *check) {
	c.lock(ann, "A1")
	c.book(ann, "A2")
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	w := c.wait(ctx, c.version())
	steps := []struct {
		what string
		do   func()
	}{
		{"a second lock", func() { c.lock(ann, "A1") }},
		{"a second confirm", func() { c.confirm(ann, "A2") }},
		{"a release of nothing", func() { c.release(ben, "A1") }},
		{"a refused lock", func() { _ = c.try(lockstore.Lock(ben, "A1")) }},
		{"a change of another event", func() {
			mine := c.ev
			c.ev = c.event(1, c.ttl, 0)
			c.lock(ben, "A1")
			c.ev = mine
		}},
		{"an expiry", func() { c.sleep(c.ttl + c.tick) }},
	}
	for _, step := range steps {
		step.do()
		c.wantWaiting(w, step.what)
	}
	c.lock(ben, "A1")
	c.wantReturned(w, "a lock", nil)
}

func waitEnds(c *check) {
	v := c.version()
	ctx, cancel := context.WithCancel(c.ctx)
	w := c.wait(ctx, v)
	c.wantWaiting(w, "nothing")
	cancel()
	c.wantReturned(w, "the end of the context", context.Canceled)
	ctx, cancel = context.WithTimeout(c.ctx, time.Second)
	defer cancel()
	w = c.wait(ctx, v)
	c.sleep(time.Second + c.tick)
	c.wantReturned(w, "the deadline", context.DeadlineExceeded)
}
