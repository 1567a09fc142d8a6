package history

import (
	"seatlock/lockstore"
)

// told compares the end of a lock that was given with what it can be, and
// narrows that.
func (j *judge) told(s *state, op *Op) bool {
	if op.Call != Lock {
		return true
	}
	earliest := span{endOfTime, endOfTime}
	for _, seat := range op.Seats {
		c := &s.seats[j.position[seat]]
		earliest = span{min(earliest.min, c.min), min(earliest.max, c.max)}
	}
	told := around(op.Expires, j.Slack)
	if !earliest.within(told) {
		return false
	}
	for _, seat := range op.Seats {
		c := &s.seats[j.position[seat]]
		c.min = max(c.min, told.min) // none of them ends before the first
		if len(op.Seats) == 1 {
			c.max = min(c.max, told.max)
		}
	}
	return true
}

// refused compares a refusal with what it must say. Held may be left out, as -1.
func (j *judge) refused(s *state, op *Op, want verdict) bool {
	got := op.Conflict
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

// shows compares a seat as it was shown with what it is, and narrows when its
// lock ends.
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

// lists compares a list with the state, in which it is known which locks live.
func (j *judge) lists(s *state, op *Op) bool {
	snap := op.Snapshot
	if snap.Time.Before(op.Called.Add(-j.Slack)) || snap.Time.After(op.Returned.Add(j.Slack)) {
		return false
	}
	must := byte(0) // what the list names
	may := must     // what it may name beside
	if snap.Full {
		for i, c := range s.seats {
			if c.status != free {
				must |= 1 << i
			}
		}
	} else {
		if op.Since == "" || s.changed[j.versions[op.Since]]&seen == 0 {
			return false
		}
		must = s.changed[j.versions[op.Since]] &^ seen
		if j.Remote {
			may = seen - 1
		}
	}
	last, named := -1, byte(0)
	for _, seat := range snap.Seats {
		i, ok := j.position[seat.ID]
		if !ok || i <= last || (must|may)&(1<<i) == 0 || !j.shows(s, i, seat) {
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

// wait judges a Wait. One that nothing ended must have had nothing to end it
// at some moment from Begin on.
func (j *judge) wait(s state, op *Op) []state {
	beyond := op.Since == "" || s.changed[j.versions[op.Since]] != seen
	if op.Outcome == Refused || beyond != (op.Outcome == Done) {
		return nil
	}
	return []state{s}
}
