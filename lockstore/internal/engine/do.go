package engine

import (
	"time"

	"seatlock/lockstore"
)

// Do carries out op, which names the seats at those positions, for the event,
// as [lockstore.LockStore.Do] does. It fills in result if it returns nil.
func (s *State) Do(ev *lockstore.Event, op *lockstore.Op, at []int, now int64, result *lockstore.Result) error {
	s.changed = s.changed[:0]
	if !op.NotAfter.IsZero() && now >= op.NotAfter.UnixMilli() {
		return lockstore.ErrTooLate
	}
	if !op.NotBefore.IsZero() && now < op.NotBefore.UnixMilli() {
		return lockstore.ErrTooEarly
	}
	expires, err := s.carryOut(ev, op, at, now)
	if err != nil {
		return err
	}
	if expires != 0 {
		result.Expires = time.UnixMilli(expires)
	}
	result.Now = time.UnixMilli(now)
	result.Changed = s.names(op.Seats)
	return nil
}

// carryOut carries out op. If op leaves locks, it returns when the first of them ends.
func (s *State) carryOut(ev *lockstore.Event, op *lockstore.Op, at []int, now int64) (expires int64, err error) {
	switch op.Kind {
	case lockstore.KindLock:
		return s.doLock(ev, op, at, now)
	case lockstore.KindConfirm:
		return 0, s.doConfirm(op, at, now)
	case lockstore.KindRelease:
		return 0, s.doRelease(op, at, now)
	case lockstore.KindExtend:
		return s.doExtend(ev, op, at, now)
	case lockstore.KindBook:
		return 0, s.doBook(op, at, now)
	case lockstore.KindCancel:
		s.doCancel(op, at)
		return 0, nil
	case lockstore.KindMove:
		n := len(op.Seats)
		return 0, s.doMove(op, at[:n], at[n:], now)
	case lockstore.KindBlock:
		return 0, s.doBlock(op, at, now)
	case lockstore.KindUnblock:
		s.doUnblock(at)
		return 0, nil
	default: // Event.Positions knows no other kind
		s.doEvict(op, at, now)
		return 0, nil
	}
}

// names returns the ids of the changed seats: seats itself, which the operation
// names, if all of them and no others changed.
func (s *State) names(seats []lockstore.SeatID) []lockstore.SeatID {
	switch len(s.changed) {
	case 0:
		return nil
	case len(seats):
		return seats
	}
	names := make([]lockstore.SeatID, len(s.changed))
	for i, p := range s.changed {
		names[i] = s.layout.Seats[p]
	}
	return names
}

// An obstacle records what keeps seats from being taken.
type obstacle struct{ booked, locked, blocked bool }

// reason returns why the operation fails, or "".
func (o obstacle) reason() lockstore.Reason {
	switch {
	case o.booked:
		return lockstore.SeatBooked
	case o.locked:
		return lockstore.SeatLocked
	case o.blocked:
		return lockstore.SeatBlocked
	}
	return ""
}

// conflict returns an error that names the seats for which inTheWay reports true.
func (s *State) conflict(reason lockstore.Reason, at []int, now int64, inTheWay func(p int, c *cell) bool) error {
	err := &lockstore.ConflictError{Reason: reason}
	for _, p := range at {
		if c := s.at(p); inTheWay(p, c) {
			err.Seats = append(err.Seats, s.layout.Seat(c.listed(p, now)))
		}
	}
	return err
}

// matches reports whether the seat at p is booked by the user with the reference.
// An empty one matches any.
func (s *State) matches(p int, user lockstore.UserID, ref lockstore.Ref) bool {
	seat := s.at(p)
	return seat.status == lockstore.Booked &&
		(user == "" || seat.user == user) &&
		(ref == "" || s.ref(p) == ref)
}
