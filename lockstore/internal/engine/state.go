// Package engine decides for stores that keep an event in memory: which
// operation succeeds, which seats prevent it, and what a list shows.
//
// A [State] is the seats of one event, a [Log] the changes. The package has no
// clock, no lock and no disk: memstore and boltstore bring those. It must not
// know where a state comes from or where it is kept.
package engine

import (
	"iter"
	"math"
	"time"

	"seatlock/lockstore"
)

// A State is who has which seat of one event. Its memory grows with the seats
// that have been taken, not with the size of the layout.
//
// Times are Unix milliseconds on the clock of the store, which passes the
// current time to each call. A State does nothing when a lock expires. It is not
// safe for concurrent use.
type State struct {
	layout  *lockstore.Layout
	pages   []*page // pageSize seats each; nil if none of them was ever taken
	users   map[lockstore.UserID]int32
	expired map[int][]ExpiredLock // by position: of users before the seat's last user
	changed []int                 // by the last Do
}

// pageSize is the number of seats that get memory together. Fewer cost a
// pointer each; more waste memory if the seats that are taken are far apart.
const pageSize = 32

type page [pageSize]cell

// A cell is one seat. It keeps its last user after the lock has expired, until
// another lock replaces it, so that a confirm can report what happened.
type cell struct {
	user    lockstore.UserID // the last to have it; "" after a release
	expires int64            // when the user's lock ends; meaningless once booked
	booked  bool

	// The seats of one user form a list, so that the seat limit can be checked
	// without the other seats. A seat whose lock has expired may have left it.
	inList     bool
	prev, next int32 // positions, or none
}

// none is the position of no seat.
const none = -1

// noExpiry is later than any time that a clock shows.
const noExpiry int64 = math.MaxInt64

// A SeatState is everything that a [State] knows of one seat.
type SeatState struct {
	User    lockstore.UserID // the last to have it; "" if nobody has had it since a release
	Booked  bool             // User booked it
	Expires int64            // when User's lock ends or ended; meaningless if Booked
	Expired []ExpiredLock    // of earlier users, whose confirms still depend on them
}

// An ExpiredLock is a lock that expired before another user took the seat.
type ExpiredLock struct {
	User    lockstore.UserID
	Expires int64 // when the lock ended
}

