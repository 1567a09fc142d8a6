package live

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"seatlock/functions/booking"
	"seatlock/lockstore"
)

// gather is the least time between two messages: changes that come sooner go
// together. A change after a quiet while is told at once.
const gather = 100 * time.Millisecond

// firstPause and lastPause bound how long the store is left in peace after it
// has failed.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// A room follows one event for all who watch it. Everybody stands in a line,
// along which messages go at each one's own pace.
type room struct {
	hub   *Hub
	ev    *lockstore.Event
	ctx   context.Context // ends when nobody watches any more
	close context.CancelFunc

	viewers int // belongs to the hub's mu

	mu    sync.Mutex
	lines []*line
	begun bool
	start uint64 // the moment from which on everything that changes is told
}

// newRoom opens a room, in which nothing is told until it begins.
func newRoom(h *Hub, ev *lockstore.Event) *room {
	r := &room{hub: h, ev: ev}
	r.ctx, r.close = context.WithCancel(h.ctx)
	return r
}

// begin has everything told that changes after the list, if that is the first
// one. Else it says whether everything is told that changes after it.
func (r *room) begin(l *booking.List) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.begun {
		r.begun, r.start = true, l.Moment
		r.hub.running.Go(func() { r.follow(r.ctx, l.Version) })
	}
	return l.Moment >= r.start
}

// tell tells everybody, line after line.
func (r *room) tell(ctx context.Context, l *booking.List) {
	m := &message{moment: l.Moment, made: time.Now(), list: l}
	// A line that is new after this has viewers whose first list is no older than this one.
	r.mu.Lock()
	lines := slices.Clone(r.lines)
	r.mu.Unlock()
	for _, line := range lines {
		line.tell(ctx, m)
	}
}

// follow tells of every change after the version. While the store is away it tries again, ever
// less often, and goes on where it was.
func (r *room) follow(ctx context.Context, version lockstore.Version) {
	for failures := 0; ; {
		list, err := r.next(ctx, version)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			if failures == 0 {
				r.hub.Log.WarnContext(ctx, "live: changes cannot be followed; trying again", "event", r.ev.ID, "error", err)
			}
			pause := min(lastPause, firstPause<<min(failures, 10))
			failures++
			sleep(ctx, pause/2+rand.N(pause/2))
			continue
		}
		if failures > 0 {
			r.hub.Log.InfoContext(ctx, "live: changes are followed again", "event", r.ev.ID, "failures", failures)
			failures = 0
		}
		if list.Version == version {
			sleep(ctx, gather) // a store that wakes for nothing is not asked without end
			continue
		}
		version = list.Version
		told := time.Now()
		r.tell(ctx, list)
		sleep(ctx, time.Until(told.Add(gather)))
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// next waits for the event to be beyond the version, and returns what changed.
func (r *room) next(ctx context.Context, version lockstore.Version) (*booking.List, error) {
	if err := r.hub.Store.Wait(ctx, r.ev, version); err != nil {
		return nil, err
	}
	return r.hub.API.Seats(ctx, r.ev.ID, version)
}
