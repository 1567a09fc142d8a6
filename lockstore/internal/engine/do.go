package engine

import (
	"slices"
	"time"

	"seatlock/lockstore"
)

// Do carries out op, which names the seats at those positions, for the event,
// as [lockstore.LockStore.Do] does. It fills in result if it returns nil.
func (s *State) Do(ev *lockstore.Event, op *lockstore.Op, at []int, now int64, result *lockstore.Result) (err error) {
	s.changed = s.changed[:0]
	var expires int64
	switch op.Kind {
	case lockstore.KindLock:
		expires, err = s.lock(ev, op.User, at, now)
	case lockstore.KindConfirm:
		err = s.confirm(op.User, at, now)
	case lockstore.KindRelease:
		err = s.release(op.User, at, now)
	}
	if err != nil {
		return err
	}
	if op.Kind == lockstore.KindLock {
		result.Expires = time.UnixMilli(expires)
	}
	result.Now = time.UnixMilli(now)
	result.Changed = s.names(op.Seats)
	return nil
}

// names returns the ids of the changed seats: seats itself, which the operation
// names, if all of them changed.
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

func (s *State) lock(ev *lockstore.Event, user lockstore.UserID, at []int, now int64) (expires int64, err error) {
	fresh, inTheWay, reason := 0, 0, lockstore.SeatLocked
	for _, p := range at {
		seat := s.at(p)
		switch {
		case seat.booked:
			inTheWay, reason = inTheWay+1, lockstore.SeatBooked
		case !seat.live(now):
			fresh++
		case seat.user != user:
			inTheWay++
		}
	}
	if inTheWay > 0 {
		return 0, s.conflict(reason, at, now, func(c *cell) bool {
			return c.booked || c.live(now) && c.user != user
		})
	}
	if ev.SeatLimit > 0 && fresh > 0 {
		if held := s.count(user, now); held+fresh > ev.SeatLimit {
			return 0, &lockstore.ConflictError{Reason: lockstore.OverSeatLimit, Held: held}
		}
	}

	expires = noExpiry // of the named seats' locks, the first end
	for _, p := range at {
		if !s.at(p).live(now) {
			s.rememberExpired(p, user, now)
			s.give(p, user)
			s.at(p).expires = now + ev.LockTTL.Milliseconds()
			s.changed = append(s.changed, p)
		}
		expires = min(expires, s.at(p).expires)
	}
	return expires, nil
}

func (s *State) confirm(user lockstore.UserID, at []int, now int64) error {
	inTheWay, reason := 0, lockstore.LockExpired
	for _, p := range at {
		if seat := s.at(p); seat.user == user && seat.taken(now) {
			continue
		}
		inTheWay++
		if !s.hasExpired(p, user, now) {
			reason = lockstore.LockNotHeld
		}
	}
	if inTheWay > 0 {
		return s.conflict(reason, at, now, func(c *cell) bool {
			return c.user != user || !c.taken(now)
		})
	}
	for _, p := range at {
		if seat := s.at(p); !seat.booked {
			s.book(p)
			s.changed = append(s.changed, p)
		}
	}
	return nil
}

func (s *State) release(user lockstore.UserID, at []int, now int64) error {
	for _, p := range at {
		if seat := s.at(p); seat.booked && seat.user == user {
			return s.conflict(lockstore.SeatBooked, at, now, func(c *cell) bool {
				return c.booked && c.user == user
			})
		}
	}
	for _, p := range at {
		if seat := s.at(p); seat.user == user && seat.live(now) {
			s.clear(p)
			s.changed = append(s.changed, p)
		}
	}
	return nil
}

// conflict names the seats for which inTheWay reports true.
func (s *State) conflict(reason lockstore.Reason, at []int, now int64, inTheWay func(*cell) bool) error {
	err := &lockstore.ConflictError{Reason: reason}
	for _, p := range at {
		if inTheWay(s.at(p)) {
			err.Seats = append(err.Seats, s.layout.Seat(s.at(p).listed(p, now)))
		}
	}
	return err
}

// hasExpired reports whether the user's last lock on the seat at p, which the
// user does not have now, expired within LapseMemory.
func (s *State) hasExpired(p int, user lockstore.UserID, now int64) bool {
	if seat := s.at(p); seat.user == user {
		return remembered(seat.expires, now)
	}
	for _, e := range s.expired[p] {
		if e.User == user {
			return remembered(e.Expires, now)
		}
	}
	return false
}

// rememberExpired records the lock of the last user of the seat at p, before user
// takes the seat. It drops locks that are older than LapseMemory, and the oldest
// if they are more than MinSeatLapses.
func (s *State) rememberExpired(p int, user lockstore.UserID, now int64) {
	before := s.expired[p]
	kept := before[:0]
	for _, e := range before {
		if e.User != user && remembered(e.Expires, now) {
			kept = append(kept, e)
		}
	}
	if seat := s.at(p); seat.user != "" && seat.user != user && remembered(seat.expires, now) {
		if len(kept) == lockstore.MinSeatLapses {
			kept = slices.Delete(kept, 0, 1)
		}
		kept = append(kept, ExpiredLock{seat.user, seat.expires})
	}
	if len(kept) > 0 {
		s.expired[p] = kept
	} else if before != nil {
		delete(s.expired, p)
	}
}

func remembered(expires, now int64) bool {
	return now-expires < lockstore.LapseMemory.Milliseconds()
}
