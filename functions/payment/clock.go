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
	clockStep = time.Second // by which the clock of this process was set, or the machine has slept
)

// A clock estimates the clock of the store. It learns from the store's answers how far
// that is from the clock of this process.
type clock struct {
	last atomic.Pointer[sample] // nil before the first
}

type sample struct {
	offset time.Duration
	at     time.Time
	wall   time.Time // at without the reading of the monotonic clock, which nobody sets
	rough  bool
}

// valid reports whether nobody has set the clock of this process since, so that the offset
// is still that of the store's clock.
func (s *sample) valid() bool {
	return (time.Now().Round(0).Sub(s.wall) - time.Since(s.at)).Abs() < clockStep
}

// learn takes the store's time from the answer to a call that began at asked.
func (c *clock) learn(now, asked time.Time) {
	took := time.Since(asked)
	rough := took > clockTrip
	if now.IsZero() || rough && c.known() {
		return
	}
	at := time.Now()
	c.last.Store(&sample{now.Sub(asked.Add(took / 2)), at, at.Round(0), rough})
}

// known reports whether the store has answered since the clock of this process was set.
func (c *clock) known() bool {
	s := c.last.Load()
	return s != nil && s.valid()
}

// fresh reports whether the store's time was learned well and not long ago.
func (c *clock) fresh() bool {
	s := c.last.Load()
	return s != nil && s.valid() && !s.rough && time.Since(s.at) < clockAge
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
// is not known at all.
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

// A pauseTime is a time in which something is not done again. It does not last longer if the
// clock of this process is set back. The zero value is over.
type pauseTime struct{ end atomic.Pointer[time.Time] }

// begin begins a pause.
func (t *pauseTime) begin(d time.Duration) {
	end := time.Now().Add(d) // with the reading of the monotonic clock, by which times are compared
	t.end.Store(&end)
}

func (t *pauseTime) over() bool {
	end := t.end.Load()
	return end == nil || !time.Now().Before(*end)
}
