package boltstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/batch"
)

// event returns the event as it is kept in memory, with the layout of ev. The first
// call for it reads it from the file.
func (s *Store) event(ctx context.Context, ev *lockstore.Event) (*event, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s.mu.RLock()
		e, failed := s.events[ev.ID], s.failed
		s.mu.RUnlock()
		if failed != nil {
			return nil, failed
		}
		if e == nil {
			var err error
			if e, err = s.first(ev); err != nil {
				return nil, err
			}
		}
		fits, err := e.fit(ev)
		if err != nil {
			return nil, err
		}
		if fits {
			return e, nil
		}
		if err := s.changeLayout(ctx, e, ev); err != nil {
			return nil, err
		}
	}
}

// fit reports whether the event has the seats of ev in the same order and no lower
// revision, and returns an error if the layout of ev cannot replace its own.
func (e *event) fit(ev *lockstore.Event) (bool, error) {
	revision, same := int64(ev.Revision), e.sameSeats(ev)
	if same && revision <= e.revision.Load() {
		return true, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if same {
		if e.fixed || e.writing != nil {
			return false, nil // the file may have the lower revision
		}
		e.revision.Store(max(revision, e.revision.Load()))
		return true, nil
	}
	if old := e.revision.Load(); !e.replaced && (revision < old || revision == old && e.fixed) {
		return false, lockstore.ErrOtherSeats
	}
	return false, nil
}

// sameSeats reports whether the event has the seats of ev in the same order.
func (e *event) sameSeats(ev *lockstore.Event) bool {
	return e.layout == ev.Layout || e.layout.Fingerprint() == ev.Fingerprint()
}

// first reads an event from the file. If the file does not have it, all of its
// seats are available.
func (s *Store) first(ev *lockstore.Event) (*event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.events[ev.ID]; e != nil {
		return e, nil
	}
	var e *event
	err := s.db.View(func(tx *bolt.Tx) (err error) {
		text := tx.Bucket(bucketEvents).Get([]byte(ev.ID))
		if text == nil {
			e = newEvent(ev.ID, ev.Layout, ev.Revision, s.last+1)
			return nil
		}
		stored, err := parseEvent(text)
		if err != nil {
			return err
		}
		layout := ev.Layout
		if stored.seats != joinSeats(ev.Seats) {
			if ev.Revision <= stored.revision {
				return lockstore.ErrOtherSeats
			}
			if layout, err = lockstore.NewLayout(splitSeats(stored.seats)); err != nil {
				return fmt.Errorf("%w: %w", ErrDamaged, err)
			}
		}
		e = newEvent(ev.ID, layout, stored.revision, stored.number)
		e.written, e.fixed = int64(stored.revision), true
		return e.load(tx, s.log[stored.number], s.clock)
	})
	switch {
	case errors.Is(err, berrors.ErrDatabaseNotOpen):
		return nil, batch.ErrClosed
	case errors.Is(err, lockstore.ErrOtherSeats):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %s: event %s: %w", lockstore.ErrUnavailable, s.path, ev.ID, err)
	}
	s.last = max(s.last, e.number)
	s.events[ev.ID] = e
	return e, nil
}

// read calls f with the event, its mutex held, once what is on the disk may be shown.
func (s *Store) read(ctx context.Context, ev *lockstore.Event, f func(e *event, now int64)) error {
	var patience <-chan time.Time
	for {
		e, err := s.event(ctx, ev)
		if err != nil {
			return err
		}
		done, err := e.read(s.clock, f)
		switch {
		case errors.Is(err, errReplaced):
			continue
		case done == nil:
			return s.failure() // meanwhile
		}
		if patience == nil {
			patience = time.After(callTime)
		}
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		case <-patience:
			return errSlow
		}
	}
}

func (e *event) read(c clock, f func(*event, int64)) (<-chan struct{}, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now, done, err := e.settled(c)
	if err == nil && done == nil {
		f(e, now)
	}
	return done, err
}
