// Package boltstore keeps locks and bookings in one file, for one process, with
// bbolt: every operation is on the disk before it is answered.
//
// Lists and rosters are answered from memory, as in package memstore. Operations and
// orders are written in batches, each of which is one transaction (write.go, put.go).
// file.go opens and creates files, page.go reads their pages, and verify.go finds damage.
// record.go defines what a file contains, with seat.go, entry.go and order.go.
// snapshot.go and export.go read a file while a store writes to it, and forget.go removes
// an event from it.
//
// The package must not know about HTTP, JSON or environment variables.
package boltstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/batch"
	"seatlock/lockstore/internal/engine"
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

// A Store is a [lockstore.LockStore] and a [lockstore.OrderStore] in a file. [Open]
// makes one.
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
// Until Close, a Store keeps two copies of each event that was used in memory: as decided,
// and as it is on the disk.
type Store struct {
	db    *bolt.DB
	file  *os.File // belongs to db
	info  os.FileInfo
	path  string
	clock clock
	run   string // part of the id of every entry of the journal that this Store writes
	queue *batch.Queue[work, answer]

	mu         sync.RWMutex
	events     map[lockstore.EventID]*event
	last       uint32             // the last number that an event was given
	log        map[uint32]records // what is in the file's log, by event; only write changes it
	committing *transaction       // has orders that may or may not be on the disk, or nil
	failed     error              // why the store has ended, or nil

	ended chan struct{} // closed when failed is set

	leases leases // of orders

	sums   sums   // belongs to runBatch
	tx     uint64 // the last transaction in the file; belongs to runBatch
	maxLog int    // tests lower it
}

var (
	_ lockstore.LockStore  = (*Store)(nil)
	_ lockstore.OrderStore = (*Store)(nil)
)

// Open opens the file at path, and creates it if it is missing or empty. No other
// process can open it before Close.
//
// Open returns once the disk has confirmed everything in the file, including what a
// process that was killed may have left in the system's memory. If the disk does not
// confirm it, Open fails. Open succeeds on a full disk.
//
// The error is one line that names the file. It wraps [ErrInUse], [ErrDamaged] or
// the system's error. In that case, the content of the file is unchanged. Open converts a
// file of the previous format, which older versions can then no longer read.
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
		run:    strconv.FormatUint(rand.Uint64(), 36),
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

// Open reads the event from the file before the first call for it does. If the file has
// the event with other seats, a higher Event.Revision replaces them; otherwise Open fails
// with [lockstore.ErrOtherSeats].
func (s *Store) Open(ctx context.Context, ev *lockstore.Event) error {
	_, err := s.event(ctx, ev)
	return err
}

// Do implements [lockstore.LockStore].
func (s *Store) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	at, err := ev.Positions(make([]int, 0, len(op.Seats)+len(op.To)), &op)
	if err != nil {
		return lockstore.Result{}, err
	}
	for {
		e, err := s.event(ctx, ev)
		if err != nil {
			return lockstore.Result{}, err
		}
		a, err := s.queue.Do(ctx, work{event: e, ev: ev, op: op, at: at}, len(at))
		if !errors.Is(err, errReplaced) {
			return a.result, err
		}
	}
}

// List implements [lockstore.LockStore].
func (s *Store) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (snap lockstore.Snapshot, err error) {
	err = s.read(ctx, ev, func(e *event, now int64) { snap = e.durable.List(&e.log, since, now) })
	if err != nil {
		return lockstore.Snapshot{}, err
	}
	return snap, nil
}

// Wait implements [lockstore.LockStore].
func (s *Store) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	for {
		e, err := s.event(ctx, ev)
		if err != nil {
			return err
		}
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

// Roster implements [lockstore.LockStore].
func (s *Store) Roster(ctx context.Context, ev *lockstore.Event, f lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
	seq, err := s.seq(ctx, ev)
	if err == nil {
		err = f.Check(ev)
	}
	if err != nil {
		return "", func(yield func(lockstore.Holding, error) bool) { yield(lockstore.Holding{}, err) }
	}
	f.Seats = slices.Clone(f.Seats)
	return seq, func(yield func(lockstore.Holding, error) bool) {
		var roster *engine.Roster
		for more := true; more; {
			var page []lockstore.Holding
			err := s.read(ctx, ev, func(e *event, now int64) {
				if roster == nil {
					roster = engine.NewRoster(e.durable, f, now)
				}
				page, more = roster.Next(e.durable, now)
			})
			if err != nil {
				yield(lockstore.Holding{}, err)
				return
			}
			for _, h := range page {
				if !yield(h, nil) {
					return
				}
			}
		}
	}
}

// fail ends the store after the disk failed in the middle of a commit. What is on
// the disk is unknown, and reads would be answered from the system's memory.
func (s *Store) fail(cause error) {
	s.end(fmt.Errorf("%w: the disk of %s has failed, so what is in the file is unknown until the program is started again: %w", lockstore.ErrUnavailable, s.path, cause))
}

// end makes every call fail from now on, including waiting calls. Only the first
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
