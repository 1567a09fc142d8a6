package engine

import (
	"slices"

	"seatlock/lockstore"
)

// hasExpired reports whether the user's last lock on the seat at p, which the
// user does not have now, expired within LapseMemory.
func (s *State) hasExpired(p int, user lockstore.UserID, now int64) bool {
	if seat := s.at(p); seat.user == user {
		return remembered(seat.expires, now)
	}
	for _, e := range s.expired[p] {
		if e.User == user {
			return remembered(e.Expires, now)
		}
	}
	return false
}

// rememberExpired records the lock of the last user of the seat at p, before user
// takes the seat, or before it is blocked if user is "". It drops locks that are
// older than LapseMemory, and the oldest if there are more than MinSeatLapses.
func (s *State) rememberExpired(p int, user lockstore.UserID, now int64) {
	before := s.expired[p]
	kept := before[:0]
	for _, e := range before {
		if e.User != user && remembered(e.Expires, now) {
			kept = append(kept, e)
		}
	}
	if seat := s.at(p); seat.status == lockstore.Locked && seat.user != user && remembered(seat.expires, now) {
		if len(kept) == lockstore.MinSeatLapses {
			kept = slices.Delete(kept, 0, 1)
		}
		kept = append(kept, ExpiredLock{seat.user, seat.expires})
	}
	if len(kept) > 0 {
		s.expired[p] = kept
	} else if before != nil {
		delete(s.expired, p)
	}
}

func remembered(expires, now int64) bool {
	return now-expires < lockstore.LapseMemory.Milliseconds()
}
