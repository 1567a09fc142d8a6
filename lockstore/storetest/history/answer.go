package history

import (
	"time"

	"seatlock/lockstore"
)

// done reports whether the result can be that of the operation, which had the
// verdict, and narrows when its locks end.
func (j *judge) done(s *state, c *Call, v verdict) bool {
	if !(j.Remote && c.Now.IsZero()) && !j.inTime(c, c.Now) || !j.Remote && !j.changed(c, v) {
		return false
	}
	if c.Kind != lockstore.KindLock {
		return true
	}
	if !c.Now.IsZero() {
		end := around(c.Now.Add(j.Event.LockTTL), j.Slack)
		for i := range s.seats {
			if v.changed&(1<<i) != 0 && !s.seats[i].within(end) {
				return false
			}
		}
	}
	earliest := span{endOfTime, endOfTime}
	for _, seat := range c.Seats {
		at := &s.seats[j.position[seat]]
		earliest = span{min(earliest.min, at.min), min(earliest.max, at.max)}
	}
	expires := around(c.Expires, j.Slack)
	if !earliest.within(expires) {
		return false
	}
	for _, seat := range c.Seats {
		at := &s.seats[j.position[seat]]
		at.min = max(at.min, expires.min) // none ends before the first
		if len(c.Seats) == 1 {
			at.max = min(at.max, expires.max)
		}
	}
	return true
}

// inTime reports whether the store's clock can have shown t during the call.
func (j *judge) inTime(c *Call, t time.Time) bool {
	return !t.Before(c.Called.Add(-j.Slack)) && !t.After(c.Returned.Add(j.Slack))
}

// changed reports whether the result names the changed seats, in the order of
// the operation.
func (j *judge) changed(c *Call, v verdict) bool {
	got := c.Changed
	for _, seat := range c.Seats {
		if v.changed&(1<<j.position[seat]) == 0 {
			continue
		}
		if len(got) == 0 || got[0] != seat {
			return false
		}
		got = got[1:]
	}
	return len(got) == 0
}

// refused reports whether the refusal can be that of the operation. Held may be
// missing, as -1.
func (j *judge) refused(s *state, c *Call, want verdict) bool {
	got := c.Conflict
	if got.Reason != want.reason && got.Reason != want.or {
		return false
	}
	if len(got.Seats) != len(want.inWay) || want.reason == lockstore.OverSeatLimit && got.Held != want.held && got.Held >= 0 {
		return false
	}
	for n, i := range want.inWay {
		if got.Seats[n].ID != j.Event.Seats[i] || !j.shows(s, i, got.Seats[n]) {
			return false
		}
	}
	return true
}

// shows reports whether the seat can look like that, and narrows when its lock
// ends.
func (j *judge) shows(s *state, i int, got lockstore.Seat) bool {
	c := &s.seats[i]
	switch c.status {
	case free:
		return got.Status == lockstore.Available && got.Expires.IsZero()
	case booked:
		return got.Status == lockstore.Booked && got.Expires.IsZero()
	}
	return got.Status == lockstore.Locked && c.within(around(got.Expires, j.Slack))
}

// lists reports whether the list can be of the state, whose locks are all known
// to be live.
func (j *judge) lists(s *state, c *Call) bool {
	snap := c.Snapshot
	if !j.inTime(c, time.UnixMilli(snap.Now)) {
		return false
	}
	var must, may byte // the seats that the list must and may name
	if snap.Full {
		for i, at := range s.seats {
			if at.status != free {
				must |= 1 << i
			}
		}
	} else {
		if c.Since == "" || s.changed[j.versions[c.Since]]&seen == 0 {
			return false
		}
		must = s.changed[j.versions[c.Since]] &^ seen
		if j.Remote {
			may = seen - 1
		}
	}
	last, named := -1, byte(0)
	for _, listed := range snap.Seats {
		i := int(listed.Position)
		if i <= last || i >= len(j.Event.Seats) || (must|may)&(1<<i) == 0 || !j.shows(s, i, j.Event.Seat(listed)) {
			return false
		}
		if listed.Status != lockstore.Locked && listed.Expires != 0 {
			return false
		}
		last, named = i, named|1<<i
	}
	if must&^named != 0 {
		return false
	}
	if v, ok := j.versions[snap.Version]; ok {
		return s.see(v)
	}
	return snap.Version.Check() == nil && snap.Version != ""
}

// wait returns the states after a Wait. A Wait that no change ended must have
// been up to date at some moment from its Begin on.
func (j *judge) wait(s state, c *Call) []state {
	beyond := c.Since == "" || s.changed[j.versions[c.Since]] != seen
	if c.Outcome == Refused || beyond != (c.Outcome == Done) {
		return nil
	}
	return []state{s}
}
