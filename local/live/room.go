package live

import (
	"bytes"
	"context"
	"math/rand/v2"
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

// A room follows one event for all who watch it. What there is to tell them is
// a line of messages that each goes along at its own pace: the room waits for
// nobody and knows nobody.
type room struct {
	hub   *Hub
	ev    *lockstore.Event
	ctx   context.Context // ends when nobody watches any more
	close context.CancelFunc

	viewers int // belongs to the hub's mu

	mu    sync.Mutex
	last  *message
	begun bool
	start uint64 // the moment from which on everything that changes is told
}

// A message is a list on its way to everybody, and leads to the next one.
type message struct {
	moment uint64
	made   time.Time
	list   *booking.List // nil once rendered, and in the first message of a line, which says nothing

	render sync.Once
	body   []byte

	more chan struct{} // closed when next is set
	next *message
}

// bytes renders the message, once for all.
func (m *message) bytes() []byte {
	m.render.Do(func() {
		var b bytes.Buffer
		b.Grow(m.list.Len())
		m.list.WriteTo(&b) // a Buffer takes everything
		m.body, m.list = b.Bytes(), nil
	})
	return m.body
}

// newRoom opens a room, in which nothing is told until it begins.
func newRoom(h *Hub, ev *lockstore.Event) *room {
	r := &room{hub: h, ev: ev, last: &message{more: make(chan struct{})}}
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

// end is the end of the line as it is now: what comes after it is news.
func (r *room) end() *message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// tell puts a list at the end of the line.
func (r *room) tell(l *booking.List) {
	m := &message{moment: l.Moment, made: time.Now(), list: l, more: make(chan struct{})}
	r.mu.Lock()
	before := r.last
	before.next, r.last = m, m
	r.mu.Unlock()
	close(before.more)
}

// follow tells of every change after the version. While the store is away it tries again, ever
// less often, and goes on where it was.
func (r *room) follow(ctx context.Context, version lockstore.Version) {
	for failures := 0; ; {
		list, err := r.next(ctx, version)
		if ctx.Err() != nil {
			return
		}
		pause := gather
		switch {
		case err != nil:
			pause = min(lastPause, firstPause<<min(failures, 10))
			pause = pause/2 + rand.N(pause/2)
			if failures == 0 {
				r.hub.Log.WarnContext(ctx, "live: changes cannot be followed; trying again", "event", r.ev.ID, "error", err)
			}
			failures++
		case failures > 0:
			r.hub.Log.InfoContext(ctx, "live: changes are followed again", "event", r.ev.ID, "failures", failures)
			failures = 0
			fallthrough
		default:
			if list.Version != version {
				r.tell(list)
			}
			version = list.Version
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// next waits for the event to be beyond the version, and returns what changed.
func (r *room) next(ctx context.Context, version lockstore.Version) (*booking.List, error) {
	if err := r.hub.Store.Wait(ctx, r.ev, version); err != nil {
		return nil, err
	}
	return r.hub.API.Seats(ctx, r.ev.ID, version)
}
