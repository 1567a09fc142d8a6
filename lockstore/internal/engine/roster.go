package engine

import (
	"slices"
	"time"

	"seatlock/lockstore"
)

// A Roster reads the seats that are taken, page by page: see
// [lockstore.LockStore.Roster]. All of its pages must be of states with the same
// layout. [NewRoster] makes one. It is not safe for concurrent use.
type Roster struct {
	user lockstore.UserID // or "" for all
	at   []int            // the positions of a user's or a filter's seats that are still to be read, ascending
	all  bool             // every seat of the event
	next int              // with all: the next position
}

// rosterPage is the number of seats that one page looks at.
const rosterPage = 1024

// NewRoster returns the roster of the seats that a valid filter chooses. A user's
// seats are those that the user has now.
func NewRoster(s *State, f lockstore.Filter, now int64) *Roster {
	r := &Roster{user: f.User, all: f.User == "" && len(f.Seats) == 0}
	if f.User != "" {
		h := s.holder(f.User)
		for p := range s.locked(&h, now) {
			r.at = append(r.at, p)
		}
		s.setHolder(f.User, h)
		for p := h.booked; p != none; p = s.at(int(p)).next {
			r.at = append(r.at, int(p))
		}
	}
	for _, seat := range f.Seats {
		if p, ok := s.layout.Position(seat); ok {
			r.at = append(r.at, p)
		}
	}
	slices.Sort(r.at)
	return r
}

// Next returns the next page. It reports false if there are no more after it.
func (r *Roster) Next(s *State, now int64) ([]lockstore.Holding, bool) {
	if r.all {
		return r.nextOfAll(s, now)
	}
	page := r.at[:min(len(r.at), rosterPage)]
	r.at = r.at[len(page):]
	holdings := make([]lockstore.Holding, 0, len(page))
	for _, p := range page {
		if c := s.at(p); c.taken(now) && (r.user == "" || c.user == r.user) {
			holdings = append(holdings, s.holding(p))
		}
	}
	return holdings, len(r.at) > 0
}

func (r *Roster) nextOfAll(s *State, now int64) ([]lockstore.Holding, bool) {
	var holdings []lockstore.Holding
	looked := 0
	for ; r.next < len(s.layout.Seats) && looked < rosterPage; r.next += pageSize {
		pg := s.pages[r.next/pageSize]
		if pg == nil {
			continue
		}
		for i := range pg {
			if pg[i].taken(now) {
				holdings = append(holdings, s.holding(r.next+i))
			}
		}
		looked += pageSize
	}
	return holdings, r.next < len(s.layout.Seats)
}

// holding returns what a roster shows of the seat at p, which is taken.
func (s *State) holding(p int) lockstore.Holding {
	c := s.at(p)
	h := lockstore.Holding{
		Seat: s.layout.Seats[p], Status: c.status, User: c.user, Ref: s.ref(p),
		Since: time.UnixMilli(c.since()),
	}
	if c.status == lockstore.Locked {
		h.Expires = time.UnixMilli(c.expires)
	}
	return h
}
