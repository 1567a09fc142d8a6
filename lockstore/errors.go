package lockstore

import (
	"errors"
	"fmt"
	"strings"
)

// A Reason says why seats prevent an operation.
type Reason string

// The reasons of a [ConflictError]. [Kind] says which operation fails with which.
const (
	SeatLocked    Reason = "seat_locked"   // another user has a lock on a seat
	SeatBooked    Reason = "seat_booked"   // a seat is booked
	LockNotHeld   Reason = "lock_not_held" // the user has no lock on a seat
	LockExpired   Reason = "lock_expired"  // the user had a lock, and it expired
	OverSeatLimit Reason = "seat_limit"    // the user would have too many seats of the event
)

// A ConflictError is returned when seats prevent an operation. The operation
// did nothing.
type ConflictError struct {
	Reason Reason

	// Seats are all the seats in the way, with their status, in the order of
	// Op.Seats. It is empty for OverSeatLimit, which no single seat causes.
	Seats []Seat

	// Held is, for OverSeatLimit, the number of seats of the event that the user
	// has locked and booked.
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
	// Problem says what is wrong, in words that a user may see: a sentence without
	// its first capital and its full stop.
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

	// ErrOtherSeats is returned when the store knows the event with other seats.
	ErrOtherSeats = errors.New("lockstore: the store has this event with other seats or another order of them; give the new seat map a new event id")
)
