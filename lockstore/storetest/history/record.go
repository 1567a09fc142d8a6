package history

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/lockstore"
)

// A Recorder records the calls that clients make to a store for one event. It
// is safe for concurrent use.
type Recorder struct {
	Store lockstore.LockStore
	Event *lockstore.Event

	// Sink, if it is not nil, receives each call when it begins, as one whose
	// outcome is unknown, and again when it ends. The calls of one client come in
	// their order.
	Sink func(Call)

	// Grace is how long before its deadline a Wait that no change ended must have
	// been up to date. Zero draws no conclusion from such a Wait: choose it where
	// the clock runs on while an answer is on its way.
	Grace time.Duration

	// Order returns Begin and End, ascending. A nil Order counts. Calls made by
	// several processes need a clock that these share.
	Order func() int64

	count atomic.Int64
	mu    sync.Mutex // guards calls
	calls []Call
}

// History returns the calls that have ended so far.
func (r *Recorder) History(slack time.Duration) *History {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &History{Event: r.Event, Calls: slices.Clone(r.calls), Slack: slack}
}

// Do makes the call and returns it with its answer. The caller must not change its
// seats, then or later.
func (r *Recorder) Do(ctx context.Context, c Call) Call {
	ev := c.Settings.of(r.Event)
	if c.OtherSeats {
		ev = mirrored(ev)
	}
	c.Begin, c.End, c.Called = r.order(), Never, time.Now()
	if r.Sink != nil {
		begun := c
		begun.Outcome = Unknown
		r.Sink(begun)
	}
	var err error
	switch c.Method {
	case Do:
		c.Result, err = r.Store.Do(ctx, ev, c.Op)
	case List:
		var snap lockstore.Snapshot
		if snap, err = r.Store.List(ctx, ev, c.Since); err == nil {
			c.Snapshot = &snap
		}
	case Wait:
		c.Begin, err = r.wait(ctx, ev, c)
	case Roster:
		c.Holdings, err = readRoster(ctx, r.Store, ev, c.Filter)
	case Journal:
		c.Entries, err = r.Store.Journal(ctx, ev, c.After, lockstore.MaxEntries)
	}
	c.Outcome, c.Conflict = outcome(c.Method, err)
	if c.Outcome == TimedOut && r.Grace == 0 {
		c.Outcome = Nothing
	}
	if err != nil {
		c.Err, c.Cause = err.Error(), err
	}
	c.Returned = time.Now()
	if c.Outcome != Unknown {
		c.End = r.order()
	}
	if r.Sink != nil {
		r.Sink(c)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, c)
	return c
}

// wait makes a Wait and returns the Begin that the checker uses. If no change ended the
// Wait, that is Grace before its deadline.
func (r *Recorder) wait(ctx context.Context, ev *lockstore.Event, c Call) (begin int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.Lasts)
	defer cancel()
	var late atomic.Int64
	if r.Grace > 0 {
		defer time.AfterFunc(c.Lasts-r.Grace, func() { late.Store(r.order()) }).Stop()
	}
	err = r.Store.Wait(ctx, ev, c.Since)
	if at := late.Load(); at != 0 && err != nil {
		return at, err
	}
	return c.Begin, err
}

func (r *Recorder) order() int64 {
	if r.Order != nil {
		return r.Order()
	}
	return r.count.Add(1)
}

// mirrored returns the event with its seats in reverse order, which a store
// must refuse.
func mirrored(ev *lockstore.Event) *lockstore.Event {
	seats := slices.Clone(ev.Seats)
	slices.Reverse(seats)
	layout, err := lockstore.NewLayout(seats)
	if err != nil {
		panic(err) // the seats come from a layout
	}
	other, err := lockstore.NewEvent(ev.ID, layout, ev.LockTTL, ev.SeatLimit)
	if err != nil {
		panic(err) // all else comes from an event
	}
	return other
}
