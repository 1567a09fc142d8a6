package pgstore

import (
	"context"
	"errors"
	"hash/maphash"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/batch"
)

// batches says how calls share transactions. The next batch gathers while one is
// under way, and the calls of a batch share the wait for the disk. A batch that waits for
// a row, or for a slow disk, does not hold up the others.
var batches = batch.Options{
	Backend:     "PostgreSQL",
	Parallel:    2,
	MaxWeight:   256, // seats, and so how long PostgreSQL is busy with them
	Yields:      20,
	Patience:    patience,
	Bound:       callTime,
	CallerSends: true,
	Late:        20 * time.Millisecond,
	MaxLate:     8,
	MaxPerKey:   8,
}

// work is an operation that is to be carried out.
type work struct {
	terms
	event    eventKey
	revision int32 // of the event's layout
	user     lockstore.UserID
	places   []int32  // the keys of the seats' rows: their positions; those of Op.To last
	names    []string // of the seats

	ref, by   string
	until     time.Time
	longest   time.Duration // of a lock that is extended
	notAfter  time.Time
	notBefore time.Time
}

// terms are what the calls of a batch have in common.
type terms struct {
	kind    lockstore.Kind
	lasts   time.Duration // KindLock: the lock time
	most    int           // KindLock: the seat limit
	blocked bool          // Op.Blocked
}

type call = batch.Call[work, answer]

// keySeed hashes the keys of seats and users.
var keySeed = maphash.MakeSeed()

// keys are the seats and the user of an operation. Another transaction with one of
// them would make this one wait or be overtaken.
func (w *work) keys() []batch.Key {
	keys := make([]batch.Key, 0, len(w.places)+1)
	for _, p := range w.places {
		keys = append(keys, batch.Key(maphash.Comparable(keySeed, rowKey{w.event.id, p})))
	}
	if w.user != "" {
		keys = append(keys, batch.Key(maphash.Comparable(keySeed, holderKey{w.event.id, w.user})))
	}
	return keys
}

type (
	rowKey struct {
		event lockstore.EventID
		place int32
	}
	holderKey struct {
		event lockstore.EventID
		user  lockstore.UserID
	}
)

// send has the database carry out the calls of a batch. It returns within callTime of the
// first of them.
func (s *Store) send(calls []*call) {
	patient := calls[0].SendBy()
	for _, c := range calls {
		if c.SendBy().Before(patient) {
			patient = c.SendBy()
		}
	}
	acquire, cancel := context.WithDeadline(context.Background(), patient)
	defer cancel()
	conn, err := s.acquireBy(acquire)
	if err != nil {
		if acquire.Err() != nil {
			s.queue.SendAgain(calls, false, err) // those that can wait longer
		} else {
			answerAll(calls, err)
		}
		return
	}
	ctx, cancel := context.WithDeadline(context.Background(), patient.Add(callTime-patience))
	defer cancel()
	rest, err := s.carryOutAll(ctx, conn, calls)
	conn.Release() // before migrate, which needs a connection: there may be only one
	if err == nil {
		return
	}
	_, answered := errors.AsType[*pgconn.PgError](err)
	switch {
	case missing(err):
		if migrateErr := s.migrate(ctx); migrateErr != nil {
			answerAll(rest, migrateErr)
		} else {
			s.queue.SendAgain(rest, false, err)
		}
	case undone(err):
		s.queue.SendAgain(rest, false, err)
	case answered && len(rest) > 1 && errors.Is(err, lockstore.ErrUnavailable):
		// One of them is what the database did not accept or could not wait for.
		s.queue.SendAgain(rest, true, err)
	default:
		answerAll(rest, err)
	}
}

// answerAll answers all calls with an error.
func answerAll(calls []*call, err error) {
	for _, c := range calls {
		c.Answer(answer{}, err)
	}
}
