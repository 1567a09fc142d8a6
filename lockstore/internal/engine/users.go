package engine

import (
	"iter"

	"seatlock/lockstore"
)

// A holder is what is known of one user: the seats that the user may have locked,
// as a list, and how many the user has booked. The seat limit is checked with it,
// so it costs what the user has, not what the user had.
type holder struct {
	first  int32 // position of the first seat in the list, or none
	booked int32
}

// holder returns what is known of the user.
func (s *State) holder(user lockstore.UserID) holder {
	if h, ok := s.users[user]; ok {
		return h
	}
	return holder{first: none}
}

// setHolder replaces what is known of the user.
func (s *State) setHolder(user lockstore.UserID, h holder) {
	if h == (holder{first: none}) {
		delete(s.users, user)
	} else {
		s.users[user] = h
	}
}

// locked returns the seats that the user has locked. It takes those whose lock has
// expired off the user's list, so that each is passed over only once.
func (s *State) locked(user lockstore.UserID, now int64) iter.Seq[*cell] {
	return func(yield func(*cell) bool) {
		for p := s.holder(user).first; p != none; {
			seat := s.at(int(p))
			next := seat.next
			if !seat.live(now) {
				s.unlist(int(p))
			} else if !yield(seat) {
				return
			}
			p = next
		}
	}
}

// count returns the number of seats that the user has locked and booked.
func (s *State) count(user lockstore.UserID, now int64) int {
	n := int(s.holder(user).booked)
	for range s.locked(user, now) {
		n++
	}
	return n
}

// give makes user the last to have the seat at p, who has locked it.
func (s *State) give(p int, user lockstore.UserID) {
	s.clear(p)
	if s.pages[p/pageSize] == nil {
		s.pages[p/pageSize] = new(page)
	}
	h := s.holder(user)
	*s.at(p) = cell{user: user, inList: true, prev: none, next: h.first}
	if h.first != none {
		s.at(int(h.first)).prev = int32(p)
	}
	h.first = int32(p)
	s.users[user] = h
}

// book makes the seat at p one that its user has booked.
func (s *State) book(p int) {
	s.unlist(p)
	seat := s.at(p)
	seat.booked = true
	h := s.holder(seat.user)
	h.booked++
	s.users[seat.user] = h
}

// clear makes the seat at p one that nobody has had.
func (s *State) clear(p int) {
	seat := s.at(p)
	if seat.user == "" {
		return
	}
	s.unlist(p)
	if seat.booked {
		h := s.holder(seat.user)
		h.booked--
		s.setHolder(seat.user, h)
	}
	*seat = cell{}
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
	if seat.prev != none {
		s.at(int(seat.prev)).next = seat.next
		return
	}
	h := s.holder(seat.user)
	h.first = seat.next
	s.setHolder(seat.user, h)
}
