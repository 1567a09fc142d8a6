// Package memstore keeps locks and bookings in the memory of one process. They
// are lost when it ends.
//
// Package engine decides; this package brings the clock and the mutex.
package memstore

import (
	"context"
	"sync"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/engine"
)

// A Store is a [lockstore.LockStore] in memory. The zero value is ready to use,
// and there is nothing to close.
//
// The clock of an event is set from the time of day when the event is first used
// and then runs on its own: a change of the time of day neither shortens nor
// prolongs a lock.
//
// The cost of an operation does not depend on the size of the event. An event is
// kept until the Store itself is garbage.
type Store struct {
	mu     sync.RWMutex // guards events
	events map[lockstore.EventID]*event
}

var _ lockstore.LockStore = (*Store)(nil)

type event struct {
	start time.Time     // with its monotonic reading
	epoch time.Duration // from 1970 to start

	mu    sync.Mutex // guards state and log
	state *engine.State
	log   engine.Log
}

// now returns the event's clock in Unix milliseconds.
func (e *event) now() int64 { return (e.epoch + time.Since(e.start)).Milliseconds() }

// Do implements [lockstore.LockStore].
func (s *Store) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (result lockstore.Result, err error) {
	var buf [8]int
	at, err := ev.Positions(buf[:0], op)
	if err != nil {
		return result, err
	}
	e, err := s.event(ctx, ev)
	if err != nil {
		return result, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	err = e.state.Do(ev, &op, at, e.now(), &result)
	e.log.Add(e.state.Changed())
	return result, err
}

// List implements [lockstore.LockStore].
func (s *Store) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	e, err := s.event(ctx, ev)
	if err != nil {
		return lockstore.Snapshot{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.List(&e.log, since, e.now()), nil
}

// Wait implements [lockstore.LockStore].
func (s *Store) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	e, err := s.event(ctx, ev)
	if err != nil {
		return err
	}
	for {
		e.mu.Lock()
		changed := e.log.Next(since)
		e.mu.Unlock()
		if changed == nil {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// event returns the store's part of the event, which begins with its first use.
func (s *Store) event(ctx context.Context, ev *lockstore.Event) (*event, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	e := s.events[ev.ID]
	s.mu.RUnlock()
	if e == nil {
		e = s.add(ev)
	}
	if l := e.state.Layout(); l != ev.Layout && l.Fingerprint() != ev.Fingerprint() {
		return nil, lockstore.ErrOtherSeats
	}
	return e, nil
}

func (s *Store) add(ev *lockstore.Event) *event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.events[ev.ID]; e != nil {
		return e
	}
	if s.events == nil {
		s.events = make(map[lockstore.EventID]*event)
	}
	start := time.Now()
	e := &event{start: start, epoch: time.Duration(start.UnixNano()), state: engine.New(ev.Layout), log: engine.NewLog()}
	s.events[ev.ID] = e
	return e
}
