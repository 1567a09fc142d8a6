package pgstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"seatlock/lockstore"
)

// mayReplace is the outcome of open for a layout that may take another's place.
const mayReplace = "replace"

// missingSeats is the outcome of replace for a layout that lacks taken seats.
const missingSeats = "missing"

// revision returns the revision of the event's layout, cut to the range of the column.
func revision(ev *lockstore.Event) int32 {
	return int32(max(math.MinInt32, min(ev.Revision, math.MaxInt32)))
}

// Open makes the event known to the database before any call needs it. If the
// database has the event with other seats that the layout may replace, Open replaces
// them. Otherwise it fails with [lockstore.ErrOtherSeats].
func (s *Store) Open(ctx context.Context, ev *lockstore.Event) error {
	outcome, err := s.open(ctx, ev)
	switch {
	case err != nil:
		return err
	case outcome == otherSeats:
		return lockstore.ErrOtherSeats
	case outcome == mayReplace:
		return s.layouts.share(ctx, ev, s.replace)
	}
	return nil
}

func (s *Store) open(ctx context.Context, ev *lockstore.Event) (outcome string, err error) {
	err = s.ask(ctx, lockstore.ErrUnavailable, "SELECT seatlock.open($1, $2, $3)", []any{string(ev.ID), ev.Fingerprint(), revision(ev)}, &outcome)
	return outcome, err
}

// replace replaces the seats that the database has of the event. The context must have a
// deadline.
func (s *Store) replace(ctx context.Context, ev *lockstore.Event) error {
	// Another caller may have replaced them meanwhile, and sending all seats is costly.
	outcome, err := s.open(ctx, ev)
	if err != nil || outcome == done {
		return err
	}
	if outcome == otherSeats {
		return lockstore.ErrOtherSeats
	}
	seats := make([]string, len(ev.Seats))
	for i, seat := range ev.Seats {
		seats[i] = string(seat)
	}
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	missing := &lockstore.MissingSeatsError{Event: ev.ID}
	var more *int
	// A replacement whose answer is lost can be asked for again.
	err = outcomeOf(conn.QueryRow(ctx, "SELECT outcome, missing, more FROM seatlock.replace($1, $2, $3, $4)",
		string(ev.ID), ev.Fingerprint(), revision(ev), seats).Scan(&outcome, &missing.Seats, &more))
	if err != nil {
		return err
	}
	switch outcome {
	case otherSeats:
		return lockstore.ErrOtherSeats
	case notOpen:
		return errNotOpen
	case missingSeats:
		if more != nil {
			missing.More = *more
		}
		return missing
	}
	go s.sweep(ev.ID)
	return nil
}

// outcomeOf is outcome for a call that, if its answer is lost, has changed nothing that
// the caller can notice.
func outcomeOf(err error) error { return outcome(err, lockstore.ErrUnavailable) }

// layouts lets callers that want the same layout replaced share one attempt.
type layouts struct {
	mu       sync.Mutex
	underWay map[layoutKey]*attempt
}

// A layoutKey is a layout of an event.
type layoutKey struct {
	event    eventKey
	revision int
}

// An attempt is one replacement of a layout.
type attempt struct {
	done chan struct{}
	err  error // once done is closed
}

// share returns what replace returns. replace gets a context of its own: if the caller's
// context ends first, the replacement goes on, because it can take longer than a call may.
func (l *layouts) share(ctx context.Context, ev *lockstore.Event, replace func(context.Context, *lockstore.Event) error) error {
	key := layoutKey{eventKey{ev.ID, ev.Fingerprint()}, ev.Revision}
	l.mu.Lock()
	a := l.underWay[key]
	if a == nil {
		a = &attempt{done: make(chan struct{})}
		if l.underWay == nil {
			l.underWay = make(map[layoutKey]*attempt)
		}
		l.underWay[key] = a
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), migrateTime)
			defer cancel()
			a.err = replace(ctx, ev)
			l.mu.Lock()
			delete(l.underWay, key)
			l.mu.Unlock()
			close(a.done)
		}()
	}
	l.mu.Unlock()
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	select {
	case <-a.done:
		if e, ok := errors.AsType[*lockstore.MissingSeatsError](a.err); ok { // each caller has its own
			return &lockstore.MissingSeatsError{Event: e.Event, Seats: slices.Clone(e.Seats), More: e.More}
		}
		return a.err
	case <-bounded.Done():
		return cause(ctx, fmt.Errorf("%w: the layout of event %s is still being replaced", lockstore.ErrUnavailable, ev.ID))
	}
}
