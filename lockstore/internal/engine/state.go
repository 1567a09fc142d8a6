// Package engine decides for stores that keep an event in memory: which
// operation succeeds, which seats prevent it, and what lists, rosters and the
// journal show.
//
// A [State] holds the seats of one event, a [Log] its changes, and a [Journal] its
// entries. The package has no clock, no lock and no disk: memstore and boltstore
// add those. It must not know where a state comes from or where it is kept.
package engine

import (
	"math"
	"slices"

	"seatlock/lockstore"
)

// A State records who has which seats of one event. Its memory grows with the seats
// that have been taken, not with the size of the layout.
//
// Times are Unix milliseconds on the clock of the store, which passes the
// current time to each call. A State does nothing when a lock expires. It is not
// safe for concurrent use.
type State struct {
	layout  *lockstore.Layout
	pages   []*page // pageSize seats each; nil if none of them was ever taken
	users   map[lockstore.UserID]holder
	refs    map[int]lockstore.Ref // by position: of booked and blocked seats that have one
	expired map[int][]ExpiredLock // by position: of users before the seat's last user, the latest last
	changed []int                 // by the last Do
}

// pageSize is the number of seats that are allocated together. Smaller pages cost
// more pointers; larger ones waste memory if the seats that are taken are far apart.
const pageSize = 32

type page [pageSize]cell

// A cell is one seat. It keeps its last user after the lock has expired, until
// another lock replaces it, so that a confirm can report what happened.
type cell struct {
	user    lockstore.UserID // the last to have it; "" unless the status is Locked or Booked
	expires int64            // when the user's lock ends, or when the seat was booked or blocked
	lasts   uint32           // the milliseconds from when the lock was made to its end
	status  lockstore.Status // Locked even if the lock has expired
	hasRef  bool             // State.refs has its reference

	// The locked seats of one user form a list, and the booked ones another. A seat
	// whose lock has expired may have left it.
	inList     bool
	prev, next int32 // positions, or none
}

// none is the position of no seat.
const none = -1

// noExpiry is later than any time that a clock shows.
const noExpiry int64 = math.MaxInt64

// A SeatState is everything that a [State] knows of one seat.
type SeatState struct {
	User    lockstore.UserID // the last to have it; "" if nobody has had it since a release, or if it is blocked
	Booked  bool             // User booked it
	Blocked bool             // it is not for sale
	Ref     lockstore.Ref    // of the booking, or why it is blocked
	Since   int64            // when it was locked, booked or blocked
	Expires int64            // when User's lock ends or ended; 0 if Booked
	Expired []ExpiredLock    // of earlier users, whose confirms still depend on them; the latest last
}

// An ExpiredLock is a lock that expired before the seat was taken again.
type ExpiredLock struct {
	User    lockstore.UserID
	Expires int64 // when the lock ended
}

// New returns the state of an event whose seats are all available.
func New(l *lockstore.Layout) *State {
	return &State{
		layout:  l,
		pages:   make([]*page, (len(l.Seats)+pageSize-1)/pageSize),
		users:   make(map[lockstore.UserID]holder),
		refs:    make(map[int]lockstore.Ref),
		expired: make(map[int][]ExpiredLock),
	}
}

// Layout returns the layout that fixes the positions.
func (s *State) Layout() *lockstore.Layout { return s.layout }

// Changed returns the positions that the last Do changed. It is valid until the
// next Do.
func (s *State) Changed() []int { return s.changed }

// Seat returns what is known of the seat at p. The caller must not change its
// Expired.
func (s *State) Seat(p int) SeatState {
	at := s.at(p)
	known := SeatState{
		User:    at.user,
		Booked:  at.status == lockstore.Booked,
		Blocked: at.status == lockstore.Blocked,
		Ref:     s.ref(p),
		Since:   at.since(),
		Expired: s.expired[p],
	}
	if at.status == lockstore.Locked {
		known.Expires = at.expires
	}
	return known
}

// SetSeat replaces what is known of the seat at p. It keeps the slice known.Expired
// and uses only the last [lockstore.MinSeatLapses] of it.
func (s *State) SetSeat(p int, known SeatState) {
	s.clear(p)
	switch {
	case known.Blocked:
		s.block(p, known.Ref, known.Since)
	case known.User == "":
	case known.Booked:
		s.book(p, known.User, known.Ref, known.Since)
	default:
		h := s.holder(known.User)
		s.lock(p, known.User, &h, known.Since, known.Expires)
		s.setHolder(known.User, h)
	}
	if n := len(known.Expired) - lockstore.MinSeatLapses; n > 0 {
		known.Expired = slices.Clone(known.Expired[n:]) // so that the long array can be freed
	}
	if len(known.Expired) == 0 {
		delete(s.expired, p)
		return
	}
	s.touch(p)
	s.expired[p] = known.Expired
}

// ValidUntil returns until when the answer to an operation of the user on those seats
// stays the same, if nothing else changes and no time bound of the operation passes.
// That is when the first lock on one of the seats, or of the user, ends.
func (s *State) ValidUntil(at []int, user lockstore.UserID, now int64) int64 {
	until := noExpiry
	for _, p := range at {
		if seat := s.at(p); seat.live(now) {
			until = min(until, seat.expires)
		}
	}
	h := s.holder(user)
	for _, seat := range s.locked(&h, now) {
		until = min(until, seat.expires)
	}
	s.setHolder(user, h)
	return until
}

// since returns when the seat was locked, booked or blocked.
func (c *cell) since() int64 { return c.expires - int64(c.lasts) }

// extend sets the end of a lock that was made at a time, which is at most
// [lockstore.MaxLockTTL] before it.
func (c *cell) extend(made, expires int64) {
	c.expires = expires
	c.lasts = uint32(min(max(expires-made, 0), math.MaxUint32))
}

func (c *cell) live(now int64) bool { return c.status == lockstore.Locked && now < c.expires }

func (c *cell) taken(now int64) bool { return c.status > lockstore.Locked || c.live(now) }

// untouched is what State.at returns for a seat without memory. It is not
// written to.
var untouched cell

// at returns the seat at p. The caller may write to it only if it was ever taken.
func (s *State) at(p int) *cell {
	if pg := s.pages[p/pageSize]; pg != nil {
		return &pg[p%pageSize]
	}
	return &untouched
}

// ref returns the reference of the seat at p.
func (s *State) ref(p int) lockstore.Ref {
	if !s.at(p).hasRef {
		return "" // saves the map lookup
	}
	return s.refs[p]
}
