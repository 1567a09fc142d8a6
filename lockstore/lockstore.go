// Package lockstore keeps at most one user per seat.
//
// It holds the contract, [LockStore], and the store that needs nothing,
// [Memory], with what that is made of, [Seating] and [ChangeLog], for stores
// that keep an event in memory too. Every other store is a package below this
// one and passes the same suite, [seatlock/lockstore/storetest]. This package
// uses the standard library only and must not know about HTTP, JSON, files or
// any backend.
package lockstore

import (
	"context"
	"time"
)

// A UserID names who locks and books: 1 to 128 bytes of printable UTF-8
// ([UserID.Check]). A store compares it byte for byte.
type UserID string

// A Version marks a point in the history of one event in one store. It is
// opaque: only the store that made it can read it, and two versions can be
// compared for equality alone. It consists of 1 to [MaxIDLen] letters, digits,
// '_', '.' and '-'. The empty Version stands before everything.
type Version string

// MaxSeats is the most seats that one call may name.
const MaxSeats = 50

// LapseMemory is how long a store can still tell a user whose lock ran out
// from a user who never had one.
const LapseMemory = 10 * time.Minute

// A Status is what a seat is at one moment.
type Status string

// A seat is available, or locked until a moment, or booked for good.
const (
	Available Status = "available"
	Locked    Status = "locked"
	Booked    Status = "booked"
)

// A Seat is what anybody may know of a seat: never who holds it.
type Seat struct {
	ID      SeatID
	Status  Status
	Expires time.Time // when the lock ends, on the store's clock; zero unless Status is Locked
}

// A Snapshot is what List found, at one moment, for all seats at once.
type Snapshot struct {
	// Version is where the event stood. Hand it to List or Wait to go on from here.
	Version Version

	// Full tells a whole list, which names every seat that is not
	// available, from a delta, which names every seat that changed since
	// the Version asked for, released ones (as Available) too.
	Full bool

	// Time is the store's clock when the list was taken. A lock whose
	// Expires is not after Time is listed as Available.
	Time time.Time

	// Seats is in the order of Event.Seats, each seat at most once.
	Seats []Seat
}

// A LockStore keeps the locks and bookings of any number of events.
//
// Safe for concurrent use, and across processes where the backend is shared.
//
// Every call is atomic over all its seats: all or none. Of many Locks on one
// seat at most one wins.
//
// Every call names 1 to [MaxSeats] different seats of the event and a valid
// user, else it fails with [*UnknownSeatsError] or [*InvalidError] and does
// nothing ([Event.Positions] checks that for a store).
//
// A failed call names every seat that stood in the way, and its state
// ([*ConflictError]), never its holder.
//
// An error that leaves open whether the call took effect is
// [ErrOutcomeUnknown], wrapped with its cause; asking again is safe. No other
// error may have had an effect. [ErrUnavailable] is a backend out of reach; an
// error of the context is returned as it is, when nothing was done.
//
// Every call but Wait ends in a bounded time, which the store sees to: the
// context need not have a deadline.
//
// An event that another process opened with other seats, or with the same
// ones in another order, is refused with [ErrOtherSeats] before anything is
// written.
//
// Slices passed in are not kept; slices returned are the caller's.
type LockStore interface {
	// Lock gives the user all the seats until Event.LockTTL from now, and
	// returns when the first of them comes back by itself: a lock is gone once
	// its time is up, with no sweeper and nobody looking. There is no promise
	// at the exact millisecond.
	//
	// A user who locks a seat it already holds succeeds and does not get more
	// time: a retry is safe, and nobody hoards. Locking some seats one holds and
	// some new ones locks the new ones; the answer is the earliest expiry of all.
	//
	// It fails with [SeatBooked] if any seat is booked, by whomever, else
	// with [SeatLocked] if another user has a lock on any, else with
	// [OverSeatLimit] if the user would have more than Event.SeatLimit seats of
	// the event locked and booked together.
	Lock(ctx context.Context, ev *Event, seats []SeatID, user UserID) (expires time.Time, err error)

	// Confirm books the seats for the user, for good: a booking never expires.
	//
	// It needs a live lock by the same user on every seat, or the seat already
	// booked by that user: confirming twice succeeds.
	//
	// It fails with [LockExpired] if the user's last lock on every seat in the
	// way ran out within [LapseMemory], even if the seat is somebody else's by
	// now, and with [LockNotHeld] if any of them is another case.
	Confirm(ctx context.Context, ev *Event, seats []SeatID, user UserID) error

	// Release gives back the seats that the user has locked, and leaves alone
	// those that it has not: releasing twice succeeds.
	//
	// A booking is not released: if the user has booked any of the seats, it
	// fails with [SeatBooked], naming those, and gives none back.
	Release(ctx context.Context, ev *Event, seats []SeatID, user UserID) error

	// List with an empty Version is a full, atomic snapshot. With a Version it
	// is what changed since, or full again where the store's log no longer
	// reaches back or the Version is none of its own (an older life of the
	// store, or its future after a failover). Folding deltas into a snapshot
	// always gives the next snapshot.
	//
	// It sees everything that was acknowledged before it began. Running out
	// makes no entry: an entry carries its expiry, and readers apply the clock.
	List(ctx context.Context, ev *Event, since Version) (Snapshot, error)

	// Wait returns nil when the event is beyond that Version, or is not known to
	// have ever been at it, and otherwise blocks until it is or until the
	// context ends, whose error it returns. Running out does not wake it.
	Wait(ctx context.Context, ev *Event, since Version) error
}
