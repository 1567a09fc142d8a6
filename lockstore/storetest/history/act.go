package history

import (
	"cmp"
	"slices"
	"time"

	"seatlock/lockstore"
)

// A verdict is how an operation must end.
type verdict struct {
	reason  lockstore.Reason // "" if it is done
	or      lockstore.Reason // another possible reason, "" if there is none
	inWay   []int            // the seats that the refusal names, in the order of the operation
	held    int              // ConflictError.Held
	changed []int            // the seats that it changes, in the order of the operation
	after   []cell           // what they become
}

func (v *verdict) change(seat int, after cell) {
	v.changed, v.after = append(v.changed, seat), append(v.after, after)
}

// positions returns the seats' positions.
func (m *model) positions(seats []lockstore.SeatID) []int {
	at := make([]int, len(seats))
	for n, seat := range seats {
		at[n] = m.position(seat)
	}
	return at
}

// act carries out an operation in a state in which it is known which locks are
// live. extends is the mask of the seats whose locks an extension makes longer: see
// choices.
func (m *model) act(s *state, c *Call, when span, extends byte) verdict {
	seats, user, ref := m.positions(c.Seats), m.users[c.User], m.refs[c.Ref]
	var v verdict
	switch c.Kind {
	case lockstore.KindLock:
		v = m.lock(s, c, seats, when)
	case lockstore.KindConfirm:
		v = m.needs(s, seats, user, when, func(at cell) bool { return at.locked(user) || at.booked(user, ref) })
		for _, i := range seats {
			if s.seats[i].status != lockstore.Booked {
				v.change(i, cell{status: lockstore.Booked, user: user, ref: ref})
			}
		}
	case lockstore.KindRelease:
		for _, i := range seats {
			switch at := s.seats[i]; {
			case at.booked(user, 0):
				v.reason, v.inWay = lockstore.SeatBooked, append(v.inWay, i)
			case at.locked(user):
				v.change(i, cell{})
			}
		}
	case lockstore.KindExtend:
		v = m.extend(s, c, seats, when, extends)
	case lockstore.KindBook:
		v = m.take(s, seats, func(_ int, at cell) bool {
			return at.locked(user) || at.booked(user, ref) || c.Blocked && at.status == lockstore.Blocked
		})
		for _, i := range seats {
			if s.seats[i].status != lockstore.Booked {
				v.change(i, cell{status: lockstore.Booked, user: user, ref: ref})
			}
		}
	case lockstore.KindCancel:
		for _, i := range seats {
			if s.seats[i].booked(user, ref) {
				v.change(i, cell{})
			}
		}
	case lockstore.KindMove:
		v = m.move(s, c, seats)
	case lockstore.KindBlock:
		v = m.take(s, seats, func(_ int, at cell) bool {
			return at.status == lockstore.Blocked || c.Blocked && at.status == lockstore.Locked
		})
		for _, i := range seats {
			if s.seats[i].status != lockstore.Blocked {
				v.change(i, cell{status: lockstore.Blocked, ref: ref})
			}
		}
	case lockstore.KindUnblock:
		for _, i := range seats {
			if s.seats[i].status == lockstore.Blocked {
				v.change(i, cell{})
			}
		}
	case lockstore.KindEvict:
		for _, i := range seats {
			if at := s.seats[i]; at.status == lockstore.Locked && (user == 0 || at.user == user) {
				v.change(i, cell{})
			}
		}
	default:
		panic("history: the model does not know the operation " + c.Kind.String())
	}
	if v.reason != "" {
		v.changed, v.after = nil, nil
	}
	for n, i := range v.changed {
		// A lock that is ended here did not expire, and one that is made here replaces what
		// is known of its user's earlier lock on the seat.
		if was := s.seats[i]; was.status == lockstore.Locked {
			s.forget(i, was.user)
		}
		s.seats[i] = v.after[n]
		if v.after[n].user != 0 {
			s.forget(i, v.after[n].user)
		}
	}
	s.change(v.changed)
	return v
}

// locked reports whether the user has locked the seat.
func (c *cell) locked(user byte) bool { return c.status == lockstore.Locked && c.user == user }

// booked reports whether the user has booked the seat with the reference. Zero stands
// for any user, and for any reference.
func (c *cell) booked(user, ref byte) bool {
	return c.status == lockstore.Booked && (user == 0 || c.user == user) && (ref == 0 || c.ref == ref)
}

// ends returns when a lock that is made in the window ends.
func (m *model) ends(when span, ttl time.Duration) span {
	ends := span{when.min + int64(ttl-m.slack), endOfTime}
	if when.max < endOfTime {
		ends.max = when.max + int64(ttl+m.slack)
	}
	return ends
}

