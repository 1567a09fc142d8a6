package pgstore

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/batch"
)

// Do implements [lockstore.LockStore].
func (s *Store) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	w, err := workOf(ev, op)
	if err != nil {
		return lockstore.Result{}, err
	}
	for range attempts {
		a, err := s.queue.DoOn(ctx, w, batch.Terms{Weight: len(w.places), Group: w.terms, Keys: w.keys()})
		if err != nil {
			return lockstore.Result{}, err
		}
		switch a.outcome {
		case notOpen, otherSeats:
			if err := s.Open(ctx, ev); err != nil {
				return lockstore.Result{}, err
			}
			continue
		case tooLate:
			return lockstore.Result{}, lockstore.ErrTooLate
		case tooEarly:
			return lockstore.Result{}, lockstore.ErrTooEarly
		case done:
			// A repeat after a lost answer changes nothing, so it does not notify other
			// processes of the change: they see it up to pollTime later.
			if len(a.changed) > 0 {
				s.readSoon(ev.ID)
				s.notifySoon()
			}
			return a.result(&op), nil
		}
		return lockstore.Result{}, a.conflict(ev, w.places)
	}
	return lockstore.Result{}, errNotOpen
}

// errNotOpen is the error of a call in an event that somebody removes from the
// database whenever it has been opened.
var errNotOpen = fmt.Errorf("%w: PostgreSQL does not keep the event", lockstore.ErrUnavailable)

// workOf checks an operation and returns a copy of it. The caller may change op
// once Do has returned, which may be before the database is done with it.
func workOf(ev *lockstore.Event, op lockstore.Op) (work, error) {
	at, err := ev.Positions(make([]int, 0, 8), &op)
	if err != nil {
		return work{}, err
	}
	w := work{
		terms:     terms{kind: op.Kind, blocked: op.Blocked},
		event:     eventKey{ev.ID, ev.Fingerprint()},
		revision:  revision(ev),
		user:      op.User,
		places:    make([]int32, len(at)),
		names:     make([]string, len(at)),
		ref:       string(op.Ref),
		by:        op.By,
		until:     op.Until.Truncate(time.Millisecond),
		notAfter:  op.NotAfter.Truncate(time.Millisecond),
		notBefore: op.NotBefore.Truncate(time.Millisecond),
	}
	for i, p := range at {
		w.places[i], w.names[i] = int32(p), string(ev.Seats[p])
	}
	switch op.Kind {
	case lockstore.KindLock:
		w.lasts, w.most = cmp.Or(op.For.Truncate(time.Millisecond), ev.LockTTL), ev.SeatLimit
	case lockstore.KindExtend:
		w.longest = ev.LongestLock(&op)
	}
	return w, nil
}

// result returns the result of an operation that was carried out.
func (a *answer) result(op *lockstore.Op) lockstore.Result {
	result := lockstore.Result{Now: a.clock}
	if op.Kind == lockstore.KindLock || op.Kind == lockstore.KindExtend {
		result.Expires = a.ends.time()
	}
	for _, n := range a.changed {
		if n < len(op.Seats) {
			result.Changed = append(result.Changed, op.Seats[n])
		} else {
			result.Changed = append(result.Changed, op.To[n-len(op.Seats)])
		}
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
