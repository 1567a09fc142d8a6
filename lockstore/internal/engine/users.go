package engine

import (
	"iter"

	"seatlock/lockstore"
)

// A holder is what is known of one user: a list of the seats that the user may have
// locked, and one of those that the user has booked. The seat limit is checked with
// it, so the cost depends on what the user has, not on what the user once had.
type holder struct {
	locked   int32 // position of the first seat in the list, or none
	booked   int32 // the same for the booked seats
	bookings int32 // how many seats are booked
}

var nobody = holder{locked: none, booked: none}

// holder returns what is known of the user.
func (s *State) holder(user lockstore.UserID) holder {
	if h, ok := s.users[user]; ok {
		return h
	}
	return nobody
}

// setHolder replaces what is known of the user.
func (s *State) setHolder(user lockstore.UserID, h holder) {
	if h == nobody {
		delete(s.users, user)
	} else {
		s.users[user] = h
	}
}

// list returns the first seat of the list for seats with that status.
func (h *holder) list(status lockstore.Status) *int32 {
	if status == lockstore.Booked {
		return &h.booked
	}
	return &h.locked
}

// locked returns the seats that the user of h has locked, with their positions. It
// removes seats whose lock has expired from the list, so that each is passed over only
// once. The caller must pass h to [State.setHolder] afterwards.
func (s *State) locked(h *holder, now int64) iter.Seq2[int, *cell] {
	return func(yield func(int, *cell) bool) {
		for p := h.locked; p != none; {
			seat := s.at(int(p))
			next := seat.next
			if !seat.live(now) {
				s.unlist(int(p), h)
			} else if !yield(int(p), seat) {
				return
			}
			p = next
		}
	}
}

// count returns how many seats the user of h has locked and booked. It changes h as
// [State.locked] does.
func (s *State) count(h *holder, now int64) int {
	n := int(h.bookings)
	for range s.locked(h, now) {
		n++
	}
	return n
}

// lock locks the seat at p for the user of h. It changes h, which the caller must pass
// to [State.setHolder] afterwards.
func (s *State) lock(p int, user lockstore.UserID, h *holder, now, expires int64) {
	s.clearFor(p, user, h)
	seat := s.join(p, &h.locked)
	seat.user, seat.status = user, lockstore.Locked
	seat.extend(now, expires)
}

// book books the seat at p for the user.
func (s *State) book(p int, user lockstore.UserID, ref lockstore.Ref, now int64) {
	s.clear(p)
	h := s.holder(user)
	h.bookings++
	seat := s.join(p, &h.booked)
	seat.user, seat.status, seat.expires = user, lockstore.Booked, now
	s.users[user] = h
	s.setRef(p, ref)
}

// block takes the seat at p out of sale.
func (s *State) block(p int, reason lockstore.Ref, now int64) {
	s.clear(p)
	*s.touch(p) = cell{status: lockstore.Blocked, expires: now}
	s.setRef(p, reason)
}

// clear forgets everything about the seat at p.
func (s *State) clear(p int) { s.clearFor(p, "", nil) }

// clearFor is clear for a caller that is changing h, the holder of the user.
func (s *State) clearFor(p int, user lockstore.UserID, h *holder) {
	seat := s.at(p)
	if seat.status == lockstore.Available {
		return
	}
	if seat.hasRef {
		delete(s.refs, p)
	}
	if seat.inList {
		if seat.user == user {
			s.leave(p, h)
		} else {
			had := s.holder(seat.user)
			s.leave(p, &had)
			s.setHolder(seat.user, had)
		}
	}
	*seat = cell{}
}

// leave removes the seat at p from the list of its user, whose holder is h.
func (s *State) leave(p int, h *holder) {
	if s.at(p).status == lockstore.Booked {
		h.bookings--
	}
	s.unlist(p, h)
}

// touch returns the seat at p for writing. It allocates the seat if necessary.
func (s *State) touch(p int) *cell {
	if s.pages[p/pageSize] == nil {
		s.pages[p/pageSize] = new(page)
	}
	return s.at(p)
}

// setRef sets the reference of the seat at p, which has none.
func (s *State) setRef(p int, ref lockstore.Ref) {
	if ref != "" {
		s.refs[p] = ref
		s.at(p).hasRef = true
	}
}

// join makes the seat at p, which nobody has had, the first of the list that begins with
// first. It returns the seat, which has no user yet.
func (s *State) join(p int, first *int32) *cell {
	seat := s.touch(p)
	seat.inList, seat.prev, seat.next = true, none, *first
	if *first != none {
		s.at(int(*first)).prev = int32(p)
	}
	*first = int32(p)
	return seat
}

// unlist removes the seat at p, which is in a list, from the list of its user, whose
// holder is h.
func (s *State) unlist(p int, h *holder) {
	seat := s.at(p)
	seat.inList = false
	if seat.next != none {
		s.at(int(seat.next)).prev = seat.prev
	}
	if seat.prev != none {
		s.at(int(seat.prev)).next = seat.next
	} else {
		*h.list(seat.status) = seat.next
	}
}
