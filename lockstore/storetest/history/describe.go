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
	text := c.Name()
	if c.Method == Do {
		text += describeOp(&c.Op)
	}
	if c.Method == Roster {
		text += fmt.Sprintf(" of %q %v", c.Filter.User, c.Seats)
	}
	if c.Settings != nil {
		text += fmt.Sprintf(" with locks of %v and a limit of %d", c.Settings.LockTTL, c.Settings.SeatLimit)
	}
	if c.Since != "" {
		text += " since " + string(c.Since)
	}
	if c.OtherSeats {
		text += " with another layout"
	}
	text += " → "
	switch {
	case c.Conflict != nil:
		text += refusal(c.Conflict.Reason, c.Conflict.Held, shown(c.Conflict.Seats))
	case c.Err != "":
		text += fmt.Sprintf("%s: %s", c.Outcome, c.Err)
	case c.Snapshot != nil:
		var seats []lockstore.Seat
		for _, s := range c.Snapshot.Seats {
			if i := int(s.Position); i >= 0 && i < len(m.event.Seats) {
				seats = append(seats, m.event.Seat(s))
			} else {
				seats = append(seats, lockstore.Seat{ID: "one that does not exist", Status: s.Status})
			}
		}
		text += fmt.Sprintf("%s at %s, full: %v, %q", c.Snapshot.Version, clock(time.UnixMilli(c.Snapshot.Now)), c.Snapshot.Full, shown(seats))
	case c.Holdings != nil:
		text += fmt.Sprintf("%v", c.Holdings)
	case c.Method == Do && c.Outcome == Done:
		text += fmt.Sprintf("%s at %s, changed %v", c.Outcome, clock(c.Now), c.Changed)
		if !c.Expires.IsZero() {
			text += ", expires " + clock(c.Expires)
		}
	default:
		text += string(c.Outcome)
	}
	return text + fmt.Sprintf(" [%s to %s]", clock(c.Called), clock(c.Returned))
}

// describeOp renders all of an operation but its kind.
func describeOp(op *lockstore.Op) string {
	text := ""
	if op.User != "" {
		text += " " + string(op.User)
	}
	text += fmt.Sprintf(" %v", op.Seats)
	if op.To != nil {
		text += fmt.Sprintf(" to %v", op.To)
	}
	if op.Ref != "" {
		text += " ref " + string(op.Ref)
	}
	if op.For != 0 {
		text += fmt.Sprintf(" for %v", op.For)
	}
	if op.Cap != 0 {
		text += fmt.Sprintf(" up to %v", op.Cap)
	}
	if op.Blocked {
		text += " with blocked"
	}
	for name, t := range map[string]time.Time{" until ": op.Until, " not after ": op.NotAfter, " not before ": op.NotBefore} {
		if !t.IsZero() {
			text += name + clock(t)
		}
	}
	return text
}

// refusal renders a refusal that names those seats.
func refusal(reason lockstore.Reason, held int, seats []string) string {
	if reason == lockstore.OverSeatLimit {
		return fmt.Sprintf("%s, held %d", string(reason), held)
	}
	return fmt.Sprintf("%s %q", string(reason), seats)
}

// shown renders seats that a store returned.
func shown(list []lockstore.Seat) []string {
	var all []string
	for _, s := range list {
		text := fmt.Sprintf("%s %s", s.ID, s.Status)
		if !s.Expires.IsZero() {
			text += " until " + clock(s.Expires)
		}
		all = append(all, text)
	}
	return all
}

// seats renders the seats of a state at those positions.
func (m *model) seats(s *state, at []int) []string {
	var all []string
	for _, i := range at {
		text := fmt.Sprintf("%s %s", m.event.Seats[i], s.seats[i].status)
		c := s.seats[i]
		if c.status == lockstore.Locked {
			text += fmt.Sprintf(" until %s to %s", clock(time.Unix(0, c.min)), clock(time.Unix(0, c.max)))
		}
		for ref, n := range m.refs {
			if n == c.ref {
				text += " ref " + string(ref)
			}
		}
		all = append(all, text)
	}
	return all
}

// describeState renders the seats that are taken, with their users.
func (m *model) describeState(s state) string {
	var all []string
	for user, n := range m.users {
		for i, c := range s.seats {
			if c.user == n {
				all = append(all, m.seats(&s, []int{i})[0]+" by "+string(user))
			}
		}
	}
	for i, c := range s.seats {
		if c.status == lockstore.Blocked {
			all = append(all, m.seats(&s, []int{i})[0])
		}
	}
	slices.Sort(all)
	return "{" + strings.Join(all, ", ") + "}"
}

// expected renders every answer that the contract allows to the call in any of
// the states.
func (m *model) expected(states []state, c *Call) []string {
	var all []string
	when := window(c)
	if within, ok := m.within(c, when); ok {
		when = within
	} else {
		return []string{"it to be too late or too early"}
	}
	for _, s := range states {
		s.age(when.min, m.slack)
		for _, r := range s.resolve(m.concerns(&s, c), when) {
			for _, extends := range m.choices(&r, c) {
				after := r
				if text := m.want(&after, c, when, extends); !slices.Contains(all, text) {
					all = append(all, text)
				}
			}
		}
	}
	return all
}

// want renders the answer to the call in a state in which it is known which locks
// are live.
func (m *model) want(s *state, c *Call, when span, extends byte) string {
	switch {
	case c.OtherSeats:
		return string(Foreign)
	case c.Method == Wait && m.past(s, c):
		return "it to return"
	case c.Method == Wait:
		return "it to block"
	case c.Method == Roster:
		return fmt.Sprintf("it to show %q", m.seats(s, m.positions(c.Seats)))
	case c.Method == List && c.Snapshot == nil:
		return "a list"
	case c.Method == List:
		mask, ok := m.listed(s, c)
		if !ok {
			return "a full list"
		}
		var at []int
		for i := range m.event.Seats {
			if mask&(1<<i) != 0 {
				at = append(at, i)
			}
		}
		return fmt.Sprintf("a list of %q", m.seats(s, at))
	}
	v := m.act(s, c, when, extends)
	if v.reason != "" {
		return refusal(v.reason, v.held, m.seats(s, v.inWay))
	}
	return fmt.Sprintf("%s, changed %q", Done, m.seats(s, v.changed))
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }
