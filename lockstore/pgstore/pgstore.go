// Package pgstore keeps locks, bookings and orders in PostgreSQL, for any number of
// processes. It needs version 14 or newer, and works behind a pooler.
//
// Operations that arrive together and have the same kind, lock time and seat limit share a
// transaction; package batch gathers them. A batch is one call of a function in the
// database, carry_out, and so one round trip. The function writes the seats of all
// calls in one statement. If a seat is not as its call needs it, that is undone: the
// function then reads the seats, decides the calls one after the other, and writes
// the seats of those that change something, again in one statement. A lock of one seat
// that arrives alone is carried out by another function, lock_one, which costs less. The
// functions are the .sql files of this package. The store puts them and its tables into a
// schema of their own, seatlock.
//
// # Why no seat is sold twice
//
// A row is written only if it allows what its call does or, after a read, still allows
// what was decided from that. If the row was changed since the statement began, PostgreSQL
// evaluates that condition again once the transaction holds the row, which it then holds
// until it ends. If the condition fails for one row of a batch, the whole batch is undone
// and decided again from a new read. All seats of a call that changes something are
// written, even those that stay as they are. So when the transaction holds the last row,
// every seat of the call is as it was decided on, and nobody else can change it before the
// transaction is committed. A call that changes nothing is decided by one read, which sees
// one moment.
//
// Time changes seats too. A seat whose lock has ended stays free for the transaction that
// holds its row. A seat that a call needs locked must be locked at a time that is read
// when the row is obtained, or once all rows are. Between that time and the
// commit, others could find that the lock has ended. So in the last second of a lock,
// every operation that relies on it or ends it holds a shared advisory lock of the
// event until it is committed. Lists and rosters wait for the transactions that hold it
// when they read the clock. An operation that keeps the seat for its user then also holds
// the advisory lock of the user, as does every lock that counts the user's seats for a
// limit, so that they cannot miss each other. A call that finds a lock that has just
// ended, and does not take the seat, obtains the row nevertheless, and so waits for a
// confirm that came before.
//
// # Bounds in time
//
// A call with a NotAfter reads the clock once it holds the rows of all its seats, and is
// undone if it is too late by then. It holds the rows until it is committed, however long
// that takes. A cancel with a NotBefore reads the clock before it takes the rows of
// all its seats, whether it changes them or not. So it waits for every call that was in
// time, and a call that gets the rows after it is too late. If it has to wait too long, it
// fails.
//
// # Layouts
//
// A row is found by the place of its seat in the layout, and has the seat's id. A
// transaction that changes seats takes a shared advisory lock of the event's layout, and
// then compares the layout. Replacing the layout takes that lock exclusively, gives rows
// their new places and restarts the log. Readers check the layout before and after.
//
// # The journal
//
// The transaction of an operation adds its entry, without a number, so the two are
// equally safe. Readers number the entries that are committed, one reader at a time, in an
// order that was drawn while the rows were held; enter.sql says why. A number is committed
// before it is returned to anybody.
//
// # Why there are no deadlocks
//
// A transaction first takes the shared advisory locks of its events' layouts, in the order
// of the events' names. It then tries to take the advisory locks of its users, without
// waiting: a call that does not get its user's is made again. It then takes the shared
// advisory locks of its events, of which others hold only shared ones. Finally, it
// takes all rows in one statement, in the order of the names of the events and of
// places, whether a row exists or not. So the rows that a transaction waits for come
// after all that it holds, and a circle of waits is impossible. A wait ends after 0.3
// seconds; the calls of the batch are then made again, each by itself.
//
// The package knows PostgreSQL and the contract, and must not know about HTTP,
// flags or the environment.
package pgstore

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/batch"
	"seatlock/lockstore/internal/follow"
)

// A Store is a [lockstore.LockStore] and a [lockstore.OrderStore] in PostgreSQL. [New]
// makes one.
type Store struct {
	pool     *pgxpool.Pool
	versions *follow.Follower[lockstore.EventID, progress] // reads for callers of Wait
	lists    *lister
	keepFrom int         // tests lower it
	keeping  atomic.Bool // a full list is being kept
	sweeping sync.Mutex  // held by the sweep that is under way
	layouts  layouts

	queue    *batch.Queue[work, answer] // of operations
	carryOut statement
	lockOne  statement

	mu         sync.Mutex
	unnotified bool               // something changed that other processes were not notified of
	notifying  bool               // a goroutine notifies other processes
	readNow    bool               // there is reason to read versions now
	interrupt  context.CancelFunc // ends the rest between two reads; nil outside of one
}

var _ lockstore.LockStore = (*Store)(nil)

// New returns a store on the pool, which [Pool] makes. The pool stays the
// caller's: the caller closes it to end the store. New does not connect.
func New(pool *pgxpool.Pool) *Store {
	s := &Store{pool: pool, lists: newLister(pool), keepFrom: keepFrom}
	s.versions = follow.All(lingerTime, s.readVersions)
	s.carryOut.sql, s.lockOne.sql = carryOutSQL, lockOneSQL
	s.queue = batch.New(batches, s.send)
	return s
}
