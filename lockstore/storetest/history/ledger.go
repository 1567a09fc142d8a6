package history

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"seatlock/lockstore"
)

// A Ledger records which bookings of one event were acknowledged, to compare the
// store, and the event's seat limit, with them later. It is not safe for concurrent
// use.
type Ledger struct {
	Event *lockstore.Event
	sold  map[lockstore.SeatID][]lockstore.UserID // whose booking was acknowledged
	open  map[lockstore.SeatID][]lockstore.UserID // whose booking has an unknown outcome
	limit map[lockstore.UserID]int                // the loosest with which the user locked seats
}

// NewLedger returns an empty ledger.
func NewLedger(ev *lockstore.Event) *Ledger {
	return &Ledger{ev, make(map[lockstore.SeatID][]lockstore.UserID), make(map[lockstore.SeatID][]lockstore.UserID), make(map[lockstore.UserID]int)}
}

// Note records a call.
func (l *Ledger) Note(c Call) {
	if c.Kind == lockstore.KindLock && (c.Outcome == Done || c.Outcome == Unknown) {
		limit := c.Settings.of(l.Event).SeatLimit
		if limit == 0 {
			limit = len(l.Event.Seats)
		}
		l.limit[c.User] = max(l.limit[c.User], limit)
	}
	if c.Kind != lockstore.KindConfirm || c.OtherSeats {
		return
	}
	in := l.sold
	switch c.Outcome {
	case Unknown:
		in = l.open
	case Done:
	default:
		return
	}
	for _, seat := range c.Seats {
		if !slices.Contains(in[seat], c.User) {
			in[seat] = append(in[seat], c.User)
		}
	}
}

// Losses are the differences between a ledger and its store.
type Losses struct {
	Bookings int // the acknowledged bookings, one a seat and user
	Lost     int // of these, those that the store does not have
	Twice    int // the seats whose booking was acknowledged to two users
	Stuck    int // the seats that are taken, though no user has reason to believe that they have them
	Over     int // the users who have more seats than the loosest limit of their calls, or could get more than the event's

	Words []string // describes each
}

// Add adds other losses.
func (l *Losses) Add(o Losses) {
	l.Bookings += o.Bookings
	l.Lost += o.Lost
	l.Twice += o.Twice
	l.Stuck += o.Stuck
	l.Over += o.Over
	l.Words = append(l.Words, o.Words...)
}

// probe is the user who tries whether an available seat can be locked.
const probe lockstore.UserID = "a probe that releases what it locks"

// Audit compares the store with the ledger. All locks must have ended, and no
// other calls may be under way. It books and keeps nothing: it confirms again
// what is booked, and locks and releases what is available.
func (l *Ledger) Audit(ctx context.Context, store lockstore.LockStore) (Losses, error) {
	var found Losses
	var snap lockstore.Snapshot
	err := Repeat(ctx, func() (err error) { snap, err = store.List(ctx, l.Event, ""); return err })
	if err != nil {
		return found, err
	}
	status := make([]lockstore.Status, len(l.Event.Seats))
	for _, seat := range snap.Seats {
		status[seat.Position] = seat.Status
	}
	owners := make(map[lockstore.UserID][]lockstore.SeatID) // booked, and acknowledged to the user
	claims := make(map[lockstore.UserID][]lockstore.SeatID) // booked, perhaps for the user
	var available []lockstore.SeatID
	for i, seat := range l.Event.Seats {
		sold, open := l.sold[seat], l.open[seat]
		found.Bookings += len(sold)
		if len(sold) > 1 {
			found.Twice++
			found.say("%s was sold to %q", seat, sold)
		}
		if status[i] == lockstore.Booked {
			for _, user := range sold {
				owners[user] = append(owners[user], seat)
			}
			if len(sold) > 0 {
				continue
			}
			for _, user := range open {
				claims[user] = append(claims[user], seat)
			}
			if len(open) == 0 {
				found.Stuck++
				found.say("%s is booked, and no confirm of it succeeded", seat)
			}
			continue
		}
		if status[i] == lockstore.Locked {
			found.Stuck++
			found.say("%s is still locked", seat)
		} else {
			available = append(available, seat)
		}
		for _, user := range sold {
			found.Lost++
			found.say("%s is not booked, and the confirm of %q succeeded", seat, user)
		}
	}
	has := make(map[lockstore.UserID]int) // how many seats each user has booked
	if err := l.reconfirm(ctx, store, owners, has, &found); err != nil {
		return found, err
	}
	if err := l.findOwners(ctx, store, claims, has, &found); err != nil {
		return found, err
	}
	if err := l.tryLocks(ctx, store, available, &found); err != nil {
		return found, err
	}
	return found, l.tryLimits(ctx, store, available, has, &found)
}

