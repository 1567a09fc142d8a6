package redisstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

const (
	// blockTime is how long one blocking read waits for a change. Then whoever
	// waits looks whether the log is still the one it was: after a failover or a
	// flush nothing else would tell.
	blockTime = 5 * time.Second

	// pollTime is how often the log is read where Wait has all the connections
	// that it may hold.
	pollTime = 250 * time.Millisecond
)

// Wait implements [lockstore.LockStore]. However many wait for one event,
// they share one blocking read. If Redis goes away meanwhile it fails with
// [lockstore.ErrUnavailable].
func (s *Store) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	from, ok := parseEntryID(since)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		last, err := s.newest(ctx, ev)
		if err != nil {
			return err
		}
		if !ok || last != since {
			return nil
		}
		if err := s.follow(ctx, ev, from); err != nil {
			return err
		}
	}
}

// newest reads the event's Version.
func (s *Store) newest(ctx context.Context, ev *lockstore.Event) (lockstore.Version, error) {
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var last *redis.XMessageSliceCmd
	_, err := s.look(bounded, ev, func(pipe redis.Pipeliner) {
		last = pipe.XRevRangeN(bounded, logKey(ev), "+", "-", 1)
	})
	if err == nil {
		var v lockstore.Version
		if v, err = newest(last); err == nil {
			return v, nil
		}
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return "", err
}

// follow returns nil when it is time to look at the log again.
func (s *Store) follow(ctx context.Context, ev *lockstore.Event, from entryID) error {
	f := s.join(ev, from)
	defer f.leave()
	select {
	case <-f.after(from):
		return f.failure()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A follower reads an event's log for all who wait for it. It ends by itself
// when a read finds nobody waiting any more, or fails.
type follower struct {
	store *Store
	ev    *lockstore.Event

	mu      sync.Mutex
	waiters int
	seen    entryID       // the newest entry it knows of
	look    chan struct{} // closed, and made anew, when there is reason to look at the log
	ended   bool
	err     error
}

// join returns the event's follower, at work, with one waiter more.
func (s *Store) join(ev *lockstore.Event, from entryID) *follower {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.followers[ev.ID]
	if f != nil && f.enter() {
		return f
	}
	f = &follower{store: s, ev: ev, waiters: 1, seen: from, look: make(chan struct{})}
	s.followers[ev.ID] = f
	go f.run()
	return f
}

// enter adds a waiter, unless the follower has ended.
func (f *follower) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.ended {
		f.waiters++
	}
	return !f.ended
}

func (f *follower) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiters--
}

// closed is ready at once.
var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// after returns a channel that is closed when the log may be beyond the entry.
func (f *follower) after(from entryID) <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended || f.seen.after(from) {
		return closed
	}
	return f.look
}

func (f *follower) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// run reads until nobody waits.
func (f *follower) run() {
	for f.report(f.read()) {
	}
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	if f.store.followers[f.ev.ID] == f {
		delete(f.store.followers, f.ev.ID)
	}
}

// report tells all who wait what a read found, and whether to go on.
func (f *follower) report(found entryID, err error) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if found.after(f.seen) {
		f.seen = found
	}
	f.err = err
	f.ended = err != nil || f.waiters == 0
	close(f.look)
	f.look = make(chan struct{})
	return !f.ended
}

// read waits for the log to go on, for a while, and returns its newest entry.
func (f *follower) read() (entryID, error) {
	f.mu.Lock()
	from := f.seen
	f.mu.Unlock()
	block := blockTime
	select {
	case f.store.blocking <- struct{}{}:
		defer func() { <-f.store.blocking }()
	default: // there must be connections left for everything else
		time.Sleep(pollTime)
		block = -1 // does not block
	}
	ctx, cancel := context.WithTimeout(context.Background(), blockTime+callTime)
	defer cancel()
	streams, err := f.store.redis.XRead(ctx, &redis.XReadArgs{
		Streams: []string{logKey(f.ev), from.stream()}, Count: deltaPage, Block: block,
	}).Result()
	if errors.Is(err, redis.Nil) {
		return from, nil
	}
	if err != nil {
		return from, unavailable(err)
	}
	return entryOf(streams[0].Messages[len(streams[0].Messages)-1]), nil
}
