package pgstore

import (
	"context"
	"errors"
	"fmt"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/batch"
)

// Do implements [lockstore.LockStore].
func (s *Store) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	w, err := workOf(ev, op)
	if err != nil {
		return lockstore.Result{}, err
	}
	if op.Kind > lockstore.KindRelease {
		return lockstore.Result{}, errors.ErrUnsupported
	}
	for range attempts {
		a, err := s.queue.DoOn(ctx, w, batch.Terms{Weight: len(w.places), Group: w.terms, Keys: w.keys()})
		if err != nil {
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
			if len(a.changed) > 0 {
				s.readSoon(ev.ID)
				s.notifySoon()
			}
			return a.result(op), nil
		}
		return lockstore.Result{}, a.conflict(ev, w.places)
	}
	return lockstore.Result{}, errNotOpen
}

// errNotOpen is the error of a call in an event that somebody takes out of the
// database as soon as it is there.
var errNotOpen = fmt.Errorf("%w: PostgreSQL does not keep the event", lockstore.ErrUnavailable)

// workOf checks an operation and returns a copy of it. The caller may change op
// once Do has returned, which may be before the database is done with it.
func workOf(ev *lockstore.Event, op lockstore.Op) (work, error) {
	at, err := ev.Positions(make([]int, 0, 8), op)
	if err != nil {
		return work{}, err
	}
	w := work{
		terms:  terms{kind: op.Kind},
		event:  eventKey{ev.ID, ev.Fingerprint()},
		user:   op.User,
		places: make([]int32, len(at)),
		names:  make([]string, len(at)),
	}
	for i, p := range at {
		w.places[i], w.names[i] = int32(p), string(op.Seats[i])
	}
	if op.Kind == lockstore.KindLock {
		w.lasts, w.most = ev.LockTTL, ev.SeatLimit
	}
	return w, nil
}

// result returns what an operation did that was carried out.
func (a *answer) result(op lockstore.Op) lockstore.Result {
	result := lockstore.Result{Now: a.clock}
	if op.Kind == lockstore.KindLock {
		result.Expires = a.ends.time()
	}
	for _, n := range a.changed {
		result.Changed = append(result.Changed, op.Seats[n])
	}
	return result
}

// conflict returns the error of an operation that seats prevented.
func (a *answer) conflict(ev *lockstore.Event, places []int32) error {
	e := &lockstore.ConflictError{Reason: lockstore.Reason(a.outcome), Held: a.held}
	for _, s := range a.inWay {
		e.Seats = append(e.Seats, ev.Seat(listed(places[s.number], s.until, 0))) // carry_out has looked at the clock
	}
	return e
}
