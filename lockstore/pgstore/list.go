package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"seatlock/lockstore"
)

// List implements [lockstore.LockStore].
func (s *Store) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	from := parseMark(since)
	return s.lists.list(ctx, listKey{ev.ID, ev.Fingerprint(), ev.Revision, from}, func(ctx context.Context) (lockstore.Snapshot, error) {
		return s.list(ctx, ev, from)
	})
}

// list asks the database for a list.
func (s *Store) list(ctx context.Context, ev *lockstore.Event, from mark) (lockstore.Snapshot, error) {
	for range attempts {
		var l listing
		var places, untils pgtype.UndecodedBytes
		// A list that is lost has changed nothing that a caller can notice.
		err := s.ask(ctx, lockstore.ErrUnavailable, "CALL seatlock.do_list($1, $2, $3, $4, $5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
			[]any{string(ev.ID), ev.Fingerprint(), revision(ev), from.number, from.nonce},
			&l.outcome, &l.number, &l.nonce, &l.whole, &l.clock, &places, &untils, &l.anew)
		if err == nil {
			l.places, err = parsePlaces(places)
		}
		if err == nil {
			l.untils, err = parseUntils(untils)
		}
		if err != nil {
			return lockstore.Snapshot{}, err
		}
		switch l.outcome {
		case notOpen, otherSeats:
			if err := s.Open(ctx, ev); err != nil {
				return lockstore.Snapshot{}, err
			}
			continue
		}
		if l.anew != nil && *l.anew {
			go s.sweep(ev.ID)
		}
		return l.snapshot(ev)
	}
	return lockstore.Snapshot{}, errNotOpen
}

// A listing is what do_list.sql answers. Of each place, the last until counts.
type listing struct {
	outcome string
	number  *int64
	nonce   *string
	whole   *bool
	clock   *time.Time
	places  []int32
	untils  []millis
	anew    *bool
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
	if !snap.Full {
		for i, p := range l.places { // in order, each once
			snap.Seats = append(snap.Seats, listed(p, l.untils[i], snap.Now))
		}
		return snap, nil
	}
	// PostgreSQL would take longer to sort half an event than to read it.
	untils := make([]millis, len(ev.Seats))
	for i := range untils {
		untils[i] = never
	}
	for i, p := range l.places {
		untils[p] = l.untils[i]
	}
	for p, until := range untils {
		if seat := listed(int32(p), until, snap.Now); seat.Status != lockstore.Available {
			snap.Seats = append(snap.Seats, seat)
		}
	}
	return snap, nil
}