// New returns the state of an event whose seats are all available.
func New(l *lockstore.Layout) *State {
	return &State{
		layout:  l,
		pages:   make([]*page, (len(l.Seats)+pageSize-1)/pageSize),
		users:   make(map[lockstore.UserID]int32),
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
	return SeatState{at.user, at.booked, at.expires, s.expired[p]}
}

// SetSeat replaces what is known of the seat at p. It keeps known.Expired.
func (s *State) SetSeat(p int, known SeatState) {
	if at := s.at(p); known.User == "" {
		s.clear(p)
	} else if at.user != known.User || !at.inList {
		s.give(p, known.User)
	}
	if known.User != "" {
		at := s.at(p)
		at.booked, at.expires = known.Booked, known.Expires
	}
	if len(known.Expired) == 0 {
		delete(s.expired, p)
		return
	}
	s.expired[p] = known.Expired
}

// ValidUntil returns the time until which the answer to an operation of the user
// on those seats stays what it is at now, if nothing else changes: when the
// first lock on one of the seats, or of the user, ends.
func (s *State) ValidUntil(at []int, user lockstore.UserID, now int64) int64 {
	until := noExpiry
	for _, p := range at {
		if seat := s.at(p); seat.live(now) {
			until = min(until, seat.expires)
		}
	}
	for _, seat := range s.seatsOf(user) {
		if seat.live(now) {
			until = min(until, seat.expires)
		}
	}
	return until
}

func (c *cell) live(now int64) bool { return c.user != "" && !c.booked && now < c.expires }

func (c *cell) taken(now int64) bool { return c.booked || c.live(now) }

// untouched is what State.at returns for a seat without memory. It is not
// written to.
var untouched cell

// at returns the seat at p, to read, or to write if it has had a user.
func (s *State) at(p int) *cell {
	if pg := s.pages[p/pageSize]; pg != nil {
		return &pg[p%pageSize]
	}
	return &untouched
}

// Do carries out op, which names the seats at those positions, for the event,
// as [lockstore.LockStore.Do] does.
func (s *State) Do(ev *lockstore.Event, op lockstore.Op, at []int, now int64) (lockstore.Result, error) {
	s.changed = s.changed[:0]
	result := lockstore.Result{Now: time.UnixMilli(now)}
	var err error
	switch op.Kind {
	case lockstore.KindLock:
		result.Expires, err = s.lock(ev, op.User, at, now)
	case lockstore.KindConfirm:
		err = s.confirm(op.User, at, now)
	case lockstore.KindRelease:
		err = s.release(op.User, at, now)
	}
	if err != nil {
		return lockstore.Result{}, err
	}
	result.Changed = s.names(op.Seats)
	return result, nil
}

// names returns the ids of the changed seats: seats itself, which the operation
// names, if all of them changed.
func (s *State) names(seats []lockstore.SeatID) []lockstore.SeatID {
	switch len(s.changed) {
	case 0:
		return nil
	case len(seats):
		return seats
	}
	names := make([]lockstore.SeatID, len(s.changed))
	for i, p := range s.changed {
		names[i] = s.layout.Seats[p]
	}
	return names
}

func (s *State) lock(ev *lockstore.Event, user lockstore.UserID, at []int, now int64) (time.Time, error) {
	fresh, inTheWay, reason := 0, 0, lockstore.SeatLocked
	for _, p := range at {
		seat := s.at(p)
		switch {
		case seat.booked:
			inTheWay, reason = inTheWay+1, lockstore.SeatBooked
		case !seat.live(now):
			fresh++
		case seat.user != user:
			inTheWay++
		}
	}
	if inTheWay > 0 {
		return time.Time{}, s.conflict(reason, at, now, func(c *cell) bool {
			return c.booked || c.live(now) && c.user != user
		})
	}
	if ev.SeatLimit > 0 && fresh > 0 {
		if held := s.count(user, now); held+fresh > ev.SeatLimit {
			return time.Time{}, &lockstore.ConflictError{Reason: lockstore.OverSeatLimit, Held: held}
		}
	}

	expires := now + ev.LockTTL.Milliseconds()
	earliest := expires
	for _, p := range at {
		if seat := s.at(p); seat.live(now) {
			earliest = min(earliest, seat.expires)
			continue
		}
		s.rememberExpired(p, user, now)
		s.give(p, user)
		s.at(p).expires = expires
		s.changed = append(s.changed, p)
	}
	return time.UnixMilli(earliest), nil
}

func (s *State) confirm(user lockstore.UserID, at []int, now int64) error {
	inTheWay, reason := 0, lockstore.LockExpired
	for _, p := range at {
		if seat := s.at(p); seat.user == user && seat.taken(now) {
			continue
		}
		inTheWay++
		if !s.hasExpired(p, user, now) {
			reason = lockstore.LockNotHeld
		}
	}
	if inTheWay > 0 {
		return s.conflict(reason, at, now, func(c *cell) bool {
			return c.user != user || !c.taken(now)
		})
	}
	for _, p := range at {
		if seat := s.at(p); !seat.booked {
			seat.booked = true
			s.changed = append(s.changed, p)
		}
	}
	return nil
}

func (s *State) release(user lockstore.UserID, at []int, now int64) error {
	for _, p := range at {
		if seat := s.at(p); seat.booked && seat.user == user {
			return s.conflict(lockstore.SeatBooked, at, now, func(c *cell) bool {
				return c.booked && c.user == user
			})
		}
	}
	for _, p := range at {
		if seat := s.at(p); seat.user == user && seat.live(now) {
			s.clear(p)
			s.changed = append(s.changed, p)
		}
	}
	return nil
}

// conflict names the seats for which inTheWay reports true.
func (s *State) conflict(reason lockstore.Reason, at []int, now int64, inTheWay func(*cell) bool) error {
	err := &lockstore.ConflictError{Reason: reason}
	for _, p := range at {
		if inTheWay(s.at(p)) {
			err.Seats = append(err.Seats, s.layout.Seat(s.at(p).listed(p, now)))
		}
	}
	return err
}

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
// takes the seat. It drops locks that are older than LapseMemory, which bounds the
// list to those of one seat that can expire within that time.
func (s *State) rememberExpired(p int, user lockstore.UserID, now int64) {
	kept := s.expired[p][:0]
	for _, e := range s.expired[p] {
		if e.User != user && remembered(e.Expires, now) {
			kept = append(kept, e)
		}
	}
	if seat := s.at(p); seat.user != "" && seat.user != user && remembered(seat.expires, now) {
		kept = append(kept, ExpiredLock{seat.user, seat.expires})
	}
	if len(kept) == 0 {
		delete(s.expired, p)
		return
	}
	s.expired[p] = kept
}

func remembered(expires, now int64) bool {
	return now-expires < lockstore.LapseMemory.Milliseconds()
}

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
