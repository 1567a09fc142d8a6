package engine

import (
	"iter"

	"seatlock/lockstore"
)

// seatsOf returns the seats in the user's list with their positions. The body of
// the loop may take the current seat off the list.
func (s *State) seatsOf(user lockstore.UserID) iter.Seq2[int, *cell] {
	return func(yield func(int, *cell) bool) {
		p, ok := s.users[user]
		for ok && p != none {
			seat := s.at(int(p))
			next := seat.next
			if !yield(int(p), seat) {
				return
			}
			p = next
		}
	}
}

// count returns the number of seats that the user has locked and booked. It
// takes those whose lock has expired off the user's list, so that it passes over
// each only once.
func (s *State) count(user lockstore.UserID, now int64) int {
	n := 0
	for p, seat := range s.seatsOf(user) {
		if seat.taken(now) {
			n++
		} else {
			s.unlist(p)
		}
	}
	return n
}

// give makes user the last to have the seat at p, and lists it so.
func (s *State) give(p int, user lockstore.UserID) {
	s.unlist(p)
	if s.pages[p/pageSize] == nil {
		s.pages[p/pageSize] = new(page)
	}
	seat := s.at(p)
	seat.user, seat.inList, seat.prev, seat.next = user, true, none, none
	if first, ok := s.users[user]; ok {
		seat.next = first
		s.at(int(first)).prev = int32(p)
	}
	s.users[user] = int32(p)
}

// clear makes the seat at p one that nobody has had.
func (s *State) clear(p int) {
	s.unlist(p)
	if pg := s.pages[p/pageSize]; pg != nil {
		pg[p%pageSize] = cell{}
	}
}

// unlist takes the seat at p off its user's list.
func (s *State) unlist(p int) {
	seat := s.at(p)
	if !seat.inList {
		return
	}
	seat.inList = false
	if seat.next != none {
		s.at(int(seat.next)).prev = seat.prev
	}
	switch {
	case seat.prev != none:
		s.at(int(seat.prev)).next = seat.next
	case seat.next != none:
		s.users[seat.user] = seat.next
	default:
		delete(s.users, seat.user)
	}
}
