package booking

import (
	"context"
	"sync/atomic"
	"time"
)

// A clock estimates the store's clock, which may differ from that of this process.
// It learns how far from the answers of the store.
type clock struct {
	known  atomic.Bool
	offset atomic.Int64 // the store's time less that of this process
}

// learn takes note of the store's time, as an answer that has just come says.
func (c *clock) learn(now time.Time) {
	if now.IsZero() {
		return
	}
	c.offset.Store(int64(time.Until(now)))
	c.known.Store(true)
}

// now returns the store's time, or that of this process as long as nothing is known.
func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// storeNow returns the store's time. It asks the store if nothing is known yet.
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
