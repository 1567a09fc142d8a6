// Package pgstore keeps locks, bookings and orders in PostgreSQL, for any number of
// processes. It needs version 14 or newer, and works behind a pooler.
//
// Operations that arrive together share a transaction, as package batch has it: those of
// one kind, lock time and seat limit. A batch is one call of a function in the
// database, carry_out, and so one round trip. The function writes the seats of all
// calls in one statement. If a seat is not as its call needs it, that is undone: the
// function then looks at the seats, decides the calls one after the other, and writes
// the seats of those that change something, again in one statement. A lock of one seat
// that arrives alone is carried out by another function, lock_one, which costs less. The
// functions are the .sql files of this package. The store puts them and its tables into a
// schema of their own, seatlock.
//
// # Why no seat is sold twice
//
// A row is written only if it allows what its call does, or still allows what the look
// at it allowed. If the row was changed since the statement began, PostgreSQL evaluates
// that condition again once the transaction has the row, which it then keeps until it
// ends. If one row of a batch fails, all of the batch is undone and decided anew, by a
// new look. All seats of a call that changes something are written, those too that stay
// as they are. So when the transaction has the last row, every seat of the call is as
// it was decided on, and nobody else can change it before the transaction is committed.
// A call that changes nothing is decided by one look, which sees one moment.
//
// Time changes seats too. A seat whose lock has ended stays free for the one who has
// its row. A seat that a call needs locked must be locked by the clock at which the row
// is had, or by a clock that is read once all rows are had. Between that clock and the
// commit, others could find that the lock has ended. So in the last second of a lock,
// every operation that relies on it or ends it holds a shared advisory lock of the
// event until it is committed. Lists and rosters wait for those that hold it when they
// read the clock. An operation that keeps the seat for its user then also holds the
// advisory lock of the user, as does every lock that counts the user's seats for a
// limit: so none counts without the other. A call that finds a lock which has just
// ended, and does not take the seat, has the row all the same, and so waits for a
// confirm that came before.
//
// # Bounds in time
//
// A call with a NotAfter reads the clock once it has the rows of all its seats, and is
// undone if it is too late by then. It keeps the rows until it is committed, however long
// that takes. A cancel with a NotBefore reads the clock before it takes the rows of
// all its seats, whether it changes them or not. So it waits for every call that was in
// time, and one that gets the rows afterwards is too late. If it has to wait too long, it
// fails.
//
// # Layouts
//
// A row is found by the place of its seat in the layout, and has the seat's id. A
// transaction that changes seats shares an advisory lock of the event's layout, and
// compares the layout afterwards. Replacing the layout has that lock alone, gives rows
// their new places and begins the log anew. Readers look at the layout before and after.
//
// # The journal
//
// The transaction of an operation adds its entry, without a number, so the two are
// equally safe. Readers number the entries that are committed, one reader at a time, in an
// order that was drawn while the seats were had; enter.sql says why. A number is committed
// before anybody is given it.
//
// # Why no transactions wait for each other
//
// A transaction first shares the advisory locks of its events' layouts, in the order of
// the events' names. It takes the advisory locks of its users, and does not wait for
// them: a call that does not get its user's is made again. It then takes the shared
// advisory locks of its events, which only shared ones are held beside. It then
// takes all rows in one statement, in the order of the names of the events and of
// places, whether a row exists or not. So the rows that a transaction waits for are
// beyond all that it has, and a circle of waits is impossible. A wait ends after 0.3
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
	versions *follow.Follower[lockstore.EventID, progress] // reads for those who wait
	lists    *lister
	keepFrom int         // tests lower it
	keeping  atomic.Bool // a whole list is being kept
	sweeping sync.Mutex  // held by the sweep that is under way
	layouts  layouts

	queue    *batch.Queue[work, answer] // of operations
	carryOut statement
	lockOne  statement

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
	s := &Store{pool: pool, lists: newLister(pool), keepFrom: keepFrom}
	s.versions = follow.All(lingerTime, s.readVersions)
	s.carryOut.sql, s.lockOne.sql = carryOutSQL, lockOneSQL
	s.queue = batch.New(batches, s.send)
	return s
}
