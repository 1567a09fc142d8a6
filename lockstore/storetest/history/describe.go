package history

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"seatlock/lockstore"
)

// describe renders a call and its answer.
func (m *model) describe(c *Call) string {
	var b strings.Builder
	b.WriteString(c.Name())
	if c.User != "" {
		fmt.Fprintf(&b, " %s %v", c.User, c.Seats)
	}
	if c.Since != "" {
		fmt.Fprintf(&b, " since %s", c.Since)
	}
	if c.OtherSeats {
		b.WriteString(" with another layout")
	}
	b.WriteString(" → ")
	switch {
	case c.Conflict != nil:
		b.WriteString(describeConflict(c.Conflict))
	case c.Err != "":
		fmt.Fprintf(&b, "%s: %s", c.Outcome, c.Err)
	case c.Snapshot != nil:
		fmt.Fprintf(&b, "%s full:%v at %s", c.Snapshot.Version, c.Snapshot.Full, clock(time.UnixMilli(c.Snapshot.Now)))
		for _, listed := range c.Snapshot.Seats {
			if i := int(listed.Position); i < 0 || i >= len(m.event.Seats) {
				fmt.Fprintf(&b, ", position %d", i)
			} else {
				b.WriteString(", " + describeSeat(m.event.Seat(listed)))
			}
		}
	case c.Method == Do:
		fmt.Fprintf(&b, "%s, changed %v%s, at %s", c.Outcome, c.Changed, until(c.Expires), clock(c.Now))
	default:
		b.WriteString(string(c.Outcome))
	}
	fmt.Fprintf(&b, " [%s to %s]", clock(c.Called), clock(c.Returned))
	return b.String()
}

func describeConflict(e *lockstore.ConflictError) string {
	text := string(e.Reason)
	if e.Reason == lockstore.OverSeatLimit {
		text += fmt.Sprintf(", held %d", e.Held)
	}
	for _, seat := range e.Seats {
		text += ", " + describeSeat(seat)
	}
	return text
}

func describeSeat(s lockstore.Seat) string {
	return fmt.Sprintf("%s %s%s", s.ID, s.Status, until(s.Expires))
}

// expected renders every answer that the contract allows to the call in any of
// the states.
func (m *model) expected(states []state, c *Call) []string {
	var all []string
	when := window(c)
	for _, s := range states {
		s.age(when.min, m.slack)
		for _, r := range s.resolve(m.concerns(&s, c), when) {
			if text := m.want(&r, c, when); text != "" && !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
	}
	return all
}

// want renders the answer to the call in a state in which it is known which locks
// are live.
func (m *model) want(s *state, c *Call, when span) string {
	switch {
	case c.Method == Do:
		return m.show(s, m.act(s, c.Op, when), c)
	case c.Method == Wait && m.past(s, c):
		return "it to return"
	case c.Method == Wait:
		return "it to block"
	case c.Snapshot == nil:
		return ""
	}
	mask, ok := m.listed(s, c)
	if !ok {
		return "a full list"
	}
	return fmt.Sprintf("a list of [%s]", strings.Join(m.seats(s, mask), ", "))
}

// show renders the verdict of an operation, after which s is the state.
func (m *model) show(s *state, v verdict, c *Call) string {
	if v.reason != "" {
		text := string(v.reason)
		if v.or != "" && v.or != v.reason {
			text += " or " + string(v.or)
		}
		if v.reason == lockstore.OverSeatLimit {
			text += fmt.Sprintf(", held %d", v.held)
		}
		for _, i := range v.inWay {
			text += ", " + m.seat(s, i)
		}
		return text
	}
	var changed, now []string
	for _, seat := range c.Seats {
		i := m.position(seat)
		if v.changed&(1<<i) != 0 {
			changed = append(changed, string(seat))
		}
		now = append(now, m.seat(s, i))
	}
	return fmt.Sprintf("%s, changed %v, then %s", Done, changed, strings.Join(now, ", "))
}

// seats renders the seats of the mask.
func (m *model) seats(s *state, mask byte) []string {
	var all []string
	for i := range m.event.Seats {
		if mask&(1<<i) != 0 {
			all = append(all, m.seat(s, i))
		}
	}
	return all
}

// seat renders a seat of a state as a list shows it.
func (m *model) seat(s *state, i int) string {
	c := s.seats[i]
	switch c.status {
	case booked:
		return fmt.Sprintf("%s %s", m.event.Seats[i], lockstore.Booked)
	case locked:
		return fmt.Sprintf("%s %s until %s", m.event.Seats[i], lockstore.Locked, c.span)
	}
	return fmt.Sprintf("%s %s", m.event.Seats[i], lockstore.Available)
}

// describeState renders who has what.
func (m *model) describeState(s state) string {
	names := make([]lockstore.UserID, maxUsers)
	for user, i := range m.users {
		names[i] = user
	}
	var parts []string
	for i := range m.event.Seats {
		if c := s.seats[i]; c.status != free {
			parts = append(parts, fmt.Sprintf("%s by %s", m.seat(&s, i), names[c.user]))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func (s span) String() string {
	from, to := clock(time.Unix(0, s.min)), clock(time.Unix(0, s.max))
	if from == to {
		return from
	}
	return from + " to " + to
}

func until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " until " + clock(t)
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }
