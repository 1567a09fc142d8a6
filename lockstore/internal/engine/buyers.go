package engine

import "seatlock/lockstore"

func (s *State) doLock(ev *lockstore.Event, op *lockstore.Op, at []int, now int64) (expires int64, err error) {
	fresh, user := 0, op.User
	var found obstacle
	for _, p := range at {
		switch seat := s.at(p); {
		case seat.status == lockstore.Booked:
			found.booked = true
		case seat.status == lockstore.Blocked:
			found.blocked = true
		case !seat.live(now):
			fresh++
		case seat.user != user:
			found.locked = true
		}
	}
	if reason := found.reason(); reason != "" {
		return 0, s.conflict(reason, at, now, func(_ int, c *cell) bool {
			return c.taken(now) && (c.status != lockstore.Locked || c.user != user)
		})
	}
	h := s.holder(user)
	if ev.SeatLimit > 0 && fresh > 0 {
		if held := s.count(&h, now); held+fresh > ev.SeatLimit {
			s.setHolder(user, h)
			return 0, &lockstore.ConflictError{Reason: lockstore.OverSeatLimit, Held: held}
		}
	}

	lasts := op.For
	if lasts == 0 {
		lasts = ev.LockTTL
	}
	end := now + lasts.Milliseconds()
	expires = noExpiry // the earliest end of the named seats' locks
	for _, p := range at {
		if !s.at(p).live(now) {
			s.rememberExpired(p, user, now)
			s.lock(p, user, &h, now, end)
			s.changed = append(s.changed, p)
		}
		expires = min(expires, s.at(p).expires)
	}
	if fresh > 0 {
		s.users[user] = h
	}
	return expires, nil
}

func (s *State) doConfirm(op *lockstore.Op, at []int, now int64) error {
	held := func(p int, c *cell) bool {
		return c.user == op.User && c.live(now) || s.matches(p, op.User, op.Ref)
	}
	if err := s.needs(op.User, at, now, held); err != nil {
		return err
	}
	for _, p := range at {
		if s.at(p).status != lockstore.Booked {
			s.book(p, op.User, op.Ref, now)
			s.changed = append(s.changed, p)
		}
	}
	return nil
}

func (s *State) doExtend(ev *lockstore.Event, op *lockstore.Op, at []int, now int64) (expires int64, err error) {
	held := func(_ int, c *cell) bool { return c.user == op.User && c.live(now) }
	if err := s.needs(op.User, at, now, held); err != nil {
		return 0, err
	}
	longest := ev.LongestLock(op)
	expires = noExpiry
	for _, p := range at {
		seat := s.at(p)
		made := seat.since()
		if end := min(op.Until.UnixMilli(), made+longest.Milliseconds()); end > seat.expires {
			seat.extend(made, end)
			s.changed = append(s.changed, p)
		}
		expires = min(expires, seat.expires)
	}
	return expires, nil
}

// needs checks that the user has each seat, which held reports. Otherwise it returns
// the error of the operation.
func (s *State) needs(user lockstore.UserID, at []int, now int64, held func(p int, c *cell) bool) error {
	inTheWay, reason := false, lockstore.LockExpired
	for _, p := range at {
		seat := s.at(p)
		switch {
		case held(p, seat):
			continue
		case seat.status == lockstore.Booked && seat.user == user:
			reason = lockstore.SeatBooked
		case reason == lockstore.LockExpired && !s.hasExpired(p, user, now):
			reason = lockstore.LockNotHeld
		}
		inTheWay = true
	}
	if !inTheWay {
		return nil
	}
	return s.conflict(reason, at, now, func(p int, c *cell) bool { return !held(p, c) })
}

func (s *State) doRelease(op *lockstore.Op, at []int, now int64) error {
	for _, p := range at {
		if s.matches(p, op.User, "") {
			return s.conflict(lockstore.SeatBooked, at, now, func(p int, _ *cell) bool {
				return s.matches(p, op.User, "")
			})
		}
	}
	s.end(op.User, at, now)
	return nil
}

// end ends the locks of the user, or of everybody if that is "".
func (s *State) end(user lockstore.UserID, at []int, now int64) {
	for _, p := range at {
		if seat := s.at(p); seat.live(now) && (user == "" || seat.user == user) {
			s.clear(p)
			s.changed = append(s.changed, p)
		}
	}
}
