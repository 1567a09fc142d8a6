// Package boltstore keeps locks and bookings in one file, for one process, with
// bbolt: every Lock, Confirm and Release is on the disk before it is answered.
//
// What reads, reads memory, as [lockstore.Memory] does. What changes seats goes
// in batches, each one transaction and one wait for the disk (queue.go,
// flight.go). file.go opens and makes files, verify.go refuses damaged ones,
// record.go is what is in them.
//
// The package must not know about HTTP, JSON or environment variables.
package boltstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"seatlock/lockstore"
)

// callTime bounds every call but Wait. A disk that takes so long is as good as
// away, and a slow one (a memory card, a disk that has to wake up) is not.
const callTime = 5 * time.Second

var (
	// ErrInUse says that another process has the file open.
	ErrInUse = errors.New("another process has it open")

	// ErrDamaged says that a file is not as it was written, or no file of this
	// package at all.
	ErrDamaged = errors.New("it is damaged")

	errClosed = fmt.Errorf("%w: the store is closed", lockstore.ErrUnavailable)
)

// A Store is a [lockstore.LockStore] in a file. The zero value is of no use;
// [Open] makes one.
//
// After a crash of the process or of the machine, at any moment, the file has
// every call that was answered; of those under way each is there as a whole or
// not at all. A lock ends when its time is up on the wall clock, whether the
// process ran meanwhile or not. While it runs, its clock is that of
// [lockstore.Memory]: setting the time of day moves no lock.
//
// When the disk is full, or the file may not grow, calls that change seats fail
// with [lockstore.ErrUnavailable] and do nothing, and go on by themselves once
// there is room. When the disk fails such that nobody knows what is on it, the
// calls under way fail with [lockstore.ErrOutcomeUnknown] and all others, lists
// too, with ErrUnavailable, until the file is opened again.
//
// An event once used is kept in memory, twice: as decided and as on the disk.
type Store struct {
	db    *bolt.DB
	file  *os.File // belongs to db
	path  string
	clock clock
	queue *queue

	mu     sync.RWMutex
	events map[lockstore.EventID]*event
	last   uint32             // number that an event was given
	log    map[uint32]records // what is in the file's log, by event; only a flight changes it
	failed error              // the disk failed (see fail), or the store is closed

	ended chan struct{} // closed when failed is set

	kept kept // belongs to the flight
}

var _ lockstore.LockStore = (*Store)(nil)

// Open opens the file, and makes it if it is not there or empty. No other
// process can open it before Close. The error is one line that names the file,
// and nothing was changed: [ErrInUse], [ErrDamaged], or what the system says.
func Open(path string) (*Store, error) {
	db, file, found, err := openFile(path)
	if err != nil {
		return nil, fmt.Errorf("boltstore: cannot use %s: %w", path, err)
	}
	s := &Store{
		db: db, file: file, path: path,
		clock:  newClock(),
		events: make(map[lockstore.EventID]*event),
		last:   found.last,
		log:    make(map[uint32]records),
		kept:   found.kept,
		ended:  make(chan struct{}),
	}
	found.log.copyTo(s.log)
	s.queue = newQueue(s.fly)
	return s, nil
}

// Close ends the store, once what is being written is. Calls after that fail.
func (s *Store) Close() error {
	s.queue.close()
	s.end(errClosed)
	return s.db.Close()
}

// Open prepares an event, so that the first call for it need not, and refuses
// one that the file has with other seats ([lockstore.ErrOtherSeats]).
func (s *Store) Open(ctx context.Context, ev *lockstore.Event) error {
	_, err := s.event(ctx, ev)
	return err
}

// Lock implements [lockstore.LockStore].
func (s *Store) Lock(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
	return s.change(ctx, lock, ev, seats, user)
}

// Confirm implements [lockstore.LockStore].
func (s *Store) Confirm(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	_, err := s.change(ctx, confirm, ev, seats, user)
	return err
}

// Release implements [lockstore.LockStore].
func (s *Store) Release(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	_, err := s.change(ctx, release, ev, seats, user)
	return err
}

func (s *Store) change(ctx context.Context, op operation, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
	at, err := ev.Positions(make([]int, 0, len(seats)), seats, user)
	if err != nil {
		return time.Time{}, err
	}
	e, err := s.event(ctx, ev)
	if err != nil {
		return time.Time{}, err
	}
	return s.queue.do(ctx, &call{op: op, of: e, ev: ev, at: at, user: user, done: make(chan struct{})})
}

// List implements [lockstore.LockStore].
func (s *Store) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	e, err := s.event(ctx, ev)
	if err != nil {
		return lockstore.Snapshot{}, err
	}
	var patience <-chan time.Time
	for {
		snap, landing := e.list(since, s.clock)
		if landing == nil {
			if err := s.failure(); err != nil { // while it was waited for
				return lockstore.Snapshot{}, err
			}
			return snap, nil
		}
		if patience == nil {
			patience = time.After(callTime)
		}
		select {
		case <-landing:
		case <-ctx.Done():
			return lockstore.Snapshot{}, ctx.Err()
		case <-patience:
			return lockstore.Snapshot{}, errSlow
		}
	}
}

// Wait implements [lockstore.LockStore].
func (s *Store) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	e, err := s.event(ctx, ev)
	if err != nil {
		return err
	}
	for {
		changed := e.next(since)
		if changed == nil {
			return nil
		}
		select {
		case <-changed:
		case <-s.ended:
			return s.failure()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// event returns what is kept of the event, from its first use on.
func (s *Store) event(ctx context.Context, ev *lockstore.Event) (*event, error) {
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
	if e.layout != ev && e.layout.Fingerprint() != ev.Fingerprint() {
		return nil, lockstore.ErrOtherSeats
	}
	return e, nil
}

// first reads an event from the file, or begins it.
func (s *Store) first(ev *lockstore.Event) (*event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.events[ev.ID]; e != nil {
		return e, nil
	}
	var e *event
	err := s.db.View(func(tx *bolt.Tx) error {
		text := tx.Bucket(bucketEvents).Get([]byte(ev.ID))
		if text == nil {
			e = newEvent(ev, s.last+1, s.clock)
			return nil
		}
		number, seats, err := parseEvent(text)
		if err != nil {
			return err
		}
		if seats != joinSeats(ev.Seats) {
			return lockstore.ErrOtherSeats
		}
		e = newEvent(ev, number, s.clock)
		e.kept = true
		return e.load(tx.Bucket(bucketSeats), s.log[number], s.clock)
	})
	switch {
	case errors.Is(err, berrors.ErrDatabaseNotOpen):
		return nil, errClosed
	case errors.Is(err, lockstore.ErrOtherSeats):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %s: event %s: %w", lockstore.ErrUnavailable, s.path, ev.ID, err)
	}
	s.last = max(s.last, e.number)
	s.events[ev.ID] = e
	return e, nil
}

// fail ends the use of a disk that failed in the middle: what is on it is not
// known, and asking the system again would ask its memory.
func (s *Store) fail(cause error) {
	s.end(fmt.Errorf("%w: the disk of %s has failed, so what is in the file is not known until it is opened again: %w", lockstore.ErrUnavailable, s.path, cause))
}

// end has every call fail from now on, and those that wait. The first reason
// counts.
func (s *Store) end(failed error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = failed
		close(s.ended)
	}
}

func (s *Store) failure() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.failed
}
