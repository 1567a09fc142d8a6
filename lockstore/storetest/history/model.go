package history

import (
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
	refs     map[lockstore.Ref]byte    // from 1 on; the empty one is 0
	versions map[lockstore.Version]int // those that have a byte in state.changed
}

func newModel(h *History) (*model, error) {
	if n := len(h.Event.Seats); n > maxSeats {
		return nil, fmt.Errorf("history: event %s has %d seats; a history may have at most %d", h.Event.ID, n, maxSeats)
	}
	m := &model{
		event: h.Event, slack: h.Slack, remote: h.Remote, losesLog: h.LosesLog,
		users: make(map[lockstore.UserID]byte), refs: make(map[lockstore.Ref]byte), versions: make(map[lockstore.Version]int),
	}
	for i := range h.Calls {
		if err := m.add(&h.Calls[i]); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// add numbers the user and the reference of the call and the Version that it asks
// about.
func (m *model) add(c *Call) error {
	if _, ok := m.users[c.User]; c.User != "" && !ok {
		if len(m.users) == maxUsers-1 {
			return fmt.Errorf("history: a history may have at most %d users", maxUsers-1)
		}
		m.users[c.User] = byte(len(m.users) + 1)
	}
	if _, ok := m.refs[c.Ref]; c.Ref != "" && !ok {
		if len(m.refs) == maxRefs-1 {
			return fmt.Errorf("history: a history may have at most %d references", maxRefs-1)
		}
		m.refs[c.Ref] = byte(len(m.refs) + 1)
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

// within returns the part of the window in which NotAfter and NotBefore allow the
// operation, and reports whether there is one.
func (m *model) within(c *Call, when span) (span, bool) {
	if !c.NotAfter.IsZero() {
		when.max = min(when.max, millis(c.NotAfter)-1+int64(m.slack))
	}
	if !c.NotBefore.IsZero() {
		when.min = max(when.min, millis(c.NotBefore)-int64(m.slack))
	}
	return when, when.min <= when.max
}

// outside reports whether the operation may have been refused because it was too late or
// too early.
func (m *model) outside(c *Call, when span) bool {
	if c.Outcome == TooLate {
		return !c.NotAfter.IsZero() && when.max >= millis(c.NotAfter)-int64(m.slack)
	}
	return !c.NotBefore.IsZero() && when.min < millis(c.NotBefore)+int64(m.slack)
}

// millis returns the time in Unix nanoseconds, cut to whole milliseconds as a store
// does.
func millis(t time.Time) int64 { return t.UnixMilli() * int64(time.Millisecond) }

// step returns every state that is possible after the call. There is none if
// the contract does not allow its answer in s.
func (m *model) step(s state, c *Call) []state {
	when := window(c)
	s.age(when.min, m.slack)
	switch {
	case c.Outcome == Nothing, c.Method == Journal:
		return []state{s} // CheckJournal checks what it returned
	case c.Outcome == Failed, c.OtherSeats != (c.Outcome == Foreign) && c.Outcome != Unknown:
		return nil
	case c.Outcome == Foreign, c.Outcome == Unknown && (c.OtherSeats || c.Method != Do):
		return []state{s}
	case c.Method == Wait:
		return m.wait(s, c)
	case c.Outcome == TooLate, c.Outcome == TooEarly:
		if c.Method != Do || !m.outside(c, when) {
			return nil
		}
		return []state{s}
	}
	var next []state
	if c.Outcome == Unknown {
		next = append(next, s) // not carried out, or refused
	}
	when, ok := m.within(c, when)
	if !ok {
		return next
	}
	for _, r := range s.resolve(m.concerns(&s, c), when) {
		for _, extends := range m.choices(&r, c) {
			after := r
			if m.allows(&after, c, when, extends) {
				next = append(next, after)
			}
		}
	}
	return next
}

// allows carries out the call in a state in which it is known which locks are
// live, and reports whether the answer is right.
func (m *model) allows(s *state, c *Call, when span, extends byte) bool {
	switch c.Method {
	case List:
		return m.lists(s, c)
	case Roster:
		return m.looks(s, c)
	}
	v := m.act(s, c, when, extends)
	if v.reason == "" && m.closed(s, c) {
		return false
	}
	switch c.Outcome {
	case Unknown:
		return v.reason == ""
	case Done:
		return v.reason == "" && m.done(s, c, v)
	}
	return v.reason != "" && m.refused(s, c, v)
}

// closed reports whether an earlier cancel of one of the seats rules out that the
// operation takes effect. If the operation is such a cancel, it records that.
func (m *model) closed(s *state, c *Call) bool {
	for _, seat := range append(c.Seats[:len(c.Seats):len(c.Seats)], c.To...) {
		closed := &s.closed[m.position(seat)]
		if !c.NotAfter.IsZero() && millis(c.NotAfter) <= *closed {
			return true
		}
		if !c.NotBefore.IsZero() {
			*closed = max(*closed, millis(c.NotBefore))
		}
	}
	return false
}

// concerns returns the mask of the seats that the answer depends on.
func (m *model) concerns(s *state, c *Call) byte {
	switch {
	case c.Method == List:
		return seen - 1
	case c.Method == Do && (c.Kind == lockstore.KindCancel || c.Kind == lockstore.KindUnblock):
		return 0 // whether a lock is live does not matter
	}
	mask := byte(0)
	for _, seats := range [...][]lockstore.SeatID{c.Seats, c.To} {
		for _, seat := range seats {
			mask |= 1 << m.position(seat)
		}
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
