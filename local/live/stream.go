package live

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"seatlock/functions/seatlist"
	"seatlock/lockstore"
)

// gather is the shortest time between two messages: changes within it are sent together.
// A change after a quiet time is sent at once.
const gather = 100 * time.Millisecond

// firstPause and lastPause are the shortest and the longest pause between calls of
// a store that fails.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// A stream sends the changes of one event to all its viewers. The viewers are in
// groups, and each reads the messages of its group at its own pace.
type stream struct {
	hub  *Hub
	feed *seatlist.Feed
	ctx  context.Context // ends with the last viewer
	end  context.CancelFunc

	viewers int // guarded by the hub's mu

	mu     sync.Mutex
	groups []*group
	begun  bool
	start  uint64 // every change after this moment is sent
}

// newStream returns a stream that sends nothing until begin.
func newStream(h *Hub, feed *seatlist.Feed) *stream {
	s := &stream{hub: h, feed: feed}
	s.ctx, s.end = context.WithCancel(h.ctx)
	return s
}

// begin makes the stream send every change after the list, if it is the first
// list. It reports whether the stream sends every change after the list.
func (s *stream) begin(l *seatlist.List) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun {
		s.begun, s.start = true, l.Moment
		from := positionAfter(l)
		s.hub.running.Go(func() { s.follow(s.ctx, from) })
	}
	return l.Moment >= s.start
}

// send sends a list to all viewers, one group after the other.
func (s *stream) send(ctx context.Context, l *seatlist.List) {
	m := &message{List: l, made: time.Now()}
	// The viewers of a group that is made later have first lists that are at least as new.
	s.mu.Lock()
	groups := slices.Clone(s.groups)
	s.mu.Unlock()
	for _, g := range groups {
		g.send(ctx, m)
	}
}

// A position is how far a stream has come.
type position struct {
	version lockstore.Version
	moment  uint64
	free    time.Time // when a place of an area may be available again; zero: none is locked
}

// positionAfter returns the position after a list that was made just now.
func positionAfter(l *seatlist.List) position {
	p := position{version: l.Version, moment: l.Moment}
	if l.PlaceFree > 0 {
		p.free = time.Now().Add(l.PlaceFree)
	}
	return p
}

// follow sends every change after the position, until the context ends. If the store
// fails it tries again, with growing pauses, and continues where it was.
func (s *stream) follow(ctx context.Context, at position) {
	log := s.hub.Log.With("event", s.feed.Event().ID)
	for failures := 0; ; {
		list, err := s.next(ctx, at)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			if failures == 0 {
				log.WarnContext(ctx, "live: cannot follow changes; trying again", "error", err)
			}
			pause := min(lastPause, firstPause<<min(failures, 10))
			failures++
			sleep(ctx, pause/2+rand.N(pause/2))
			continue
		}
		if failures > 0 {
			log.InfoContext(ctx, "live: following changes again", "failures", failures)
			failures = 0
		}
		changed := list.Moment != at.moment
		at = positionAfter(list)
		if !changed {
			sleep(ctx, gather) // Wait may return without a change; do not spin
			continue
		}
		sent := time.Now()
		s.send(ctx, list)
		// Pause for as long as sending took, so that locks get half of the processor time.
		sleep(ctx, max(time.Until(sent.Add(gather)), time.Since(sent)))
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// next waits until the event is beyond the position, or a place of an area may be
// available again, and returns what changed. When a lock ends, the store reports no
// change. Viewers know when the locks of seats end, but not those of places.
func (s *stream) next(ctx context.Context, at position) (*seatlist.List, error) {
	waiting, cancel := ctx, context.CancelFunc(func() {})
	if !at.free.IsZero() {
		waiting, cancel = context.WithDeadline(ctx, at.free)
	}
	defer cancel()
	if err := s.feed.Wait(waiting, at.version); err != nil && waiting.Err() == nil {
		return nil, err
	}
	return s.feed.List(ctx, at.version)
}
