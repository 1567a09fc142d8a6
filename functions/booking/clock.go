package booking

import (
	"context"
	"sync/atomic"
	"time"
)

// A clock estimates the store's clock, which may differ from that of this process. It
// learns the difference from the store's answers.
type clock struct {
	known  atomic.Bool
	offset atomic.Int64 // the store's time minus this process's
}

// learn records the store's time, from an answer that has just come.
func (c *clock) learn(now time.Time) {
	if now.IsZero() {
		return
	}
	c.offset.Store(int64(time.Until(now)))
	c.known.Store(true)
}

// now returns the store's time, or that of this process until learn has been called.
func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// storeNow returns the store's time. It asks the store if no answer has told it yet.
func (a *API) storeNow(ctx context.Context, ev *event) (time.Time, error) {
	if !a.clock.known.Load() {
		snap, err := ev.feed.Refresh(ctx)
		if err != nil {
			return time.Time{}, err
		}
		a.clock.learn(snap.Time())
	}
	return a.clock.now(), nil
}
