package history

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"seatlock/lockstore"
)

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
	v := &view{ledger: l, found: &found, owners: make(map[lockstore.UserID][]lockstore.SeatID), claims: make(map[lockstore.UserID][]lockstore.SeatID)}
	for i, seat := range l.Event.Seats {
		v.look(seat, status[i])
	}
	owners, claims, available := v.owners, v.claims, v.available
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
	if err := l.tryLimits(ctx, store, available, has, &found); err != nil {
		return found, err
	}
	return found, l.compareBooks(ctx, store, &found)
}

// A view is what a ledger knows of the seats of a list.
type view struct {
	ledger    *Ledger
	found     *Losses
	owners    map[lockstore.UserID][]lockstore.SeatID // booked, and acknowledged to the user
	claims    map[lockstore.UserID][]lockstore.SeatID // booked, perhaps for the user
	available []lockstore.SeatID
}

// look compares a seat, which has that status, with the ledger.
func (v *view) look(seat lockstore.SeatID, status lockstore.Status) {
	l, found := v.ledger, v.found
	must, may := standing(l.claims[seat], l.endings[seat])
	sold := usersOf(must)
	found.Bookings += len(acknowledged(l.claims[seat]))
	if len(sold) > 1 {
		found.Twice++
		found.say("%s was sold to %q", seat, sold)
	}
	switch status {
	case lockstore.Booked:
		v.booked(seat, must, may)
		return
	case lockstore.Locked:
		found.Stuck++
		found.say("%s is still locked", seat)
	case lockstore.Available:
		v.available = append(v.available, seat)
	}
	if len(must) > 0 {
		found.Lost += max(1, len(sold))
		found.say("%s is not booked, and the booking of %q succeeded", seat, sold)
	}
	blocked, perhaps := standing(anyone(l.blocks[seat]), anyone(l.opens[seat]))
	if status == lockstore.Blocked && len(blocked)+len(perhaps) == 0 {
		found.revived(seat, "blocked", len(l.blocks[seat]) > 0)
	} else if status != lockstore.Blocked && len(blocked) > 0 {
		found.Lost++
		found.say("%s is not blocked, and a block of it succeeded", seat)
	}
}

// booked finds out who may have a booked seat.
func (v *view) booked(seat lockstore.SeatID, must, may []act) {
	known := false
	for _, user := range usersOf(must) {
		v.owners[user] = append(v.owners[user], seat)
		known = true
	}
	if known {
		return
	}
	if len(must)+len(may) == 0 {
		v.found.revived(seat, "booked", len(v.ledger.claims[seat]) > 0)
		return
	}
	candidates := usersOf(may)
	if slices.ContainsFunc(append(must, may...), func(a act) bool { return a.user == "" }) { // a move of anybody's booking
		candidates = slices.Collect(maps.Keys(v.ledger.users))
	}
	for _, user := range candidates {
		v.claims[user] = append(v.claims[user], seat)
	}
}

// revived counts a seat that is as no call can have left it. If it was like that before a
// call that undid it, the store has lost this call.
func (l *Losses) revived(seat lockstore.SeatID, status string, before bool) {
	if !before {
		l.Stuck++
		l.say("%s is %s, and no call has made it so", seat, status)
		return
	}
	l.Lost++
	l.again++
	l.say("%s is %s again, and the call that undid it succeeded", seat, status)
}

// usersOf returns the users of the acts, each once.
func usersOf(acts []act) (all []lockstore.UserID) {
	for _, a := range acts {
		if a.user != "" && !slices.Contains(all, a.user) {
			all = append(all, a.user)
		}
	}
	return all
}

// acknowledged returns the users of the acts whose outcome is known.
func acknowledged(acts []act) []lockstore.UserID {
	return usersOf(slices.DeleteFunc(slices.Clone(acts), func(a act) bool { return a.unknown }))
}

// anyone returns the acts without users and references.
func anyone(acts []act) (all []act) {
	for _, a := range acts {
		a.user, a.ref = "", ""
		all = append(all, a)
	}
	return all
}

// compareBooks compares the journal with the roster, and the roster with what was
// acknowledged. A store need not have them.
func (l *Ledger) compareBooks(ctx context.Context, store lockstore.LockStore, found *Losses) error {
	h := &History{Event: l.Event}
	if err := h.ReadBooks(ctx, store); errors.Is(err, errors.ErrUnsupported) {
		return nil
	} else if err != nil {
		return err
	}
	replay := NewReplay()
	wrong := append(replay.Apply(h.Journal...), replay.Differs(h.Roster)...)
	for _, has := range h.Roster {
		must, may := standing(l.claims[has.Seat], l.endings[has.Seat])
		fits := func(a act) bool { return (a.user == "" || a.user == has.User) && (a.ref == "" || a.ref == has.Ref) }
		if has.Status == lockstore.Booked && !slices.ContainsFunc(append(must, may...), fits) {
			wrong = append(wrong, fmt.Sprintf("in the roster %s is booked by %q with %q, and no such booking succeeded", has.Seat, has.User, has.Ref))
		}
	}
	found.Books += len(wrong)
	found.Words = append(found.Words, wrong...)
	return nil
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
			found.revived(seat, "booked for another user", l.undone(seat, claims))
		}
	}
	return nil
}

// undone reports whether a booking of the seat that none of its claims is of has ended for
// certain.
func (l *Ledger) undone(seat lockstore.SeatID, claims map[lockstore.UserID][]lockstore.SeatID) bool {
	must, may := standing(l.claims[seat], l.endings[seat])
	stands := append(must, may...)
	return slices.ContainsFunc(l.claims[seat], func(a act) bool {
		return !slices.Contains(stands, a) && !slices.Contains(claims[a.user], seat)
	})
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
		case conflict.Reason == lockstore.OverSeatLimit && conflict.Held > n+found.again: // those may be the user's
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
