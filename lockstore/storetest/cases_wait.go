package storetest

import (
	"context"
	"errors"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
)

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
