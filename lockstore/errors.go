package lockstore

import (
	"errors"
	"fmt"
	"strings"
)

// A Reason says why seats prevent an operation.
type Reason string

// The reasons of a [ConflictError]. Each [Kind] says which of them it fails with.
const (
	SeatLocked    Reason = "seat_locked"   // another user has a lock on a seat
	SeatBooked    Reason = "seat_booked"   // a seat is booked
	SeatBlocked   Reason = "seat_blocked"  // a seat is not for sale
	LockNotHeld   Reason = "lock_not_held" // the user has no lock on a seat
	LockExpired   Reason = "lock_expired"  // the user had a lock, and it expired
	NotBooked     Reason = "not_booked"    // a seat is not a booking of that user and reference
	OverSeatLimit Reason = "seat_limit"    // the user would have too many seats of the event
)

// A ConflictError is returned when seats prevent an operation. The operation
// did nothing.
type ConflictError struct {
	Reason Reason

	// Seats are all the seats in the way, with their status, in the order of
	// Op.Seats. It is empty for OverSeatLimit, which no single seat causes.
	Seats []Seat

	// Held is the number of seats of the event that the user has locked and booked.
	// It is set only for OverSeatLimit.
	Held int
}

// Error makes a Reason an error, so that errors.Is(err, SeatBooked) reports
// whether err is a [ConflictError] with that reason.
func (r Reason) Error() string { return "lockstore: " + string(r) }

// Unwrap returns the Reason.
func (e *ConflictError) Unwrap() error { return e.Reason }

func (e *ConflictError) Error() string {
	if e.Reason == OverSeatLimit {
		return fmt.Sprintf("%v: the user has %d seats of the event already", e.Reason, e.Held)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%v:", e.Reason)
	for _, s := range e.Seats {
		fmt.Fprintf(&b, " %s (%s)", s.ID, s.Status)
	}
	return b.String()
}

// An UnknownSeatsError is returned when an operation names seats that the event
// does not have.
type UnknownSeatsError struct {
	Event EventID
	Seats []SeatID
}

func (e *UnknownSeatsError) Error() string {
	return fmt.Sprintf("lockstore: event %q has no seats %q", e.Event, e.Seats)
}

// Unwrap returns ErrUnknownSeats.
func (e *UnknownSeatsError) Unwrap() error { return ErrUnknownSeats }

// An InvalidError is returned when the arguments of a call are invalid.
type InvalidError struct {
	// Problem says what is wrong in words that a user may see, without an initial
	// capital or a full stop.
	Problem string
}

func (e *InvalidError) Error() string { return "lockstore: " + e.Problem }

// Unwrap returns ErrInvalid.
func (e *InvalidError) Unwrap() error { return ErrInvalid }

func invalid(format string, args ...any) error {
	return &InvalidError{Problem: fmt.Sprintf(format, args...)}
}

var (
	// ErrInvalid is wrapped by every [InvalidError].
	ErrInvalid = errors.New("lockstore: invalid arguments")

	// ErrUnknownSeats is wrapped by every [UnknownSeatsError].
	ErrUnknownSeats = errors.New("lockstore: unknown seats")

	// ErrOutcomeUnknown is returned when the call may or may not have taken
	// effect. The caller may safely repeat it.
	ErrOutcomeUnknown = errors.New("lockstore: it is not known whether the call took effect")

	// ErrUnavailable is returned when the backend cannot be reached. Nothing was done.
	ErrUnavailable = errors.New("lockstore: the backend cannot be reached")

	// ErrOtherSeats is returned when the store has the event with other seats, or
	// with the same seats in another order. It is wrapped by every
	// [MissingSeatsError].
	ErrOtherSeats = errors.New("lockstore: the store has this event with other seats or another order of them; give the new seat map a higher revision or a new event id")

	// ErrTooLate is returned when an operation is carried out at its NotAfter or
	// later. Nothing was done.
	ErrTooLate = errors.New("lockstore: it is too late for the operation")

	// ErrTooEarly is returned when an operation is carried out before its
	// NotBefore. Nothing was done.
	ErrTooEarly = errors.New("lockstore: it is too early for the operation")

	// ErrJournalReset is returned when the journal does not have the Seq, for
	// instance because a failover undid the entry. Read the journal from the start.
	ErrJournalReset = errors.New("lockstore: the journal does not have this entry; read it from the start")

	// ErrNoOrder is returned when there is no order with that id.
	ErrNoOrder = errors.New("lockstore: there is no such order")

	// ErrOrderChanged is returned when an order does not have the revision that a
	// Put expects. Nothing was done.
	ErrOrderChanged = errors.New("lockstore: the order was changed meanwhile")
)

// A MissingSeatsError is returned when a higher revision of an event's layout
// lacks seats that are locked or booked. Nothing was done.
type MissingSeatsError struct {
	Event EventID
	Seats []SeatID // up to 100 of them
	More  int      // how many more there are
}

func (e *MissingSeatsError) Error() string {
	return fmt.Sprintf("lockstore: the new layout of event %q lacks %d seats that are locked or booked: %q", e.Event, len(e.Seats)+e.More, e.Seats)
}

// Unwrap returns ErrOtherSeats.
func (e *MissingSeatsError) Unwrap() error { return ErrOtherSeats }
