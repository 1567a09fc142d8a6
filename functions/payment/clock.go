package payment

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/lockstore"
)

const (
	clockAge  = time.Minute // after which the store is asked for its time again
	clockTrip = time.Second // an answer that took longer does not show the store's time well enough
	clockStep = time.Second // by which the clock of this process was set, or the machine has slept
)

// A clock estimates the store's clock. It learns the difference from this process's
// clock from the store's answers.
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
	now := time.Now() // one reading: the goroutine may be stopped between two
	return (now.Round(0).Sub(s.wall) - now.Sub(s.at)).Abs() < clockStep
}

// learn takes the store's time from the answer to a call that began at asked.
func (c *clock) learn(now, asked time.Time) {
	took := time.Since(asked)
	rough := took > clockTrip
	if now.IsZero() || rough && c.known() {
		return
	}
	// Since asked, so that a clock that was set during the call is noticed.
	c.last.Store(&sample{now.Sub(asked.Add(took / 2)), asked, asked.Round(0), rough})
}

// known reports whether the store has answered since the clock of this process was set.
func (c *clock) known() bool {
	s := c.last.Load()
	return s != nil && s.valid()
}

// wasSet reports whether the clock of this process was set since the store has answered.
func (c *clock) wasSet() bool {
	s := c.last.Load()
	return s != nil && !s.valid()
}

// fresh reports whether the store's time was learned precisely and recently.
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

// learnTime asks the store for its time. Every list has it, so it asks for the changes since
// the last one, which are few.
func (p *Payments) learnTime(ctx context.Context, ev *lockstore.Event) error {
	since := p.listed.version(ev.ID)
	asked := time.Now()
	snap, err := p.seats.List(ctx, ev, since)
	if err != nil {
		return err
	}
	p.listed.keep(ev.ID, snap.Version)
	p.clock.learn(time.UnixMilli(snap.Now), asked)
	if p.clock.wasSet() {
		return errors.New("payment: the clock of this process was set while the store was asked for its time; try again")
	}
	return nil
}

// relearnTime asks the store for its time if the clock of this process was set. It asks about
// the first of the events that is known.
func (p *Payments) relearnTime(ctx context.Context, events []lockstore.EventID) error {
	if !p.clock.wasSet() {
		return nil
	}
	for _, id := range events {
		if ev, err := p.event(id); err == nil {
			return p.learnTime(ctx, ev)
		}
	}
	return nil
}

// listed has the versions of the last lists. The zero value is ready to use.
type listed struct {
	mu     sync.Mutex
	events map[lockstore.EventID]lockstore.Version // up to maxListed
}

const maxListed = 1000

// version returns the version of the event's last list, or "".
func (l *listed) version(id lockstore.EventID) lockstore.Version {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.events[id]
}

func (l *listed) keep(id lockstore.EventID, v lockstore.Version) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.events == nil || len(l.events) >= maxListed {
		l.events = make(map[lockstore.EventID]lockstore.Version)
	}
	l.events[id] = v
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

// A pauseTime is a time in which something is not done again. It does not last longer if the
// clock of this process is set back, nor if the process is frozen meanwhile, as on Lambda,
// where the monotonic clock then stops. The zero value is over.
type pauseTime struct{ end atomic.Pointer[pauseEnd] }

type pauseEnd struct {
	at   time.Time
	wall time.Time // at without the reading of the monotonic clock
}

// begin begins a pause.
func (t *pauseTime) begin(d time.Duration) {
	at := time.Now().Add(d) // with the reading of the monotonic clock, by which times are compared
	t.end.Store(&pauseEnd{at, at.Round(0)})
}

func (t *pauseTime) over() bool {
	end := t.end.Load()
	now := time.Now()
	return end == nil || !now.Before(end.at) || !now.Round(0).Before(end.wall)
}
