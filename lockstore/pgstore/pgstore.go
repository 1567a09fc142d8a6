// Package pgstore keeps locks and bookings in PostgreSQL, for any number of
// processes: version 14 or newer, by itself or behind a pooler.
//
// Every call is one function in the database, and so one transaction and one
// trip. It takes the rows of its seats, in one order, and then reads the clock
// of the database. The functions are the .sql files of this package; the store
// puts them, and its tables, into a schema of their own, seatlock.
//
// The package knows PostgreSQL and the contract, and must not know about HTTP,
// flags or the environment.
package pgstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"seatlock/lockstore"
)

// A Store is a [lockstore.LockStore] in PostgreSQL. It is made by [New].
type Store struct {
	pool *pgxpool.Pool

	mu   sync.Mutex
	told time.Time // when other processes were last told of changes
	post *post     // reads for those who wait, if anybody does
}

var _ lockstore.LockStore = (*Store)(nil)

// New returns a store on the pool, which [Pool] makes as a store needs it. The
// pool stays the caller's: closing it is what ends the store. Nothing is dialled
// before the first call.
func New(pool *pgxpool.Pool) *Store {
	return &Store{pool: pool}
}

// Open has the database know the event before the first call does. It fails with
// [lockstore.ErrOtherSeats] if the database knows it with other seats.
func (s *Store) Open(ctx context.Context, ev *lockstore.Event) error {
	var outcome string
	if err := s.ask(ctx, lockstore.ErrUnavailable, "SELECT seatlock.open($1, $2)", []any{string(ev.ID), ev.Fingerprint()}, &outcome); err != nil {
		return err
	}
	if outcome == otherSeats {
		return lockstore.ErrOtherSeats
	}
	return nil
}

// Lock implements [lockstore.LockStore].
func (s *Store) Lock(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
	places, names, err := rowsOf(ev, seats, user)
	if err != nil {
		return time.Time{}, err
	}
	a, err := s.change(ctx, ev, func(a *answer) error {
		return s.ask(ctx, lockstore.ErrOutcomeUnknown, "SELECT * FROM seatlock.lock($1, $2, $3, $4, $5, $6, $7)",
			[]any{string(ev.ID), ev.Fingerprint(), places, names, string(user), ev.LockTTL, ev.SeatLimit},
			&a.outcome, &a.held, &a.numbers, &a.untils, &a.ends)
	})
	if err != nil {
		return time.Time{}, err
	}
	if err := a.refusal(seats); err != nil {
		return time.Time{}, err
	}
	if a.ends == nil {
		return time.Time{}, fmt.Errorf("%w: PostgreSQL does not say when a lock ends", lockstore.ErrOutcomeUnknown)
	}
	return a.ends.UTC(), nil
}

// Confirm implements [lockstore.LockStore].
func (s *Store) Confirm(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	return s.settle(ctx, "SELECT * FROM seatlock.confirm($1, $2, $3, $4, $5)", ev, seats, user)
}

// Release implements [lockstore.LockStore].
func (s *Store) Release(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	return s.settle(ctx, "SELECT * FROM seatlock.release($1, $2, $3, $4, $5)", ev, seats, user)
}

// settle has the function decide about what the user has locked.
func (s *Store) settle(ctx context.Context, sql string, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	places, names, err := rowsOf(ev, seats, user)
	if err != nil {
		return err
	}
	a, err := s.change(ctx, ev, func(a *answer) error {
		return s.ask(ctx, lockstore.ErrOutcomeUnknown, sql, []any{string(ev.ID), ev.Fingerprint(), places, names, string(user)}, &a.outcome, &a.numbers, &a.untils)
	})
	if err != nil {
		return err
	}
	return a.refusal(seats)
}

// rowsOf checks a call's arguments, and returns what the rows of the seats are
// known by: their positions, and their names for whoever reads the table.
func rowsOf(ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (places []int32, names []string, err error) {
	at, err := ev.Positions(make([]int, 0, 8), seats, user)
	if err != nil {
		return nil, nil, err
	}
	places, names = make([]int32, len(at)), make([]string, len(at))
	for i, p := range at {
		places[i], names[i] = int32(p), string(seats[i])
	}
	return places, names, nil
}

// Outcomes of the functions that are no reason of a conflict.
const (
	done       = "ok"
	notOpen    = "not_open"
	otherSeats = "other_seats"
)

// An answer is what a function says that changes seats.
type answer struct {
	outcome string
	held    *int                 // seats that the user has, for OverSeatLimit
	numbers []int                // of the seats in the way, in the order of the call
	untils  []pgtype.Timestamptz // until when they are taken
	ends    *time.Time           // of the first lock
}

// change has call ask the database, in an event that it opens if nobody has, and
// tells those who wait.
func (s *Store) change(ctx context.Context, ev *lockstore.Event, call func(a *answer) error) (*answer, error) {
	for range attempts {
		var a answer
		if err := call(&a); err != nil {
			return nil, err
		}
		switch a.outcome {
		case notOpen:
			if err := s.Open(ctx, ev); err != nil {
				return nil, err
			}
			continue
		case otherSeats:
			return nil, lockstore.ErrOtherSeats
		case done:
			s.wake(ev.ID)
			s.tell(ctx)
		}
		return &a, nil
	}
	return nil, errNotOpen
}

// errNotOpen is the error of a call in an event that somebody takes out of the
// database as soon as it is there.
var errNotOpen = fmt.Errorf("%w: PostgreSQL does not keep the event", lockstore.ErrUnavailable)

// refusal is the conflict that the answer tells of, if it does.
func (a *answer) refusal(seats []lockstore.SeatID) error {
	if a.outcome == done {
		return nil
	}
	e := &lockstore.ConflictError{Reason: lockstore.Reason(a.outcome)}
	if a.held != nil {
		e.Held = *a.held
	}
	if len(a.numbers) != len(a.untils) {
		return fmt.Errorf("%w: PostgreSQL answered %+v", lockstore.ErrOutcomeUnknown, *a)
	}
	for i, n := range a.numbers {
		if n < 0 || n >= len(seats) {
			return fmt.Errorf("%w: PostgreSQL answered %+v", lockstore.ErrOutcomeUnknown, *a)
		}
		// The function looked at the clock: what has an end is not yet over.
		e.Seats = append(e.Seats, seatAt(seats[n], a.untils[i], time.Time{}))
	}
	return e
}

// seatAt is what anybody may know of a seat that is taken until a moment.
func seatAt(id lockstore.SeatID, until pgtype.Timestamptz, now time.Time) lockstore.Seat {
	switch {
	case until.InfinityModifier == pgtype.Infinity:
		return lockstore.Seat{ID: id, Status: lockstore.Booked}
	case until.InfinityModifier == pgtype.Finite && until.Time.After(now):
		return lockstore.Seat{ID: id, Status: lockstore.Locked, Expires: until.Time.UTC()}
	}
	return lockstore.Seat{ID: id, Status: lockstore.Available}
}
