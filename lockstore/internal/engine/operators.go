package engine

import "seatlock/lockstore"

func (s *State) doBook(op *lockstore.Op, at []int, now int64) error {
	if err := s.available(op.User, at, now, func(p int, c *cell) bool {
		return s.matches(p, op.User, op.Ref) || op.Blocked && c.status == lockstore.Blocked
	}); err != nil {
		return err
	}
	for _, p := range at {
		if s.at(p).status != lockstore.Booked {
			s.take(p, op.User, op.Ref, now)
		}
	}
	return nil
}

// take books a seat that need not be locked.
func (s *State) take(p int, user lockstore.UserID, ref lockstore.Ref, now int64) {
	s.rememberExpired(p, user, now)
	s.book(p, user, ref, now)
	s.changed = append(s.changed, p)
}

// available checks that each seat may be taken for the user: it is available, or
// locked by the user, or too reports true for it. Otherwise it returns the error of
// the operation.
func (s *State) available(user lockstore.UserID, at []int, now int64, too func(p int, c *cell) bool) error {
	free := func(p int, c *cell) bool {
		return !c.taken(now) || c.status == lockstore.Locked && c.user == user || too(p, c)
	}
	var found obstacle
	for _, p := range at {
		if c := s.at(p); !free(p, c) {
			found.add(c)
		}
	}
	if reason := found.reason(); reason != "" {
		return s.conflict(reason, at, now, func(p int, c *cell) bool { return !free(p, c) })
	}
	return nil
}

func (s *State) doCancel(op *lockstore.Op, at []int) {
	for _, p := range at {
		if s.matches(p, op.User, op.Ref) {
			s.clear(p)
			s.changed = append(s.changed, p)
		}
	}
}

func (s *State) doMove(op *lockstore.Op, from, to []int, now int64) error {
	ours, there := 0, 0
	for i := range from {
		if s.matches(from[i], op.User, op.Ref) {
			ours++
		}
		if s.matches(to[i], op.User, op.Ref) {
			there++
		}
	}
	switch {
	case ours == 0 && there == len(to): // carried out before
		return nil
	case ours < len(from):
		return s.conflict(lockstore.NotBooked, from, now, func(p int, _ *cell) bool {
			return !s.matches(p, op.User, op.Ref)
		})
	}
	var found obstacle
	inTheWay := make(map[int]bool)
	for i, p := range to {
		if c := s.at(p); c.taken(now) && (c.status != lockstore.Locked || c.user != s.at(from[i]).user) {
			found.add(c)
			inTheWay[p] = true
		}
	}
	if reason := found.reason(); reason != "" {
		return s.conflict(reason, to, now, func(p int, _ *cell) bool { return inTheWay[p] })
	}
	s.changed = append(s.changed, from...)
	for i, p := range to {
		user, ref := s.at(from[i]).user, s.ref(from[i])
		s.clear(from[i])
		s.take(p, user, ref, now)
	}
	return nil
}

func (s *State) doBlock(op *lockstore.Op, at []int, now int64) error {
	var found obstacle
	inTheWay := func(_ int, c *cell) bool {
		return c.status == lockstore.Booked || c.live(now) && !op.Blocked
	}
	for _, p := range at {
		if c := s.at(p); inTheWay(p, c) {
			found.add(c)
		}
	}
	if reason := found.reason(); reason != "" {
		return s.conflict(reason, at, now, inTheWay)
	}
	for _, p := range at {
		seat := s.at(p)
		if seat.status == lockstore.Blocked {
			continue
		}
		if !seat.live(now) { // a lock that is ended here did not expire
			s.rememberExpired(p, "", now)
		}
		s.block(p, op.Ref, now)
		s.changed = append(s.changed, p)
	}
	return nil
}

func (s *State) doUnblock(at []int) {
	for _, p := range at {
		if s.at(p).status == lockstore.Blocked {
			s.clear(p)
			s.changed = append(s.changed, p)
		}
	}
}

func (s *State) doEvict(op *lockstore.Op, at []int, now int64) { s.end(op.User, at, now) }

// add adds a seat that is taken.
func (o *obstacle) add(c *cell) {
	switch c.status {
	case lockstore.Booked:
		o.booked = true
	case lockstore.Blocked:
		o.blocked = true
	default:
		o.locked = true
	}
}
