// Package pgstore keeps locks and bookings in PostgreSQL, for any number of
// processes. It needs version 14 or newer, and works behind a pooler.
//
// Every call is one function in the database, and so one transaction and one
// round trip. The function locks the rows of its seats, always in the same order,
// and then reads the clock of the database. The functions are the .sql files of
// this package. The store puts them and its tables into a schema of their own,
// seatlock.
//
// The package knows PostgreSQL and the contract, and must not know about HTTP,
// flags or the environment.
package pgstore

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/batch"
	"seatlock/lockstore/internal/follow"
)

// A Store is a [lockstore.LockStore] in PostgreSQL. [New] makes one.
type Store struct {
	pool     *pgxpool.Pool
	versions *follow.Follower[lockstore.EventID, progress] // reads for those who wait
	lists    *lister
	sweeping sync.Mutex // held by the sweep that is under way

	queue     *batch.Queue[work, answer]                  // of operations
	described atomic.Pointer[pgconn.StatementDescription] // of carryOutSQL, for connections that prepare nothing

	mu         sync.Mutex
	unnotified bool               // something changed that other processes were not notified of
	notifying  bool               // a goroutine notifies other processes
	readNow    bool               // there is reason to read versions now
	interrupt  context.CancelFunc // ends the rest between two reads, if there is one
}

var _ lockstore.LockStore = (*Store)(nil)

// New returns a store on the pool, which [Pool] makes. The pool stays the
// caller's: the caller closes it to end the store. New does not connect.
func New(pool *pgxpool.Pool) *Store {
	s := &Store{pool: pool, lists: newLister(pool)}
	s.versions = follow.All(lingerTime, s.readVersions)
	s.queue = batch.New(batches, s.send)
	return s
}

// Open makes the event known to the database, before any call needs it. It fails
// with [lockstore.ErrOtherSeats] if the database has the event with other seats.
func (s *Store) Open(ctx context.Context, ev *lockstore.Event) error {
	var outcome string
	if err := s.ask(ctx, lockstore.ErrUnavailable, "SELECT seatlock.open($1, $2)", []any{string(ev.ID), ev.Fingerprint()}, &outcome); err != nil {
		return err
	}
	if outcome == otherSeats {
		return lockstore.ErrOtherSeats
	}
	return nil
}
