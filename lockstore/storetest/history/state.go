package history

import (
	"math"
	"time"

	"seatlock/lockstore"
)

// The most seats and users that a history can have.
const (
	maxSeats = 7 // a mask of them and a flag fit a byte
	maxUsers = 8
)

// maxRefs is one more than the most references that a history can have.
const maxRefs = 256

// A span is when something happened: not before min and not after max, in Unix
// nanoseconds. The zero span means that it did not happen.
type span struct{ min, max int64 }

const endOfTime = math.MaxInt64 / 2

func around(t time.Time, slack time.Duration) span {
	return span{t.Add(-slack).UnixNano(), t.Add(slack).UnixNano()}
}

// within narrows the span to the part that it shares with another, and reports
// whether there is one.
func (s *span) within(o span) bool {
	s.min, s.max = max(s.min, o.min), min(s.max, o.max)
	return s.min <= s.max
}

// A cell is one seat.
type cell struct {
	status lockstore.Status
	user   byte // who has locked or booked it; else 0
	ref    byte // of the booking, or why it is blocked; else 0
	span        // when the lock ends
	made   span // when the lock was made
}

// A state is one possible state of a store after some of the calls. It is
// comparable, and states that give the same answers from now on should be equal.
type state struct {
	seats [maxSeats]cell

	// expired is when each user's last lock on each seat ended, if it expired.
	expired [maxSeats][maxUsers]span

	// since is how many locks have expired after it.
	since [maxSeats][maxUsers]lapses

	// closed is the latest NotBefore of the cancels that named each seat, in Unix
	// nanoseconds.
	closed [maxSeats]int64

	// changed has a byte for each Version that a call asks about: the mask of the
	// seats that have changed since, and seen if a list has returned the Version.
	changed string
}

const seen = 1 << maxSeats

// change records a change of the seats at those positions.
func (s *state) change(at []int) {
	b := []byte(s.changed)
	for i := range b {
		for _, p := range at {
			if b[i]&seen != 0 {
				b[i] |= 1 << p
			}
		}
	}
	s.changed = string(b)
}

// see records that a list returned the Version, and reports whether that can be
// the current one.
func (s *state) see(version int) bool {
	if s.changed[version]&seen != 0 {
		return s.changed[version] == seen
	}
	b := []byte(s.changed)
	b[version] = seen
	s.changed = string(b)
	return true
}

// age drops what no later call can observe: that a lock is still there whose
// end has passed, and that a lock expired longer than LapseMemory ago.
func (s *state) age(now int64, slack time.Duration) {
	for i := range s.seats {
		if c := s.seats[i]; c.status == lockstore.Locked && c.max < now {
			s.expire(i, c.span)
		}
		for u := range s.expired[i] {
			if e := s.expired[i][u]; e != (span{}) && now > e.max+int64(lockstore.LapseMemory+slack) {
				s.forget(i, byte(u))
			}
		}
	}
}

// lapses counts expired locks of a seat and of a user, up to the number that a
// store must remember.
type lapses struct{ seat, user uint16 }

func (n *lapses) addToSeat() { n.seat = min(n.seat+1, lockstore.MinSeatLapses) }
func (n *lapses) addToUser() { n.user = min(n.user+1, lockstore.MinUserLapses) }

// forgettable reports whether so many locks have expired since the user's last one
// on the seat that a store may have forgotten it. Whether the lock on the seat is
// live must be known.
func (s *state) forgettable(seat int, user byte, now int64) bool {
	since := s.since[seat][user]
	for _, c := range s.seats {
		if c.user == user && c.status == lockstore.Locked && c.min <= now {
			since.addToUser() // it may be over
		}
	}
	return since.seat == lockstore.MinSeatLapses || since.user == lockstore.MinUserLapses
}

// expire frees a locked seat.
func (s *state) expire(seat int, when span) {
	user := s.seats[seat].user
	s.seats[seat] = cell{}
	s.forget(seat, user)
	for u := range s.expired[seat] {
		if s.expired[seat][u] != (span{}) {
			s.since[seat][u].addToSeat()
		}
	}
	since := &s.since[seat][user]
	for i := range s.expired {
		// It is not known in which order locks on two seats end at the same time.
		if other := s.expired[i][user]; other != (span{}) {
			if when.max >= other.min {
				s.since[i][user].addToUser()
			}
			if other.max >= when.min {
				since.addToUser()
			}
		}
	}
	s.expired[seat][user] = when
}

// forget records that the user's last lock on the seat did not expire, or that
// it does not matter any more.
func (s *state) forget(seat int, user byte) {
	s.expired[seat][user], s.since[seat][user] = span{}, lapses{}
}

// resolve decides, for every locked seat of the mask, whether its lock was live
// when a call in the window looked, and returns every state that is possible.
func (s state) resolve(mask byte, window span) []state {
	all := []state{s}
	for i := range s.seats {
		c := s.seats[i]
		if mask&(1<<i) == 0 || c.status != lockstore.Locked {
			continue
		}
		live, over := window.min <= c.max, window.max >= c.min
		for j := range all {
			if live && over {
				other := all[j]
				other.expire(i, span{c.min, min(c.max, window.max)})
				all = append(all, other)
			}
			if live {
				all[j].seats[i].min = max(c.min, window.min)
			} else {
				all[j].expire(i, c.span)
			}
		}
	}
	return all
}
