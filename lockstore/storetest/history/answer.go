package history

import (
	"cmp"
	"slices"
	"time"

	"seatlock/lockstore"
)

// done reports whether the result can be that of the operation, which had the
// verdict, and narrows when its locks end.
func (m *model) done(s *state, c *Call, v verdict) bool {
	hasNow := !m.remote || !c.Now.IsZero()
	if hasNow && !m.inTime(c, c.Now) || !m.remote && !m.changed(c, v) {
		return false
	}
	if !c.Now.Equal(c.Now.Truncate(time.Millisecond)) || !c.Expires.Equal(c.Expires.Truncate(time.Millisecond)) {
		return false
	}
	if hasNow && (!c.NotAfter.IsZero() && c.Now.UnixMilli() >= c.NotAfter.UnixMilli() || !c.NotBefore.IsZero() && c.Now.UnixMilli() < c.NotBefore.UnixMilli()) {
		return false
	}
	if c.Kind != lockstore.KindLock && c.Kind != lockstore.KindExtend {
		return c.Expires.IsZero()
	}
	if hasNow && c.Kind == lockstore.KindLock {
		end := around(c.Now.Add(cmp.Or(c.Op.For, c.Settings.of(m.event).LockTTL)), m.slack)
		for _, i := range v.changed {
			if at := &s.seats[i]; !at.within(end) || !at.made.within(around(c.Now, m.slack)) {
				return false
			}
		}
	}
	earliest := span{endOfTime, endOfTime}
	for _, seat := range c.Seats {
		at := &s.seats[m.position(seat)]
		earliest = span{min(earliest.min, at.min), min(earliest.max, at.max)}
	}
	expires := around(c.Expires, m.slack)
	if !earliest.within(expires) {
		return false
	}
	for _, seat := range c.Seats {
		at := &s.seats[m.position(seat)]
		at.min = max(at.min, expires.min) // none ends before the first
		if len(c.Seats) == 1 {
			at.max = min(at.max, expires.max)
		}
	}
	return true
}

// inTime reports whether the store's clock can have shown t during the call.
func (m *model) inTime(c *Call, t time.Time) bool {
	return !t.Before(c.Called.Add(-m.slack)) && !t.After(c.Returned.Add(m.slack))
}

// changed reports whether the result names the seats that the operation changed.
func (m *model) changed(c *Call, v verdict) bool {
	names := make([]lockstore.SeatID, len(v.changed))
	for n, i := range v.changed {
		names[n] = m.event.Seats[i]
	}
	return slices.Equal(c.Changed, names)
}

// refused reports whether the refusal can be that of the operation.
func (m *model) refused(s *state, c *Call, want verdict) bool {
	got := c.Conflict
	if got.Reason != want.reason && got.Reason != want.or {
		return false
	}
	if got.Held != want.held && !(m.remote && got.Held == -1) || len(got.Seats) != len(want.inWay) {
		return false
	}
	for n, i := range want.inWay {
		if got.Seats[n].ID != m.event.Seats[i] || !m.shows(s, i, got.Seats[n]) {
			return false
		}
	}
	return true
}

// shows reports whether the seat can look like that, and narrows when its lock
// ends.
func (m *model) shows(s *state, i int, got lockstore.Seat) bool {
	c := &s.seats[i]
	if got.Status != c.status {
		return false
	}
	if c.status != lockstore.Locked {
		return got.Expires.IsZero()
	}
	return c.within(m.end(got.Expires))
}

// end returns when a lock that is shown with this end really ends. Over HTTP, other
// users see the end rounded up to a second.
func (m *model) end(shown time.Time) span {
	end := around(shown, m.slack)
	if m.remote {
		end.min -= (time.Second - time.Millisecond).Nanoseconds()
	}
	return end
}

// looks reports whether a roster can show the call's one seat so, or can leave it out.
func (m *model) looks(s *state, c *Call) bool {
	i := m.position(c.Seats[0])
	at := &s.seats[i]
	chosen := at.status != lockstore.Available && (c.Filter.User == "" || at.user == m.users[c.Filter.User] && at.user != 0)
	if len(c.Holdings) == 0 || !chosen {
		return len(c.Holdings) == 0 && !chosen
	}
	h := c.Holdings[0]
	if h.User != "" && m.users[h.User] == 0 || h.Ref != "" && m.refs[h.Ref] == 0 {
		return false // no call had them
	}
	if at.user != m.users[h.User] || at.ref != m.refs[h.Ref] || !m.shows(s, i, lockstore.Seat{ID: h.Seat, Status: h.Status, Expires: h.Expires}) {
		return false
	}
	return h.Status != lockstore.Locked || h.Since.IsZero() || at.made.within(around(h.Since, m.slack))
}

// lists reports whether the list can show the state, in which it is known which
// locks are live.
func (m *model) lists(s *state, c *Call) bool {
	snap := c.Snapshot
	if snap == nil || !m.inTime(c, time.UnixMilli(snap.Now)) {
		return false
	}
	must, ok := m.listed(s, c)
	if !ok {
		return false
	}
	may := must
	if m.remote && !snap.Full {
		may = seen - 1
	}
	last, named := -1, byte(0)
	for _, listed := range snap.Seats {
		i := int(listed.Position)
		if i <= last || i >= len(m.event.Seats) || may&(1<<i) == 0 || !m.shows(s, i, m.event.Seat(listed)) {
			return false
		}
		over := listed.Expires <= snap.Now
		if listed.Status == lockstore.Locked && over && !m.remote || listed.Status != lockstore.Locked && listed.Expires != 0 {
			return false
		}
		last, named = i, named|1<<i
	}
	if must&^named != 0 {
		return false
	}
	if v, ok := m.versions[snap.Version]; ok {
		return s.see(v)
	}
	return snap.Version.Check() == nil && snap.Version != ""
}

// wait returns the states after a Wait. A Wait that no change ended must have
// been up to date at some moment from its Begin on.
func (m *model) wait(s state, c *Call) []state {
	past := m.past(&s, c) || m.losesLog && c.Outcome == Done
	if c.Outcome == Refused || past != (c.Outcome == Done) {
		return nil
	}
	return []state{s}
}

// past reports whether the event is past the Version of a Wait, or is not known to
// have been at it.
func (m *model) past(s *state, c *Call) bool {
	return c.Since == "" || s.changed[m.versions[c.Since]] != seen
}

// listed returns the mask of the seats that the list must name. It reports false
// if the list must be full and is not.
func (m *model) listed(s *state, c *Call) (byte, bool) {
	mask := byte(0)
	if c.Snapshot.Full {
		for i, at := range s.seats {
			if at.status != lockstore.Available {
				mask |= 1 << i
			}
		}
		return mask, true
	}
	if c.Since == "" {
		return 0, false
	}
	changed := s.changed[m.versions[c.Since]]
	return changed &^ seen, changed&seen != 0
}
