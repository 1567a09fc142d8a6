// Package lockstore defines what a store of seats promises, above all that at most
// one user has a seat.
//
// A [LockStore] carries out operations ([Op]) on the seats of events
// ([Event]). Each store is a package below this one and passes the same suite,
// [seatlock/lockstore/storetest]. This package holds only the contract. It imports
// nothing but the standard library and must not know about HTTP, JSON, files or any
// backend.
package lockstore

import (
	"context"
	"iter"
	"time"
)

// A Version marks a point in the history of one event in one store. It is
// opaque: only the store that made it can read it, and others can only compare two
// versions for equality. It consists of 1 to [MaxIDLen] letters, digits,
// '_', '.' and '-'. The empty Version precedes all others.
type Version string

// LapseMemory is how long a store remembers that a user's lock on a seat
// expired.
const LapseMemory = 10 * time.Minute

// A store may forget an expired lock sooner, but not one that is among the last
// MinSeatLapses of its seat and among the last MinUserLapses of its user in the
// event.
const (
	MinSeatLapses = 16
	MinUserLapses = 256
)

// A LockStore keeps the locks and bookings of any number of events.
//
// A LockStore is safe for concurrent use, and across processes where they share
// the backend.
//
// All times are on the store's clock, which counts milliseconds.
//
// A store keeps no slice that is passed to it, and the slices that it returns
// belong to the caller.
//
// Event.LockTTL, Event.MaxLock and Event.SeatLimit apply to the call alone. What a
// call answers and what lists show afterwards agree, whatever other processes or
// earlier runs had set for the event.
//
// No call's cost grows with what users did in the past, in the event or in others.
// A store may pass over each expired lock once, though, so one call can pay for
// many that expired together.
//
// An error that leaves open whether the call took effect is
// [ErrOutcomeUnknown], wrapped with its cause; the caller may safely repeat the
// call. A call that returns any other error had no effect. [ErrUnavailable] is
// returned when the backend cannot be reached. An error of the context is
// returned as it is, and only when nothing was done.
//
// Every call but Wait ends within a bounded time that the store chooses; the
// context need not have a deadline.
//
// # Layouts
//
// The first change of a seat fixes the layout of its event. From then on the store
// refuses an event with other seats, or with the same seats in another order, with
// [ErrOtherSeats], before it writes anything.
//
// A layout of a higher Revision is the exception. The first call with it replaces
// the layout if it has every seat that is locked or booked; else the call fails
// with a [*MissingSeatsError], and the old layout stays. A blocked seat may be
// missing and is then forgotten. Calls with the old layout fail with ErrOtherSeats
// from then on, and none of them takes effect on another seat. Seats, users and
// journal go by seat ids, so nothing else changes, but no Version is known any
// more. A higher Revision of the same seats in the same order is recorded and
// changes nothing else: calls with the lower one go on.
//
// Before it is fixed, a layout of the same or a higher Revision replaces it.
type LockStore interface {
	// Do carries out op on its seats, all or none, and reports what it changed.
	// [Op] describes each kind of operation.
	//
	// It takes effect as a whole at one moment before it returns. Of any number of
	// users who lock an available seat, at most one succeeds.
	//
	// An op that does not name 1 to [MaxSeats] different seats of the event and
	// a valid user fails with [*UnknownSeatsError] or [*InvalidError] and does
	// nothing ([Event.Positions] checks it for a store).
	//
	// An op that seats prevent does nothing and fails with a [*ConflictError],
	// which names every seat in the way with its status, never its user.
	Do(ctx context.Context, ev *Event, op Op) (Result, error)

	// List returns a full, atomic snapshot if since is empty. Otherwise it
	// returns what has changed since that Version. The snapshot is also full if
	// the Version is far behind, if the store's log no longer reaches back that
	// far, or if the log does not have the Version: the store may have been
	// started again, or a failover may have undone the change. Folding each delta
	// into the snapshot before it gives the next snapshot.
	//
	// List sees every change that was acknowledged before the call began. An
	// expiry is not a change: a locked seat is listed with the end of its lock,
	// and readers apply the clock.
	List(ctx context.Context, ev *Event, since Version) (Snapshot, error)

	// Wait blocks until the event has moved past the Version or the context
	// ends; it then returns nil or the context's error. It returns nil at once if
	// the store does not know the event to have been at that Version. An expiry
	// does not end the wait.
	Wait(ctx context.Context, ev *Event, since Version) error

	// Roster returns every seat that the filter chooses and that is not available,
	// in the order of the layout. Each seat is as it was at some moment during the
	// iteration. The Seq is the journal's from before the first of those moments,
	// so the entries after it correct what was booked, cancelled or moved
	// meanwhile. It is empty if the first pair that the iterator yields has an
	// error. An error ends the iteration.
	//
	// Between two pages no connection, lock or transaction is held. The cost of one
	// user's roster depends on how many seats the user has.
	Roster(ctx context.Context, ev *Event, f Filter) (Seq, iter.Seq2[Holding, error])

	// Journal returns up to limit entries, 1 to [MaxEntries], from the first one
	// after the given Seq; none if there are no more yet.
	//
	// There is an entry for each operation that booked, cancelled, moved, blocked,
	// unblocked or evicted any seat, and for each extension with Op.By that changed
	// any. Journal sees, exactly once, every entry of an operation that was
	// acknowledged before the call began. If one operation ended before another
	// began, or both name a seat, their entries are in that order. A reader
	// that continues from the last Seq misses no entry. Entries are kept for good.
	//
	// It fails with [ErrJournalReset] if the journal does not have the Seq.
	Journal(ctx context.Context, ev *Event, after Seq, limit int) ([]Entry, error)
}