func (l *Losses) say(format string, args ...any) {
	l.Words = append(l.Words, fmt.Sprintf(format, args...))
}

// reconfirm checks that each user has the seats, and counts those in has.
func (l *Ledger) reconfirm(ctx context.Context, store lockstore.LockStore, owners map[lockstore.UserID][]lockstore.SeatID, has map[lockstore.UserID]int, found *Losses) error {
	for user, seats := range owners {
		has[user] += len(seats)
		for chunk := range slices.Chunk(seats, lockstore.MaxSeats) {
			err := l.do(ctx, store, lockstore.Confirm(user, chunk...))
			if conflict, ok := errors.AsType[*lockstore.ConflictError](err); ok {
				found.Lost += len(conflict.Seats)
				has[user] -= len(conflict.Seats)
				for _, seat := range conflict.Seats {
					found.say("%s is booked for another user, and the confirm of %q succeeded", seat.ID, user)
				}
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

// findOwners checks that each seat belongs to one of the users who claim it, and
// counts it for that user in has.
func (l *Ledger) findOwners(ctx context.Context, store lockstore.LockStore, claims map[lockstore.UserID][]lockstore.SeatID, has map[lockstore.UserID]int, found *Losses) error {
	owned := make(map[lockstore.SeatID]bool)
	for user, seats := range claims {
		for _, seat := range seats {
			err := l.do(ctx, store, lockstore.Confirm(user, seat))
			if _, refused := errors.AsType[*lockstore.ConflictError](err); err != nil && !refused {
				return err
			}
			owned[seat] = owned[seat] || err == nil
			if err == nil {
				has[user]++
			}
		}
	}
	for seat, ok := range owned {
		if !ok {
			found.Stuck++
			found.say("%s is booked for a user who never confirmed it", seat)
		}
	}
	return nil
}

// tryLocks checks that the seats can be locked.
func (l *Ledger) tryLocks(ctx context.Context, store lockstore.LockStore, seats []lockstore.SeatID, found *Losses) error {
	most := lockstore.MaxSeats
	if l.Event.SeatLimit > 0 {
		most = min(most, l.Event.SeatLimit)
	}
	for chunk := range slices.Chunk(seats, most) {
		err := l.do(ctx, store, lockstore.Lock(probe, chunk...))
		if conflict, ok := errors.AsType[*lockstore.ConflictError](err); ok {
			found.Stuck += max(1, len(conflict.Seats))
			found.say("%v are available and cannot be locked: %v", chunk, err)
		} else if err != nil {
			return err
		}
		if err := l.do(ctx, store, lockstore.Release(probe, chunk...)); err != nil {
			return err
		}
	}
	return nil
}

// tryLimits checks that no user has more seats than the limit of the user's calls, and
// that the store counts the seats of each: a lock of one more than the event's limit
// leaves is refused.
func (l *Ledger) tryLimits(ctx context.Context, store lockstore.LockStore, available []lockstore.SeatID, has map[lockstore.UserID]int, found *Losses) error {
	limit := l.Event.SeatLimit
	if limit == 0 {
		return nil
	}
	for user, n := range has {
		if n > l.limit[user] {
			found.Over++
			found.say("%q has %d seats, and the limit is %d", user, n, l.limit[user])
			continue
		}
		more := max(limit-n, 0) + 1
		if more > min(len(available), lockstore.MaxSeats) {
			continue // there is nothing to try it with
		}
		err := l.do(ctx, store, lockstore.Lock(user, available[:more]...))
		conflict, refused := errors.AsType[*lockstore.ConflictError](err)
		switch {
		case err == nil:
			found.Over++
			found.say("%q has %d seats and could lock %d more, and the limit is %d", user, n, more, limit)
			if err := l.do(ctx, store, lockstore.Release(user, available[:more]...)); err != nil {
				return err
			}
		case !refused:
			return err
		case conflict.Reason == lockstore.OverSeatLimit && conflict.Held > n:
			found.Stuck += conflict.Held - n
			found.say("%q has %d seats and is counted with %d", user, n, conflict.Held)
		}
	}
	return nil
}

// do carries out op and repeats it until its outcome is known.
func (l *Ledger) do(ctx context.Context, store lockstore.LockStore, op lockstore.Op) error {
	return Repeat(ctx, func() error { _, err := store.Do(ctx, l.Event, op); return err })
}
