package history

import (
	"cmp"
	"fmt"
	"time"

	"seatlock/lockstore"
)

// A model is the contract for one event: which answers a call may have in a
// state, and in which state it leaves the store.
type model struct {
	event    *lockstore.Event
	slack    time.Duration
	remote   bool
	losesLog bool
	users    map[lockstore.UserID]byte // from 1 on
	versions map[lockstore.Version]int // those that have a byte in state.changed
}

func newModel(h *History) (*model, error) {
	if n := len(h.Event.Seats); n > maxSeats {
		return nil, fmt.Errorf("history: event %s has %d seats; a history may have at most %d", h.Event.ID, n, maxSeats)
	}
	m := &model{h.Event, h.Slack, h.Remote, h.LosesLog, make(map[lockstore.UserID]byte), make(map[lockstore.Version]int)}
	for i := range h.Calls {
		if err := m.add(&h.Calls[i]); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// add numbers the user of the call and the Version that it asks about.
func (m *model) add(c *Call) error {
	if _, ok := m.users[c.User]; c.User != "" && !ok {
		if len(m.users) == maxUsers-1 {
			return fmt.Errorf("history: a history may have at most %d users", maxUsers-1)
		}
		m.users[c.User] = byte(len(m.users) + 1)
	}
	if c.Since != "" {
		m.addVersion(c.Since)
	}
	return nil
}

func (m *model) addVersion(v lockstore.Version) {
	if _, ok := m.versions[v]; !ok {
		m.versions[v] = len(m.versions)
	}
}

// position returns the seat's bit in a mask. The seat must be in the layout.
func (m *model) position(seat lockstore.SeatID) int {
	i, _ := m.event.Position(seat)
	return i
}

// window returns when the call can have taken effect.
func window(c *Call) span {
	if c.End == Never {
		return span{c.Called.UnixNano(), endOfTime}
	}
	return span{c.Called.UnixNano(), c.Returned.UnixNano()}
}

// step returns every state that is possible after the call. There is none if
// the contract does not allow its answer in s.
func (m *model) step(s state, c *Call) []state {
	when := window(c)
	s.age(when.min, m.slack)
	switch {
	case c.Outcome == Nothing:
		return []state{s}
	case c.Outcome == Failed, c.OtherSeats != (c.Outcome == Foreign) && c.Outcome != Unknown:
		return nil
	case c.Outcome == Foreign, c.Outcome == Unknown && (c.OtherSeats || c.Method != Do):
		return []state{s}
	case c.Method == Wait:
		return m.wait(s, c)
	}
	var next []state
	if c.Outcome == Unknown {
		next = append(next, s) // not carried out, or refused
	}
	for _, r := range s.resolve(m.concerns(&s, c), when) {
		if m.allows(&r, c, when) {
			next = append(next, r)
		}
	}
	return next
}

// allows carries out the call in a state in which it is known which locks are
// live, and reports whether the answer is right.
func (m *model) allows(s *state, c *Call, when span) bool {
	if c.Method == List {
		return m.lists(s, c)
	}
	v := m.act(s, c, when)
	switch c.Outcome {
	case Unknown:
		return v.reason == ""
	case Done:
		return v.reason == "" && m.done(s, c, v)
	}
	return v.reason != "" && m.refused(s, c, v)
}

// concerns returns the mask of the seats that the answer depends on.
func (m *model) concerns(s *state, c *Call) byte {
	if c.Method == List {
		return seen - 1
	}
	mask := byte(0)
	for _, seat := range c.Seats {
		mask |= 1 << m.position(seat)
	}
	if c.Kind == lockstore.KindLock && c.Settings.of(m.event).SeatLimit > 0 {
		for i, at := range s.seats {
			if at.user == m.users[c.User] {
				mask |= 1 << i
			}
		}
	}
	return mask
}

// A verdict is how an operation must end.
type verdict struct {
	reason  lockstore.Reason // "" if it is done
	or      lockstore.Reason // another possible reason, "" if there is none
	inWay   []int            // the seats that the refusal names, in the order of the operation
	held    int              // ConflictError.Held
	changed []int            // the seats that it changes, in the order of the operation
}

// act carries out an operation in a state in which it is known which locks are
// live.
func (m *model) act(s *state, c *Call, when span) verdict {
	seats := make([]int, len(c.Seats))
	for n, seat := range c.Seats {
		seats[n] = m.position(seat)
	}
	ev, user := c.Settings.of(m.event), m.users[c.User]
	var v verdict
	var after cell // a changed seat
	switch c.Kind {
	case lockstore.KindLock:
		v, after = m.lock(s, seats, user, ev.SeatLimit), cell{lockstore.Locked, user, m.ends(when, ev.LockTTL)}
	case lockstore.KindConfirm:
		v, after = m.confirm(s, seats, user, when), cell{lockstore.Booked, user, span{}}
	case lockstore.KindRelease:
		v = m.release(s, seats, user)
	default:
		panic("history: the model does not know the operation " + c.Kind.String())
	}
	if v.reason != "" {
		v.changed = nil
	}
	for _, i := range v.changed {
		s.seats[i] = after
		s.forget(i, user)
	}
	s.change(v.changed)
	return v
}

// ends returns when a lock that is made in the window ends.
func (m *model) ends(when span, ttl time.Duration) span {
	ends := span{when.min + int64(ttl-m.slack), endOfTime}
	if when.max < endOfTime {
		ends.max = when.max + int64(ttl+m.slack)
	}
	return ends
}

func (m *model) lock(s *state, seats []int, user byte, limit int) verdict {
	var v verdict
	for _, i := range seats {
		switch at := s.seats[i]; {
		case at.status == lockstore.Available:
			v.changed = append(v.changed, i)
		case at.status == lockstore.Booked:
			v.reason, v.inWay = lockstore.SeatBooked, append(v.inWay, i)
		case at.user != user:
			v.reason, v.inWay = cmp.Or(v.reason, lockstore.SeatLocked), append(v.inWay, i)
		}
	}
	if v.reason != "" || limit == 0 || len(v.changed) == 0 {
		return v
	}
	held := 0
	for _, at := range s.seats {
		if at.user == user {
			held++
		}
	}
	if held+len(v.changed) > limit {
		v.reason, v.held = lockstore.OverSeatLimit, held
	}
	return v
}

func (m *model) confirm(s *state, seats []int, user byte, when span) verdict {
	var v verdict
	for _, i := range seats {
		if at := s.seats[i]; at.user == user {
			if at.status == lockstore.Locked {
				v.changed = append(v.changed, i)
			}
			continue
		}
		v.inWay = append(v.inWay, i)
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
	return v
}

func (m *model) release(s *state, seats []int, user byte) verdict {
	var v verdict
	for _, i := range seats {
		switch at := s.seats[i]; {
		case at.user != user:
		case at.status == lockstore.Booked:
			v.reason, v.inWay = lockstore.SeatBooked, append(v.inWay, i)
		default:
			v.changed = append(v.changed, i)
		}
	}
	return v
}
