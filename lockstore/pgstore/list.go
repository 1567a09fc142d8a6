package pgstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"seatlock/lockstore"
)

// List implements [lockstore.LockStore].
func (s *Store) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	from := parseMark(since)
	for range attempts {
		var l listing
		// A list that is lost has changed nothing that a caller can notice.
		err := s.ask(ctx, lockstore.ErrUnavailable, "SELECT outcome, number, nonce, whole, clock, places, untils FROM seatlock.list($1, $2, $3, $4)",
			[]any{string(ev.ID), ev.Fingerprint(), from.number, from.nonce},
			&l.outcome, &l.number, &l.nonce, &l.whole, &l.clock, &l.places, &l.untils)
		if err != nil {
			return lockstore.Snapshot{}, err
		}
		switch l.outcome {
		case notOpen:
			if err := s.Open(ctx, ev); err != nil {
				return lockstore.Snapshot{}, err
			}
			continue
		case otherSeats:
			return lockstore.Snapshot{}, lockstore.ErrOtherSeats
		}
		return l.snapshot(ev)
	}
	return lockstore.Snapshot{}, errNotOpen
}

// A listing is what list.sql answers.
type listing struct {
	outcome string
	number  *int64
	nonce   *string
	whole   *bool
	clock   *time.Time
	places  []int32
	untils  []millis
}

// snapshot makes a Snapshot of it.
func (l *listing) snapshot(ev *lockstore.Event) (lockstore.Snapshot, error) {
	if l.number == nil || l.nonce == nil || l.whole == nil || l.clock == nil || len(l.places) != len(l.untils) {
		return lockstore.Snapshot{}, fmt.Errorf("pgstore: PostgreSQL answered a list of event %s with %+v", ev.ID, *l)
	}
	snap := lockstore.Snapshot{Version: mark{*l.number, *l.nonce}.version(), Full: *l.whole, Now: l.clock.UnixMilli()}
	for _, p := range l.places {
		if p < 0 || int(p) >= len(ev.Seats) {
			return lockstore.Snapshot{}, fmt.Errorf("pgstore: PostgreSQL has a seat number %d of event %s, which has %d", p, ev.ID, len(ev.Seats))
		}
	}
	snap.Seats = make([]lockstore.ListedSeat, 0, len(l.places))
	for _, n := range l.inOrder(len(ev.Seats)) {
		snap.Seats = append(snap.Seats, listed(l.places[n], l.untils[n], snap.Now))
	}
	return snap, nil
}

// inOrder is the numbers of the places in the answer, in the order of the seat
// map. PostgreSQL would take longer to sort half an event than to read it.
func (l *listing) inOrder(seats int) []int32 {
	numbers := make([]int32, 0, len(l.places))
	if len(l.places) < seats/16 {
		for n := range l.places {
			numbers = append(numbers, int32(n))
		}
		slices.SortFunc(numbers, func(a, b int32) int { return cmp.Compare(l.places[a], l.places[b]) })
		return numbers
	}
	at := make([]int32, seats) // by position: the number, from 1
	for n, p := range l.places {
		at[p] = int32(n + 1)
	}
	for _, n := range at {
		if n > 0 {
			numbers = append(numbers, n-1)
		}
	}
	return numbers
}
