package pgstore

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"seatlock/lockstore"
)

// rosterPage is how many rows a page of a roster reads. PostgreSQL takes about a
// millisecond for them.
const rosterPage = 1000

// Roster implements [lockstore.LockStore].
func (s *Store) Roster(ctx context.Context, ev *lockstore.Event, f lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
	fails := func(err error) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
		return "", func(yield func(lockstore.Holding, error) bool) { yield(lockstore.Holding{}, err) }
	}
	if err := f.Check(ev); err != nil {
		return fails(err)
	}
	seq, err := s.lastEntry(ctx, ev)
	if err != nil {
		return fails(err)
	}
	r := roster{store: s, ev: ev, user: string(f.User)}
	for _, seat := range f.Seats {
		at, _ := ev.Position(seat) // it has been checked
		r.only = append(r.only, int32(at))
	}
	return seq, func(yield func(lockstore.Holding, error) bool) { r.iterate(ctx, yield) }
}

// A roster is what a call of Roster asks for.
type roster struct {
	store *Store
	ev    *lockstore.Event
	user  string  // "" for all
	only  []int32 // nil for all
}

// iterate yields the seats that are taken, in the order of the layout.
func (r *roster) iterate(ctx context.Context, yield func(lockstore.Holding, error) bool) {
	page := rosterRows{nextUntil: never, nextPlace: -1}
	var all []held // of a user, whose pages are in another order
	for page.nextPlace != none {
		var err error
		if page, err = r.page(ctx, page); err != nil {
			yield(lockstore.Holding{}, err)
			return
		}
		if r.user != "" {
			all = append(all, page.seats...)
			continue
		}
		if !r.yield(page.seats, yield) {
			return
		}
	}
	// A seat that was confirmed or extended between two pages may be in both. The later
	// page counts.
	slices.SortStableFunc(all, func(a, b held) int { return int(a.place) - int(b.place) })
	last := all[:0]
	for i, h := range all {
		if i+1 == len(all) || all[i+1].place != h.place {
			last = append(last, h)
		}
	}
	r.yield(last, yield)
}

func (r *roster) yield(seats []held, yield func(lockstore.Holding, error) bool) bool {
	for _, h := range seats {
		holding := lockstore.Holding{Seat: r.ev.Seats[h.place], Status: status(h.until), User: h.user, Ref: h.ref}
		if h.since != never {
			holding.Since = h.since.time()
		}
		if holding.Status == lockstore.Locked {
			holding.Expires = h.until.time()
		}
		if !yield(holding, nil) {
			return false
		}
	}
	return true
}

// A held is a seat that is taken.
type held struct {
	place        int32
	until, since millis
	user         lockstore.UserID
	ref          lockstore.Ref
}

// rosterRows are a page of a roster.
type rosterRows struct {
	seats     []held
	clock     *time.Time // the time of all pages; nil before the first
	nextUntil millis     // where the next page begins
	nextPlace int32      // none if there is no next page
}

const none int32 = -2 // no place

// page returns the page after another one.
func (r *roster) page(ctx context.Context, before rosterRows) (rosterRows, error) {
	var user *string
	if r.user != "" {
		user = &r.user
	}
	for range attempts {
		next := rosterRows{nextPlace: none}
		var outcome string
		var places, untils, sinces, holders, refs pgtype.UndecodedBytes
		var nextUntil millis
		var nextPlace *int32
		var err error
		after := pgtype.Timestamptz{Valid: true, InfinityModifier: pgtype.NegativeInfinity}
		switch before.nextUntil {
		case never:
		case forEver:
			after.InfinityModifier = pgtype.Infinity
		default:
			after = pgtype.Timestamptz{Valid: true, Time: before.nextUntil.time()}
		}
		err = r.store.ask(ctx, lockstore.ErrUnavailable, "SELECT outcome, clock, places, untils, sinces, holders, refs, next_until, next_place FROM seatlock.roster($1, $2, $3, $4, $5, $6, $7, $8, $9)",
			[]any{string(r.ev.ID), r.ev.Fingerprint(), revision(r.ev), before.clock, user, r.only, after, before.nextPlace, rosterPage},
			&outcome, &next.clock, &places, &untils, &sinces, &holders, &refs, &nextUntil, &nextPlace)
		if err != nil {
			return rosterRows{}, err
		}
		if outcome != done {
			if err := r.store.Open(ctx, r.ev); err != nil {
				return rosterRows{}, err
			}
			continue
		}
		if next.seats, err = r.parse(places, untils, sinces, holders, refs); err != nil {
			return rosterRows{}, err
		}
		if nextPlace != nil {
			next.nextPlace, next.nextUntil = *nextPlace, nextUntil
		}
		return next, nil
	}
	return rosterRows{}, errNotOpen
}

// parse reads the columns of a page.
func (r *roster) parse(places, untils, sinces, holders, refs []byte) ([]held, error) {
	at, err := parsePlaces(places)
	if err != nil {
		return nil, err
	}
	ends, err := parseUntils(untils)
	if err != nil {
		return nil, err
	}
	begun, err := parseUntils(sinces)
	if err != nil {
		return nil, err
	}
	users, err := parseTexts[lockstore.UserID](holders)
	if err != nil {
		return nil, err
	}
	given, err := parseTexts[lockstore.Ref](refs)
	if err != nil {
		return nil, err
	}
	if len(ends) != len(at) || len(begun) != len(at) || len(users) != len(at) || len(given) != len(at) {
		return nil, fmt.Errorf("pgstore: PostgreSQL answered a roster of event %s with %d seats and %d users", r.ev.ID, len(at), len(users))
	}
	seats := make([]held, len(at))
	for i, p := range at {
		if p < 0 || int(p) >= len(r.ev.Seats) {
			return nil, fmt.Errorf("pgstore: PostgreSQL has a seat number %d of event %s, which has %d", p, r.ev.ID, len(r.ev.Seats))
		}
		seats[i] = held{p, ends[i], begun[i], users[i], given[i]}
	}
	return seats, nil
}
