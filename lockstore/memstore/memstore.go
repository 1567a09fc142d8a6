// Package memstore keeps locks and bookings in the memory of one process. They
// are lost when it ends.
//
// Package engine decides; this package brings the clock and the mutex.
package memstore

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
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
	events atomic.Pointer[map[lockstore.EventID]*event] // a map is replaced, not changed, so that it is read without a lock
	mu     sync.Mutex                                   // held while events is replaced
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
	e := s.known(ev.ID)
	if e == nil {
		e = s.add(ev)
	}
	if l := e.state.Layout(); l != ev.Layout && l.Fingerprint() != ev.Fingerprint() {
		return nil, lockstore.ErrOtherSeats
	}
	return e, nil
}

// known returns the store's part of the event, or nil before its first use.
func (s *Store) known(id lockstore.EventID) *event {
	if events := s.events.Load(); events != nil {
		return (*events)[id]
	}
	return nil
}

func (s *Store) add(ev *lockstore.Event) *event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.known(ev.ID); e != nil {
		return e
	}
	start := time.Now()
	e := &event{start: start, epoch: time.Duration(start.UnixNano()), state: engine.New(ev.Layout), log: engine.NewLog()}
	events := map[lockstore.EventID]*event{ev.ID: e}
	if before := s.events.Load(); before != nil {
		maps.Copy(events, *before)
	}
	s.events.Store(&events)
	return e
}
