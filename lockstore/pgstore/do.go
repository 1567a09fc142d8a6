package pgstore

import (
	"context"
	"fmt"
	"time"

	"seatlock/lockstore"
)

// Outcomes of the functions that are no reason of a conflict.
const (
	done       = "ok"
	notOpen    = "not_open"
	otherSeats = "other_seats"
)

// Do implements [lockstore.LockStore].
func (s *Store) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	places, names, err := rowsOf(ev, op)
	if err != nil {
		return lockstore.Result{}, err
	}
	for range attempts {
		var a answer
		if err := s.carryOut(ctx, ev, op, places, names, &a); err != nil {
			return lockstore.Result{}, err
		}
		switch a.outcome {
		case notOpen:
			if err := s.Open(ctx, ev); err != nil {
				return lockstore.Result{}, err
			}
			continue
		case otherSeats:
			return lockstore.Result{}, lockstore.ErrOtherSeats
		case done:
			// A repeat after a lost answer changes nothing, so no process is notified
			// of the change: others then see it up to pollTime later.
			if len(a.numbers) > 0 {
				s.readSoon(ev.ID)
				s.notify(ctx)
			}
			return a.result(op)
		}
		return lockstore.Result{}, a.conflict(ev, places)
	}
	return lockstore.Result{}, errNotOpen
}

// errNotOpen is the error of a call in an event that somebody takes out of the
// database as soon as it is there.
var errNotOpen = fmt.Errorf("%w: PostgreSQL does not keep the event", lockstore.ErrUnavailable)

// rowsOf checks an operation. It returns the keys of its seats' rows, which are
// their positions, and their names, which are for readers of the table.
func rowsOf(ev *lockstore.Event, op lockstore.Op) (places []int32, names []string, err error) {
	at, err := ev.Positions(make([]int, 0, 8), op)
	if err != nil {
		return nil, nil, err
	}
	places, names = make([]int32, len(at)), make([]string, len(at))
	for i, p := range at {
		places[i], names[i] = int32(p), string(op.Seats[i])
	}
	return places, names, nil
}

// An answer is the row that a function returns which changes seats.
type answer struct {
	outcome string
	clock   *time.Time
	numbers []int    // in op.Seats: of the seats that changed, or of those in the way
	untils  []millis // until when those in the way are taken
	ends    *millis  // when the first lock ends; for KindLock alone
	held    *int     // how many seats the user has, for OverSeatLimit
}

// carryOut has the database carry out op once.
func (s *Store) carryOut(ctx context.Context, ev *lockstore.Event, op lockstore.Op, places []int32, names []string, a *answer) error {
	args := []any{string(ev.ID), ev.Fingerprint(), places, names, string(op.User)}
	into := []any{&a.outcome, &a.clock, &a.numbers, &a.untils}
	var sql string
	switch op.Kind {
	case lockstore.KindLock:
		sql = "SELECT outcome, clock, numbers, untils, ends, held FROM seatlock.do_lock($1, $2, $3, $4, $5, $6, $7)"
		args = append(args, ev.LockTTL, ev.SeatLimit)
		into = append(into, &a.ends, &a.held)
	case lockstore.KindConfirm:
		sql = "SELECT outcome, clock, numbers, untils FROM seatlock.do_confirm($1, $2, $3, $4, $5)"
	case lockstore.KindRelease:
		sql = "SELECT outcome, clock, numbers, untils FROM seatlock.do_release($1, $2, $3, $4, $5)"
	}
	return s.ask(ctx, lockstore.ErrOutcomeUnknown, sql, args, into...)
}

// result returns what an operation did that was carried out.
func (a *answer) result(op lockstore.Op) (lockstore.Result, error) {
	if a.clock == nil || op.Kind == lockstore.KindLock && a.ends == nil {
		return lockstore.Result{}, a.senseless()
	}
	result := lockstore.Result{Now: *a.clock}
	if a.ends != nil {
		result.Expires = a.ends.time()
	}
	for _, n := range a.numbers {
		if n < 0 || n >= len(op.Seats) {
			return lockstore.Result{}, a.senseless()
		}
		result.Changed = append(result.Changed, op.Seats[n])
	}
	return result, nil
}

// conflict returns the error of an operation that seats prevented.
func (a *answer) conflict(ev *lockstore.Event, places []int32) error {
	e := &lockstore.ConflictError{Reason: lockstore.Reason(a.outcome)}
	if a.held != nil {
		e.Held = *a.held
	}
	if len(a.numbers) != len(a.untils) {
		return a.senseless()
	}
	for i, n := range a.numbers {
		if n < 0 || n >= len(places) {
			return a.senseless()
		}
		e.Seats = append(e.Seats, ev.Seat(listed(places[n], a.untils[i], 0))) // the function has looked at the clock
	}
	return e
}

// senseless is the error of an answer that no function of this version gives.
func (a *answer) senseless() error {
	return fmt.Errorf("%w: PostgreSQL answered %+v", lockstore.ErrOutcomeUnknown, *a)
}
