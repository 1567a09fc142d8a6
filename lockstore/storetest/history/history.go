// Package history judges a store by what its callers saw of it. It has many
// of them make random calls at the same time ([Play]), writes down what each
// asked, was answered, and when, and then looks for an order of the calls, one
// after the other, in which every answer is what the contract says
// ([History.Check]). A store for which there is none has broken a promise: it
// sold a seat twice, took half a group, listed what never was.
//
// That is linearizability, decided by the porcupine checker. What is Seatlock's
// own is the model: a lock that runs out is no call, so each has an interval in
// which that must happen, narrowed by whatever is seen of it.
//
// The package knows the interface alone: no store, no backend, no HTTP.
package history

import (
	"context"
	"errors"
	"math"
	"time"

	"seatlock/lockstore"
)

// A Call is one of the five calls of a store.
type Call string

// The calls of [lockstore.LockStore].
const (
	Lock    Call = "lock"
	Confirm Call = "confirm"
	Release Call = "release"
	List    Call = "list"
	Wait    Call = "wait"
)

// An Op is one call that one client made, and what came of it.
type Op struct {
	Client     int
	Call       Call
	Seats      []lockstore.SeatID
	User       lockstore.UserID
	Since      lockstore.Version
	For        time.Duration // how long a Wait was given
	OtherSeats bool          // it was made with another seat map under the event's id

	// Begin and End order the calls: one that ended before another began came
	// before it. End is Never for a call that may still take effect.
	Begin, End int64

	// Called and Returned are when that was, on the clock of the client.
	Called, Returned time.Time

	Answer
}

// Never is the End of a call whose outcome is not known.
const Never = math.MaxInt64

// An Answer is what a store returned.
type Answer struct {
	Outcome  Outcome
	Expires  time.Time                // of a Lock that was done
	Conflict *lockstore.ConflictError // of a call that was refused
	Snapshot *lockstore.Snapshot      // of a List
	Err      string                   // the error, if any, as text
	Cause    error                    `json:"-"` // the error itself
}

// An Outcome is what an answer says of the call.
type Outcome string

// The outcomes of a call.
const (
	Done     Outcome = "done"
	Refused  Outcome = "refused"            // a conflict
	Foreign  Outcome = "other seats"        // refused for its seat map
	Nothing  Outcome = "nothing done"       // the store was away, or the context over
	Unknown  Outcome = "unknown"            // done or not
	Breach   Outcome = "breach of contract" // an error that no call may end with
	TimedOut Outcome = "timed out"          // a Wait that nothing ended
)

// A History is what happened to one event, from before its first call on.
type History struct {
	Event *lockstore.Event
	Ops   []Op

	// Slack is how far the clocks of the store and of the clients may be
	// apart, and how late a lock may be found to have run out. A millisecond
	// is the least that can be told.
	Slack time.Duration

	// Remote is of calls made over HTTP, where a delta may also name seats
	// that did not change, as they are: changes that came after the list was
	// rendered are left out, not the seats.
	Remote bool
}

// outcome sorts an error.
func outcome(call Call, err error) (Outcome, *lockstore.ConflictError) {
	conflict, refused := errors.AsType[*lockstore.ConflictError](err)
	switch {
	case err == nil:
		return Done, nil
	case errors.Is(err, lockstore.ErrOutcomeUnknown):
		return Unknown, nil
	case refused:
		return Refused, conflict
	case errors.Is(err, lockstore.ErrOtherSeats):
		return Foreign, nil
	case errors.Is(err, lockstore.ErrUnavailable):
		return Nothing, nil
	case call == Wait && errors.Is(err, context.DeadlineExceeded):
		return TimedOut, nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Nothing, nil
	}
	return Breach, nil
}
