// Package history checks a store by what its callers saw. It has several
// clients make random calls at the same time ([Play]) and records each call, its
// answer and its times. It then looks for an order of the calls, one after the
// other, in which every answer is what the contract says ([History.Check]). A
// store for which there is none has broken the contract: it sold a seat twice,
// took half a group, or listed a state that never was.
//
// That is linearizability, which the porcupine checker decides. The model is
// Seatlock's own. The expiry of a lock is not a call, so the model keeps an interval
// in which it must expire, and every answer narrows it.
//
// The package must not know about any store, backend or HTTP.
package history

import (
	"cmp"
	"context"
	"errors"
	"math"
	"time"

	"seatlock/lockstore"
)

// A Method is one of the methods of [lockstore.LockStore].
type Method string

// The methods of a store.
const (
	Do      Method = "" // carries out Call.Op
	List    Method = "list"
	Wait    Method = "wait"
	Roster  Method = "roster"  // the whole of it
	Journal Method = "journal" // one page
)

// A Call is one call that one client made, with its answer.
type Call struct {
	Client int
	Method Method

	lockstore.Op           // of Do
	Settings     *Settings // of Do; nil for those of History.Event

	Since      lockstore.Version // of List and Wait
	Lasts      time.Duration     // how long Wait may take
	Filter     lockstore.Filter  // of Roster
	After      lockstore.Seq     // of Journal, whose limit is lockstore.MaxEntries
	OtherSeats bool              // the call used another layout under the event's id

	// Begin and End order the calls: a call that ended before another began came
	// before it. End is Never for a call that may still take effect.
	Begin, End int64

	// Called and Returned are the same moments on the client's clock.
	Called, Returned time.Time

	Answer
}

// Settings are the part of an event that may differ from call to call.
type Settings struct {
	LockTTL   time.Duration
	SeatLimit int
	MaxLock   time.Duration // 0 for the event's
}

// of returns the event with the settings.
func (s *Settings) of(ev *lockstore.Event) *lockstore.Event {
	if s == nil {
		return ev
	}
	other := *ev
	other.LockTTL, other.SeatLimit = s.LockTTL, s.SeatLimit
	other.MaxLock = cmp.Or(s.MaxLock, other.MaxLock)
	return &other
}

// Name returns the name of the operation, such as lock, or of the method.
func (c *Call) Name() string {
	if c.Method == Do {
		return c.Kind.String()
	}
	return string(c.Method)
}

// Never is the End of a call whose outcome is unknown.
const Never = math.MaxInt64

// An Answer is what a store returned.
type Answer struct {
	Outcome          Outcome
	lockstore.Result                          // of a Do that is Done
	Conflict         *lockstore.ConflictError // of a Do that is Refused
	Snapshot         *lockstore.Snapshot      // of a List
	Holdings         []lockstore.Holding      // of a Roster
	Entries          []lockstore.Entry        // of a Journal
	Err              string                   // the error as text; "" if there is none
	Cause            error                    `json:"-"` // the error itself
}

// An Outcome is how a call ended.
type Outcome string

// The outcomes of a call.
const (
	Done     Outcome = "done"
	Refused  Outcome = "refused" // with a conflict
	TooLate  Outcome = "too late"
	TooEarly Outcome = "too early"
	Foreign  Outcome = "other seats"  // refused for its layout
	Nothing  Outcome = "nothing done" // the store was unavailable, or the context ended
	Unknown  Outcome = "unknown"      // done or not
	Failed   Outcome = "failed"       // with an error that the contract does not allow
	TimedOut Outcome = "timed out"    // a Wait that no change ended
)

// A History is the calls for one event since its first use.
type History struct {
	Event *lockstore.Event
	Calls []Call

	// Slack is how far the clocks of the store and the clients may differ, and
	// how late the end of a lock may be noticed. Real clocks need at least a
	// millisecond, because the store's clock counts those. Zero is for a bubble in which
	// all times are whole milliseconds.
	Slack time.Duration

	// Remote marks calls that went over HTTP, whose answers say less: a Result
	// need not report Changed and Now, Held may be -1, and lists and conflicts may show
	// the end of a lock rounded up to a second. A delta may also name
	// seats that did not change, because the server leaves out only the changes,
	// not the seats, that are newer than its list.
	Remote bool

	// LosesLog marks a store that may lose its log, as in a crash, and no longer know
	// its Versions. Its Wait may return although nothing has changed.
	LosesLog bool

	// Journal is the event's whole journal after the calls, and Roster its whole roster.
	// They are nil if they were not read.
	Journal []lockstore.Entry
	Roster  []lockstore.Holding
}

// outcome returns the Outcome that an error means.
func outcome(m Method, err error) (Outcome, *lockstore.ConflictError) {
	conflict, refused := errors.AsType[*lockstore.ConflictError](err)
	switch {
	case err == nil:
		return Done, nil
	case errors.Is(err, lockstore.ErrOutcomeUnknown):
		return Unknown, nil
	case refused:
		return Refused, conflict
	case errors.Is(err, lockstore.ErrTooLate):
		return TooLate, nil
	case errors.Is(err, lockstore.ErrTooEarly):
		return TooEarly, nil
	case errors.Is(err, lockstore.ErrOtherSeats):
		return Foreign, nil
	case errors.Is(err, lockstore.ErrUnavailable):
		return Nothing, nil
	case m == Wait && errors.Is(err, context.DeadlineExceeded):
		return TimedOut, nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Nothing, nil
	}
	return Failed, nil
}
