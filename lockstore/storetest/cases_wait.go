package storetest

import (
	"context"
	"errors"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
)

// A waiter is a Wait under way. It takes the error that it returns.
type waiter chan error

// wait starts a Wait for the version.
func (c *check) wait(ctx context.Context, since lockstore.Version) waiter {
	w := make(waiter, 1)
	go func() { w <- c.Wait(ctx, c.ev, since) }()
	return w
}

// returned tells whether the Wait came back once all is quiet, or in real time
// within so long, and with what.
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

// wantWoken, wantWaiting and wantEnded check on a Wait.

func (c *check) wantWoken(w waiter, by string) {
	c.Helper()
	if woken, err := c.returned(w, time.Minute); !woken || err != nil {
		c.Errorf("after %s: Wait returned: %v, with %v", by, woken, err)
	}
}

func (c *check) wantWaiting(w waiter, in spite) {
	c.Helper()
	if woken, err := c.returned(w, 200*time.Millisecond); woken {
		c.Errorf("Wait returned (%v) in spite of %s", err, in)
	}
}

func (c *check) wantEnded(w waiter, want error) {
	c.Helper()
	if woken, err := c.returned(w, time.Minute); !woken || !errors.Is(err, want) {
		c.Errorf("Wait returned: %v, with %v, want %v", woken, err, want)
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
		var waits []waiter
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
		{"a refused lock", func() { _ = c.try(lockstore.Lock(ben, "A1")) }},
		{"a change of another event", func() {
			mine := c.ev
			c.ev = c.event(1, c.ttl, 0)
			c.lock(ben, "A1")
			c.ev = mine
		}},
		{"a lock running out", func() { c.sleep(c.ttl + c.tick) }},
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
	c.wantEnded(w, context.Canceled)
	ctx, cancel = context.WithTimeout(c.ctx, time.Second)
	defer cancel()
	w = c.wait(ctx, v)
	c.sleep(time.Second + c.tick)
	c.wantEnded(w, context.DeadlineExceeded)
}