// take returns the refusal of an operation that needs seats, unless each is available
// or too reports true.
func (m *model) take(s *state, seats []int, too func(n int, at cell) bool) verdict {
	var v verdict
	order := map[lockstore.Status]lockstore.Reason{lockstore.Booked: lockstore.SeatBooked, lockstore.Locked: lockstore.SeatLocked, lockstore.Blocked: lockstore.SeatBlocked}
	for _, status := range []lockstore.Status{lockstore.Booked, lockstore.Locked, lockstore.Blocked} {
		for n, i := range seats {
			if at := s.seats[i]; at.status == status && !too(n, at) {
				v.reason, v.inWay = cmp.Or(v.reason, order[status]), append(v.inWay, n)
			}
		}
	}
	slices.Sort(v.inWay) // in the order of the operation
	for k, n := range v.inWay {
		v.inWay[k] = seats[n]
	}
	return v
}

func (m *model) lock(s *state, c *Call, seats []int, when span) verdict {
	ev, user := c.Settings.of(m.event), m.users[c.User]
	v := m.take(s, seats, func(_ int, at cell) bool { return at.locked(user) })
	end := m.ends(when, cmp.Or(c.Op.For, ev.LockTTL))
	for _, i := range seats {
		if s.seats[i].status == lockstore.Available {
			v.change(i, cell{status: lockstore.Locked, user: user, span: end, made: m.ends(when, 0)})
		}
	}
	if v.reason != "" || ev.SeatLimit == 0 || len(v.changed) == 0 {
		return v
	}
	held := 0
	for _, at := range s.seats {
		if at.user == user {
			held++
		}
	}
	if held+len(v.changed) > ev.SeatLimit {
		v.reason, v.held = lockstore.OverSeatLimit, held
	}
	return v
}

// needs returns the refusal of an operation of the user unless held reports true for
// every seat.
func (m *model) needs(s *state, seats []int, user byte, when span, held func(cell) bool) verdict {
	var v verdict
	booked := false
	for _, i := range seats {
		at := s.seats[i]
		if held(at) {
			continue
		}
		v.inWay = append(v.inWay, i)
		booked = booked || at.booked(user, 0)
		expired := s.expired[i][user]
		if expired == (span{}) || when.min > expired.max+int64(lockstore.LapseMemory+m.slack) {
			v.reason = lockstore.LockNotHeld
			continue
		}
		v.reason = cmp.Or(v.reason, lockstore.LockExpired)
		if when.max >= expired.min+int64(lockstore.LapseMemory-m.slack) || s.forgettable(i, user, when.max) {
			v.or = lockstore.LockNotHeld // the store may have forgotten it
		}
	}
	if booked {
		v.reason, v.or = lockstore.SeatBooked, ""
	}
	return v
}

// choices returns the masks of the seats whose locks an extension may make longer. It
// is not always known how the lock's end compares with the new one.
func (m *model) choices(s *state, c *Call) []byte {
	all := []byte{0}
	if c.Method != Do || c.Kind != lockstore.KindExtend {
		return all
	}
	for _, i := range m.positions(c.Seats) {
		at, until := s.seats[i], m.until(&s.seats[i], c)
		if !at.locked(m.users[c.User]) || until.max <= at.min {
			continue
		}
		for _, mask := range all {
			if until.min > at.max {
				all = all[1:]
			}
			all = append(all, mask|1<<i)
		}
	}
	return all
}

// until returns where an extension moves the end of the lock if that is later.
func (m *model) until(at *cell, c *Call) span {
	most := int64(cmp.Or(c.Cap, c.Settings.of(m.event).MaxLock))
	until := around(time.Unix(0, millis(c.Until)), m.slack)
	return span{min(until.min, at.made.min+most), min(until.max, at.made.max+most)}
}

func (m *model) extend(s *state, c *Call, seats []int, when span, extends byte) verdict {
	user := m.users[c.User]
	v := m.needs(s, seats, user, when, func(at cell) bool { return at.locked(user) })
	for _, i := range seats {
		if v.reason != "" {
			break
		}
		at := s.seats[i]
		until := m.until(&at, c)
		if extends&(1<<i) != 0 {
			at.span = span{max(until.min, at.min), until.max}
			v.change(i, at)
		} else {
			s.seats[i].min = max(at.min, until.min)
		}
	}
	return v
}

func (m *model) move(s *state, c *Call, from []int) verdict {
	to, user, ref := m.positions(c.To), m.users[c.User], m.refs[c.Ref]
	var v verdict
	isOurs := func(i int) bool { return s.seats[i].booked(user, ref) }
	for _, i := range from {
		if !isOurs(i) {
			v.reason, v.inWay = lockstore.NotBooked, append(v.inWay, i)
		}
	}
	if len(v.inWay) == len(from) && !slices.ContainsFunc(to, func(i int) bool { return !isOurs(i) }) {
		return verdict{} // carried out before
	}
	if v.reason != "" {
		return v
	}
	v = m.take(s, to, func(n int, at cell) bool { return at.locked(s.seats[from[n]].user) })
	for _, i := range from {
		v.change(i, cell{})
	}
	for n, i := range to {
		v.change(i, s.seats[from[n]])
	}
	return v
}
