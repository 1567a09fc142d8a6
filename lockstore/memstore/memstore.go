// Package memstore keeps locks and bookings in the memory of one process. They
// are lost when it ends.
//
// Package engine makes the decisions; this package adds the clock and the mutex.
package memstore

import (
	"context"
	"iter"
	"slices"
	"sync"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/engine"
)

// A Store is a [lockstore.LockStore] and a [lockstore.OrderStore] in memory. The zero
// value is ready to use, and there is nothing to close.
//
// The clock of an event is set from the time of day when the event is first used
// and then runs on its own: a change of the time of day neither shortens nor
// prolongs a lock. The orders have such a clock too.
//
// The cost of an operation does not depend on the size of the event. Events are kept
// for as long as the Store.
type Store struct {
	mu     sync.RWMutex // guards events
	events map[lockstore.EventID]*event

	orders orders
}

var (
	_ lockstore.LockStore  = (*Store)(nil)
	_ lockstore.OrderStore = (*Store)(nil)
)

// Do implements [lockstore.LockStore].
func (s *Store) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (result lockstore.Result, err error) {
	var buf [8]int
	at, err := ev.Positions(buf[:0], &op)
	if err != nil {
		return result, err
	}
	e, err := s.lock(ctx, ev)
	if err != nil {
		return result, err
	}
	defer e.mu.Unlock()
	if err := e.state.Do(ev, &op, at, e.now(), &result); err != nil {
		return result, err
	}
	if changed := e.state.Changed(); len(changed) > 0 {
		e.fixed = true
		e.log.Add(changed)
		e.journal.Add(&op, &result)
	}
	return result, nil
}

// List implements [lockstore.LockStore].
func (s *Store) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	e, err := s.lock(ctx, ev)
	if err != nil {
		return lockstore.Snapshot{}, err
	}
	defer e.mu.Unlock()
	return e.state.List(&e.log, since, e.now()), nil
}

// Wait implements [lockstore.LockStore].
func (s *Store) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	for {
		e, err := s.lock(ctx, ev)
		if err != nil {
			return err
		}
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

// Roster implements [lockstore.LockStore].
func (s *Store) Roster(ctx context.Context, ev *lockstore.Event, f lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
	if err := f.Check(ev); err != nil {
		return "", failed(err)
	}
	e, err := s.lock(ctx, ev)
	if err != nil {
		return "", failed(err)
	}
	defer e.mu.Unlock()
	f.Seats = slices.Clone(f.Seats)
	return e.journal.Seq(), func(yield func(lockstore.Holding, error) bool) {
		var roster *engine.Roster
		for more := true; more; {
			e, err := s.lock(ctx, ev)
			if err != nil {
				yield(lockstore.Holding{}, err)
				return
			}
			now := e.now()
			if roster == nil {
				roster = engine.NewRoster(e.state, f, now)
			}
			var page []lockstore.Holding
			page, more = roster.Next(e.state, now)
			e.mu.Unlock()
			for _, h := range page {
				if !yield(h, nil) {
					return
				}
			}
		}
	}
}

// failed returns a roster that yields an error.
func failed(err error) iter.Seq2[lockstore.Holding, error] {
	return func(yield func(lockstore.Holding, error) bool) { yield(lockstore.Holding{}, err) }
}

// Journal implements [lockstore.LockStore].
func (s *Store) Journal(ctx context.Context, ev *lockstore.Event, after lockstore.Seq, limit int) ([]lockstore.Entry, error) {
	if err := lockstore.CheckJournal(after, limit); err != nil {
		return nil, err
	}
	e, err := s.lock(ctx, ev)
	if err != nil {
		return nil, err
	}
	defer e.mu.Unlock()
	return e.journal.After(after, limit)
}
