// Package boltstore keeps locks and bookings in one file, for one process, with
// bbolt: every operation is on the disk before it is answered.
//
// Lists are answered from memory, as in package memstore. Operations are written
// in batches, each of which is one transaction (write.go). file.go opens and creates
// files, page.go reads their pages, verify.go finds damage, record.go defines what a
// file contains, and snapshot.go and export.go read a file while a store writes to it.
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
	"seatlock/lockstore/internal/batch"
)

// callTime bounds every call but Wait. It is long enough for a slow disk, such as a
// memory card or a disk that has to spin up.
const callTime = 5 * time.Second

var (
	// ErrInUse is returned when another process has the file open.
	ErrInUse = errors.New("another process has it open")

	// ErrDamaged is returned for a file that has changed since it was written, or
	// that another program wrote.
	ErrDamaged = errors.New("it is damaged")

	// errSlow is the error of a list that waited too long for the disk.
	errSlow = fmt.Errorf("%w: the disk is not keeping up", lockstore.ErrUnavailable)
)

// A Store is a [lockstore.LockStore] in a file. [Open] makes one.
//
// After a crash of the process or of the machine, at any moment, the file has
// every operation that was acknowledged. An operation that was under way is there
// as a whole or not at all.
//
// The store's clock is set from the time of day when the file is opened and then
// runs on its own: setting the time of day moves no lock. When the file is opened
// again, a lock ends at the time of day at which it would have ended.
//
// An operation that cannot be written, because the disk is full or fails before
// the operation can count, fails with [lockstore.ErrUnavailable] and does nothing.
// The store goes on. In three cases it does not:
//
//   - The disk fails and it is unknown whether an operation is on it.
//   - The file was moved, removed, replaced or written to by another program. The
//     Store checks its file after each batch of operations, before it answers them.
//   - The file cannot be checked, for example because its folder may no longer be
//     searched or a read fails.
//
// The operations under way then fail with [lockstore.ErrOutcomeUnknown], and all
// other calls, including lists, with ErrUnavailable until the file is opened again.
//
// A Store keeps each event that was used in memory until Close, twice: as decided
// and as it is on the disk.
type Store struct {
	db    *bolt.DB
	file  *os.File // belongs to db
	info  os.FileInfo
	path  string
	clock clock
	queue *batch.Queue[work, lockstore.Result]

	mu     sync.RWMutex
	events map[lockstore.EventID]*event
	last   uint32             // the last number that an event was given
	log    map[uint32]records // what is in the file's log, by event; only write changes it
	failed error              // why the store has ended, or nil

	ended chan struct{} // closed when failed is set

	sums   sums   // belongs to runBatch
	tx     uint64 // the last transaction in the file; belongs to runBatch
	maxLog int    // tests lower it
}

var _ lockstore.LockStore = (*Store)(nil)

// Open opens the file at path, and creates it if it is missing or empty. No other
// process can open it before Close.
//
// Open returns once the disk has confirmed everything in the file, including what a
// process that was killed may have left in the system's memory. It fails if the
// disk does not. A full disk is no obstacle.
//
// The error is one line that names the file. It wraps [ErrInUse], [ErrDamaged] or
// the system's error. What the file contains is unchanged then.
func Open(path string) (*Store, error) {
	db, file, found, err := openFile(path)
	if err != nil {
		return nil, fmt.Errorf("boltstore: cannot use %s: %w", path, err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("boltstore: cannot use %s: %w", path, errors.Join(reason(err), db.Close()))
	}
	s := &Store{
		db: db, file: file, info: info, path: path,
		clock:  newClock(),
		events: make(map[lockstore.EventID]*event),
		last:   found.last,
		log:    make(map[uint32]records),
		sums:   found.sums,
		tx:     found.tx,
		ended:  make(chan struct{}),
		maxLog: maxLog,
	}
	found.log.copyTo(s.log)
	s.queue = batch.New(batch.Options{
		Backend:   "the disk",
		Parallel:  1,
		MaxWeight: maxSeats,
		Yields:    100,
		Patience:  callTime,
		Bound:     callTime,
	}, s.runBatch)
	return s, nil
}

// Close waits for the operations under way and closes the file. Later calls fail
// with [lockstore.ErrUnavailable].
func (s *Store) Close() error {
	s.queue.Close()
	s.end(batch.ErrClosed)
	return s.db.Close()
}

// Open reads the event from the file, which the first call for the event does
// otherwise. It fails with [lockstore.ErrOtherSeats] if the file has the event with
// other seats.
func (s *Store) Open(ctx context.Context, ev *lockstore.Event) error {
	_, err := s.event(ctx, ev)
	return err
}

// Do implements [lockstore.LockStore].
func (s *Store) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	at, err := ev.Positions(make([]int, 0, len(op.Seats)), op)
	if err != nil {
		return lockstore.Result{}, err
	}
	if op.Kind > lockstore.KindRelease {
		return lockstore.Result{}, errors.ErrUnsupported
	}
	e, err := s.event(ctx, ev)
	if err != nil {
		return lockstore.Result{}, err
	}
	return s.queue.Do(ctx, work{e, ev, op, at}, len(at))
}

// List implements [lockstore.LockStore].
func (s *Store) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	e, err := s.event(ctx, ev)
	if err != nil {
		return lockstore.Snapshot{}, err
	}
	var patience <-chan time.Time
	for {
		snap, done := e.list(since, s.clock)
		if done == nil {
			if err := s.failure(); err != nil { // meanwhile
				return lockstore.Snapshot{}, err
			}
			return snap, nil
		}
		if patience == nil {
			patience = time.After(callTime)
		}
		select {
		case <-done:
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

// event returns the event as it is kept in memory. The first call for it reads it
// from the file.
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
	if e.layout != ev.Layout && e.layout.Fingerprint() != ev.Fingerprint() {
		return nil, lockstore.ErrOtherSeats
	}
	return e, nil
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
	err := s.db.View(func(tx *bolt.Tx) error {
		text := tx.Bucket(bucketEvents).Get([]byte(ev.ID))
		if text == nil {
			e = newEvent(ev, s.last+1)
			return nil
		}
		number, seats, err := parseEvent(text)
		if err != nil {
			return err
		}
		if seats != joinSeats(ev.Seats) {
			return lockstore.ErrOtherSeats
		}
		e = newEvent(ev, number)
		e.inFile = true
		return e.load(tx.Bucket(bucketSeats), s.log[number], s.clock)
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

// fail ends the store after the disk failed in the middle of a commit. What is on
// the disk is unknown, and the system would answer from its memory.
func (s *Store) fail(cause error) {
	s.end(fmt.Errorf("%w: the disk of %s has failed, so what is in the file is unknown until the program is started again: %w", lockstore.ErrUnavailable, s.path, cause))
}

// end makes every call fail from now on, including those that wait. Only the first
// reason counts.
func (s *Store) end(failed error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = failed
		close(s.ended)
	}
}

// failure returns why the store has ended, or nil.
func (s *Store) failure() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.failed
}
