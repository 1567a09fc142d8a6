package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"seatlock/lockstore"
)

// A Ledger keeps what users were told of their bookings in one event, to hold
// the store to it. It is not safe for concurrent use.
type Ledger struct {
	Event *lockstore.Event
	sold  map[lockstore.SeatID][]lockstore.UserID // who was told that it is theirs
	open  map[lockstore.SeatID][]lockstore.UserID // who was told neither that nor the opposite
}

// NewLedger is an empty ledger.
func NewLedger(ev *lockstore.Event) *Ledger {
	return &Ledger{ev, make(map[lockstore.SeatID][]lockstore.UserID), make(map[lockstore.SeatID][]lockstore.UserID)}
}

// Note takes down a call.
func (l *Ledger) Note(op Call) {
	if op.Kind != lockstore.KindConfirm || op.OtherSeats {
		return
	}
	in := l.sold
	switch op.Outcome {
	case Unknown:
		in = l.open
	case Done:
	default:
		return
	}
	for _, seat := range op.Seats {
		if !slices.Contains(in[seat], op.User) {
			in[seat] = append(in[seat], op.User)
		}
	}
}

// Losses is what a store owes its users.
type Losses struct {
	Bookings int // how many seats were told to be booked
	Lost     int // of these, how many are not
	Twice    int // seats that two users were told are theirs
	Stuck    int // seats that nobody has and nobody can get

	Words []string // what is wrong with each
}

// Add puts other losses to these.
func (l *Losses) Add(o Losses) {
	l.Bookings += o.Bookings
	l.Lost += o.Lost
	l.Twice += o.Twice
	l.Stuck += o.Stuck
	l.Words = append(l.Words, o.Words...)
}

// probe is the user who tries whether an available seat can be had.
const probe lockstore.UserID = "a probe that gives back what it gets"

// Audit compares the ledger with the store, once every lock has had the time
// to run out and while nobody else calls. It books and keeps nothing: it
// confirms again what is booked, and locks and releases what is available.
func (l *Ledger) Audit(ctx context.Context, store lockstore.LockStore) (Losses, error) {
	var found Losses
	var snap lockstore.Snapshot
	err := insist(ctx, func() (err error) { snap, err = store.List(ctx, l.Event, ""); return err })
	if err != nil {
		return found, err
	}
	status := make(map[lockstore.SeatID]lockstore.Status)
	for _, seat := range snap.Seats {
		status[l.Event.Seats[seat.Position]] = seat.Status
	}
	byUser := make(map[lockstore.UserID][]lockstore.SeatID) // what is booked and should be theirs
	claims := make(map[lockstore.UserID][]lockstore.SeatID) // what is booked and may be theirs
	var available []lockstore.SeatID
	for _, seat := range l.Event.Seats {
		owners := l.sold[seat]
		found.Bookings += len(owners)
		if len(owners) > 1 {
			found.Twice++
			found.say("%s was sold to %q", seat, owners)
		}
		switch {
		case status[seat] == lockstore.Booked:
			for _, user := range owners {
				byUser[user] = append(byUser[user], seat)
			}
			if len(owners) == 0 {
				for _, user := range l.open[seat] {
					claims[user] = append(claims[user], seat)
				}
				if len(l.open[seat]) == 0 {
					found.Stuck++
					found.say("%s is booked, and nobody was told", seat)
				}
			}
			continue
		case status[seat] == lockstore.Locked:
			found.Stuck++
			found.say("%s is still locked", seat)
		default:
			available = append(available, seat)
		}
		for _, user := range owners {
			found.Lost++
			found.say("%s is not booked, and %q was told it is", seat, user)
		}
	}
	if err := l.reconfirm(ctx, store, byUser, &found); err != nil {
		return found, err
	}
	if err := l.ask(ctx, store, claims, &found); err != nil {
		return found, err
	}
	return found, l.knock(ctx, store, available, &found)
}

func (l *Losses) say(format string, args ...any) {
	l.Words = append(l.Words, fmt.Sprintf(format, args...))
}

// reconfirm asks for each user whether the seats are theirs.
func (l *Ledger) reconfirm(ctx context.Context, store lockstore.LockStore, byUser map[lockstore.UserID][]lockstore.SeatID, found *Losses) error {
	for user, seats := range byUser {
		for chunk := range slices.Chunk(seats, lockstore.MaxSeats) {
			err := insist(ctx, func() error { _, err := store.Do(ctx, l.Event, lockstore.Confirm(user, chunk...)); return err })
			if conflict, ok := errors.AsType[*lockstore.ConflictError](err); ok {
				found.Lost += len(conflict.Seats)
				for _, seat := range conflict.Seats {
					found.say("%s is booked for another than %q, who was told it is theirs", seat.ID, user)
				}
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

// ask looks for the owner of seats among those who may be.
func (l *Ledger) ask(ctx context.Context, store lockstore.LockStore, claims map[lockstore.UserID][]lockstore.SeatID, found *Losses) error {
	owned := make(map[lockstore.SeatID]bool)
	for user, seats := range claims {
		for _, seat := range seats {
			err := insist(ctx, func() error { _, err := store.Do(ctx, l.Event, lockstore.Confirm(user, seat)); return err })
			if _, refused := errors.AsType[*lockstore.ConflictError](err); err != nil && !refused {
				return err
			}
			owned[seat] = owned[seat] || err == nil
		}
	}
	for seat, ok := range owned {
		if !ok {
			found.Stuck++
			found.say("%s is booked for somebody who never tried", seat)
		}
	}
	return nil
}

// knock tries whether the seats can be had.
func (l *Ledger) knock(ctx context.Context, store lockstore.LockStore, seats []lockstore.SeatID, found *Losses) error {
	most := lockstore.MaxSeats
	if l.Event.SeatLimit > 0 {
		most = min(most, l.Event.SeatLimit)
	}
	for chunk := range slices.Chunk(seats, most) {
		err := insist(ctx, func() error { _, err := store.Do(ctx, l.Event, lockstore.Lock(probe, chunk...)); return err })
		if conflict, ok := errors.AsType[*lockstore.ConflictError](err); ok {
			found.Stuck += max(1, len(conflict.Seats))
			found.say("%v are available and cannot be had: %v", chunk, err)
		} else if err != nil {
			return err
		}
		if err := insist(ctx, func() error { _, err := store.Do(ctx, l.Event, lockstore.Release(probe, chunk...)); return err }); err != nil {
			return err
		}
	}
	return nil
}

// insist makes a call again until it ends with what is neither "not known" nor
// "not now", or the context ends.
func insist(ctx context.Context, call func() error) error {
	for {
		err := call()
		if !errors.Is(err, lockstore.ErrUnavailable) && !errors.Is(err, lockstore.ErrOutcomeUnknown) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}
