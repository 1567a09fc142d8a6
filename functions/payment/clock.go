package payment

import (
	"context"
	"sync/atomic"
	"time"

	"seatlock/lockstore"
)

const (
	clockAge  = time.Minute // after which the store is asked for its time again
	clockTrip = time.Second // an answer that took longer does not show the store's time well enough
)

// A clock estimates the store's clock. It learns the difference from this process's
// clock from the store's answers.
type clock struct {
	last atomic.Pointer[sample] // nil before the first
}

type sample struct {
	offset time.Duration
	at     time.Time
	rough  bool
}

// learn takes the store's time from the answer to a call that began at asked.
func (c *clock) learn(now, asked time.Time) {
	took := time.Since(asked)
	rough := took > clockTrip
	if now.IsZero() || rough && c.last.Load() != nil {
		return
	}
	c.last.Store(&sample{now.Sub(asked.Add(took / 2)), time.Now(), rough})
}

// known reports whether the store has answered yet.
func (c *clock) known() bool { return c.last.Load() != nil }

// fresh reports whether the store's time was learned precisely and recently.
func (c *clock) fresh() bool {
	s := c.last.Load()
	return s != nil && !s.rough && time.Since(s.at) < clockAge
}

func (c *clock) now() time.Time {
	if s := c.last.Load(); s != nil {
		return time.Now().Add(s.offset)
	}
	return time.Now()
}

// learnTime asks the store for its time.
func (p *Payments) learnTime(ctx context.Context, ev *lockstore.Event) error {
	asked := time.Now()
	snap, err := p.seats.List(ctx, ev, "")
	if err == nil {
		p.clock.learn(time.UnixMilli(snap.Now), asked)
	}
	return err
}

// keepTime asks the store for its time if that was long ago. It fails only if the time
// has never been learned.
func (p *Payments) keepTime(ctx context.Context, event lockstore.EventID) error {
	if p.clock.fresh() {
		return nil
	}
	ev, err := p.event(event)
	if err == nil {
		err = p.learnTime(ctx, ev)
	}
	if p.clock.known() {
		return nil
	}
	return err
}
