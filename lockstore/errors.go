package lockstore

import (
	"errors"
	"fmt"
	"strings"
)

// A Reason says why seats could not be had.
type Reason string

// The reasons of a [ConflictError]. [LockStore] says which call fails with which.
const (
	SeatLocked    Reason = "seat_locked"   // another user has a lock on a seat
	SeatBooked    Reason = "seat_booked"   // a seat is booked
	LockNotHeld   Reason = "lock_not_held" // the user has no lock on a seat
	LockExpired   Reason = "lock_expired"  // the user had a lock, and it ran out
	OverSeatLimit Reason = "seat_limit"    // the user would have too many seats of the event
)

// A ConflictError says which seats stood in the way of a call. The call has
// done nothing.
type ConflictError struct {
	Reason Reason

	// Seats are all the seats that stood in the way, as they are, in the
	// order they were asked for. For OverSeatLimit, where no single seat is to
	// blame, it is empty.
	Seats []Seat

	// Held is, for OverSeatLimit, how many seats of the event the user has
	// locked and booked.
	Held int
}

// Error makes a Reason a target for errors.Is: a [ConflictError] is its Reason.
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

// An UnknownSeatsError says which of the seats asked for are not of the event.
type UnknownSeatsError struct {
	Event EventID
	Seats []SeatID
}

func (e *UnknownSeatsError) Error() string {
	return fmt.Sprintf("lockstore: event %q has no seats %q", e.Event, e.Seats)
}

// Unwrap returns ErrUnknownSeats.
func (e *UnknownSeatsError) Unwrap() error { return ErrUnknownSeats }

// An InvalidError says what is wrong with the arguments of a call, in a
// sentence fit to be shown to whoever made it.
type InvalidError struct {
	Problem string
}

func (e *InvalidError) Error() string { return "lockstore: " + e.Problem }

// Unwrap returns ErrInvalid.
func (e *InvalidError) Unwrap() error { return ErrInvalid }

func invalid(format string, args ...any) error {
	return &InvalidError{Problem: fmt.Sprintf(format, args...)}
}

var (
	// ErrInvalid is what every [InvalidError] is.
	ErrInvalid = errors.New("lockstore: invalid arguments")

	// ErrUnknownSeats is what every [UnknownSeatsError] is.
	ErrUnknownSeats = errors.New("lockstore: unknown seats")

	// ErrOutcomeUnknown leaves open whether the call took effect. Asking again is safe.
	ErrOutcomeUnknown = errors.New("lockstore: it is not known whether the call took effect")

	// ErrUnavailable says that the backend could not be reached, and that nothing was done.
	ErrUnavailable = errors.New("lockstore: the backend cannot be reached")

	// ErrOtherSeats says that the store knows the event with other seats.
	ErrOtherSeats = errors.New("lockstore: the store has this event with other seats or another order of them; give the new seat map a new event id")
)
