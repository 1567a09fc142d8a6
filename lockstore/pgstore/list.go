package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
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

// list asks the database for a list. A full list of many seats is built on the base, if
// there is one.
func (s *Store) list(ctx context.Context, ev *lockstore.Event, from mark) (lockstore.Snapshot, error) {
	var b base
	if from.number < 0 && len(ev.Seats) >= s.keepFrom {
		var err error
		if b, err = s.base(ctx, ev); err == nil {
			from = b.mark
		} else if _, answered := errors.AsType[*pgconn.PgError](err); !answered {
			return lockstore.Snapshot{}, err
		} // else the list is made without it
	}
	l, err := s.listing(ctx, ev, from)
	if err == nil && l.clock != nil && l.clock.UnixMilli() < b.made {
		// The clock was set back, so locks that had ended for the base are live again.
		b = base{}
		l, err = s.listing(ctx, ev, noMark)
	}
	if err != nil {
		return lockstore.Snapshot{}, err
	}
	snap, err := l.snapshot(ev, b)
	if err == nil && snap.Full && len(l.places) >= s.keepFrom {
		s.keep(ev, mark{*l.number, *l.nonce}, formatBase(snap))
	}
	return snap, err
}

// listing has the database list the seats. It opens the event if necessary.
func (s *Store) listing(ctx context.Context, ev *lockstore.Event, from mark) (listing, error) {
	for range attempts {
		var l listing
		var places, untils pgtype.UndecodedBytes
		// A list whose answer is lost has changed nothing that a caller can notice.
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
			return listing{}, err
		}
		switch l.outcome {
		case notOpen, otherSeats:
			if err := s.Open(ctx, ev); err != nil {
				return listing{}, err
			}
			continue
		}
		if l.anew != nil && *l.anew {
			go s.sweep(ev.ID)
		}
		return l, nil
	}
	return listing{}, errNotOpen
}

// A listing is what do_list.sql answers. If a place is there twice, the last until counts.
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

// snapshot makes a Snapshot of the listing. It is full if it was built on a base.
func (l *listing) snapshot(ev *lockstore.Event, from base) (lockstore.Snapshot, error) {
	if l.number == nil || l.nonce == nil || l.whole == nil || l.clock == nil || len(l.places) != len(l.untils) {
		return lockstore.Snapshot{}, fmt.Errorf("pgstore: PostgreSQL answered a list of event %s with %+v", ev.ID, *l)
	}
	snap := lockstore.Snapshot{Version: mark{*l.number, *l.nonce}.version(), Full: *l.whole || from.untils != nil, Now: l.clock.UnixMilli()}
	for _, p := range l.places {
		if p < 0 || int(p) >= len(ev.Seats) {
			return lockstore.Snapshot{}, fmt.Errorf("pgstore: PostgreSQL has a seat number %d of event %s, which has %d", p, ev.ID, len(ev.Seats))
		}
	}
	if !snap.Full {
		snap.Seats = make([]lockstore.ListedSeat, 0, len(l.places))
		for i, p := range l.places { // in order, each once
			snap.Seats = append(snap.Seats, listed(p, l.untils[i], snap.Now))
		}
		return snap, nil
	}
	// PostgreSQL would take longer to sort half an event than to read it.
	untils := from.untils
	if *l.whole { // the log did not reach back to the base
		untils = untaken(len(ev.Seats))
	}
	for i, p := range l.places {
		untils[p] = l.untils[i]
	}
	snap.Seats = taken(untils, snap.Now)
	return snap, nil
}

// taken returns the seats that are taken at now. It counts them first: a slice that grew
// would be copied several times.
func taken(untils []millis, now int64) []lockstore.ListedSeat {
	n := 0
	for _, until := range untils {
		if int64(until) > now {
			n++
		}
	}
	seats := make([]lockstore.ListedSeat, 0, n)
	for p, until := range untils {
		if int64(until) > now {
			seats = append(seats, listed(int32(p), until, now))
		}
	}
	return seats
}
