package history

import (
	"math"
	"time"

	"seatlock/lockstore"
)

// The most seats and users that a history can have.
const (
	maxSeats = 7 // a mask of them and a mark fit a byte
	maxUsers = 8
)

// A span is the time in which something happened: not before min and not
// after max, in nanoseconds since 1970. The zero span is of what did not happen.
type span struct{ min, max int64 }

const endOfTime = math.MaxInt64 / 2

func around(t time.Time, slack time.Duration) span {
	return span{t.Add(-slack).UnixNano(), t.Add(slack).UnixNano()}
}

// within narrows the span by another, and tells whether anything is left.
func (s *span) within(o span) bool {
	s.min, s.max = max(s.min, o.min), min(s.max, o.max)
	return s.min <= s.max
}

// A cell is one seat.
type cell struct {
	status byte // free, locked or booked
	user   byte // whose it is; 0 if free
	span        // when the lock runs out
}

const (
	free byte = iota
	locked
	booked
)

// A state is one thing that a store may know after some of the calls. It is
// comparable, and states that answer alike from now on should be equal.
type state struct {
	seats [maxSeats]cell

	// lapsed is when each user's last lock on each seat ran out, if it did.
	lapsed [maxSeats][maxUsers]span

	// changed has a byte for each version that somebody asks about later: the
	// seats that changed since, and seen if a list has given it.
	changed string
}

const seen = 1 << maxSeats

// change says that the seats changed.
func (s *state) change(mask byte) {
	if mask == 0 {
		return
	}
	b := []byte(s.changed)
	for i := range b {
		if b[i]&seen != 0 {
			b[i] |= mask
		}
	}
	s.changed = string(b)
}

// see says that a version is of this moment, unless it is known to be of another.
func (s *state) see(version int) bool {
	if s.changed[version]&seen != 0 {
		return s.changed[version] == seen
	}
	b := []byte(s.changed)
	b[version] = seen
	s.changed = string(b)
	return true
}

// age forgets what no call from now on can tell: locks have run out, and
// lapses are out of mind.
func (s *state) age(now int64, slack time.Duration) {
	for i := range s.seats {
		if c := s.seats[i]; c.status == locked && c.max < now {
			s.runOut(i, c.span)
		}
		for u := range s.lapsed[i] {
			if l := s.lapsed[i][u]; l != (span{}) && now > l.max+int64(lockstore.LapseMemory+slack) {
				s.lapsed[i][u] = span{}
			}
		}
	}
}

// runOut frees a seat whose lock ran out.
func (s *state) runOut(seat int, when span) {
	s.lapsed[seat][s.seats[seat].user] = when
	s.seats[seat] = cell{}
}

// resolve decides, for every locked seat of the mask, whether its lock still
// lived when a call that took place in the window looked, and returns every
// state there can be.
func (s state) resolve(mask byte, window span) []state {
	all := []state{s}
	for i := range s.seats {
		c := s.seats[i]
		if mask&(1<<i) == 0 || c.status != locked {
			continue
		}
		lives, over := window.min <= c.max, window.max >= c.min
		for j := range all {
			if lives && over {
				both := all[j]
				both.runOut(i, span{c.min, min(c.max, window.max)})
				all = append(all, both)
			}
			if lives {
				all[j].seats[i].min = max(c.min, window.min)
			} else {
				all[j].runOut(i, c.span)
			}
		}
	}
	return all
}
