package lockstore

import (
	"math"
	"time"
)

// A Seating is who has which seat of one event, kept in memory. It decides
// what Lock, Confirm and Release do and answer; [Memory] is one for each event,
// and a store that writes everything to a disk decides with one too.
//
// It has no clock of its own: whoever has it reads one, as the time since the
// start that [NewSeating] was given. A lock that runs out is no event for it.
// It is not safe for concurrent use.
type Seating struct {
	start   time.Time
	layout  *Event // its Seats fix the positions
	seats   []heldSeat
	users   map[UserID]int32 // the first seat of each user's list
	lapses  map[int][]Lapse  // by position: ran out, and taken over by another user since
	changed []int            // by the last call
}

// heldSeat is one seat. Who has it is read together with the clock: a lock
// that ran out stays in place, as the memory of having run out, until the seat
// is locked again.
type heldSeat struct {
	holder  UserID        // who has or last had it; "" after a release
	expires time.Duration // when the holder's lock ends, on the clock; meaningless once booked
	booked  bool

	// The seats with the same holder form a list, so that SeatLimit needs no
	// look at all seats. A seat whose lock ran out may have left it.
	listed     bool
	prev, next int32 // positions; none ends the list
}

// none is no seat's position.
const none = -1

// A Holding is all that a [Seating] knows of one seat.
type Holding struct {
	User    UserID        // who has it or last had it; "" if nobody had it since it was released
	Booked  bool          // it is booked by User
	Expires time.Duration // when User's lock ends or ended, on the clock; meaningless once booked
	Lapses  []Lapse       // what users before User may still ask about
}

// A Lapse is a lock that ran out, of a user who is no longer the seat's holder.
type Lapse struct {
	User    UserID
	Expires time.Duration
}

// NewSeating is the event with no seat taken, on a clock that began at start.
func NewSeating(ev *Event, start time.Time) *Seating {
	return &Seating{
		start:  start,
		layout: ev,
		seats:  make([]heldSeat, len(ev.Seats)),
		users:  make(map[UserID]int32),
		lapses: make(map[int][]Lapse),
	}
}

// Layout is the event that fixes the positions.
func (e *Seating) Layout() *Event { return e.layout }

// Changed is the positions that the last Lock, Confirm or Release changed,
// until the next; none if it failed.
func (e *Seating) Changed() []int { return e.changed }

// Holding returns what is known of the seat at p. Its Lapses are not a copy.
func (e *Seating) Holding(p int) Holding {
	s := &e.seats[p]
	return Holding{s.holder, s.booked, s.expires, e.lapses[p]}
}

// SetHolding replaces what is known of the seat at p, and keeps h.Lapses.
func (e *Seating) SetHolding(p int, h Holding) {
	s := &e.seats[p]
	if h.User == "" {
		e.unlist(p)
		s.holder = ""
	} else if s.holder != h.User || !s.listed {
		e.give(p, h.User)
	}
	s.booked, s.expires = h.Booked, h.Expires
	if len(h.Lapses) == 0 {
		delete(e.lapses, p)
		return
	}
	e.lapses[p] = h.Lapses
}

// Holds returns how long the answer to a call by the user for those seats
// stays what it is now, if nobody else calls: until the first lock of any of
// the seats, or of the user, ends. It is [Forever] if none of them does.
func (e *Seating) Holds(at []int, user UserID, now time.Duration) time.Duration {
	until := Forever
	for _, p := range at {
		if s := &e.seats[p]; s.live(now) {
			until = min(until, s.expires)
		}
	}
	p, ok := e.users[user]
	for ok && p != none {
		s := &e.seats[p]
		if s.live(now) {
			until = min(until, s.expires)
		}
		p = s.next
	}
	return until
}

// Forever is later than anything a clock can show.
const Forever time.Duration = math.MaxInt64

// time is a reading of the clock as a time of day.
func (e *Seating) time(reading time.Duration) time.Time { return e.start.Add(reading) }

func (s *heldSeat) live(now time.Duration) bool {
	return s.holder != "" && !s.booked && now < s.expires
}

func (s *heldSeat) taken(now time.Duration) bool { return s.booked || s.live(now) }

// Lock is [LockStore.Lock] of the seats at those positions, at that time.
func (e *Seating) Lock(at []int, user UserID, now time.Duration, ev *Event) (time.Time, error) {
	e.changed = e.changed[:0]
	fresh, blocked, reason := 0, 0, SeatLocked
	for _, p := range at {
		s := &e.seats[p]
		switch {
		case s.booked:
			blocked, reason = blocked+1, SeatBooked
		case !s.live(now):
			fresh++
		case s.holder != user:
			blocked++
		}
	}
	if blocked > 0 {
		return time.Time{}, e.conflict(reason, at, now, func(s *heldSeat) bool {
			return s.booked || s.live(now) && s.holder != user
		})
	}
	if ev.SeatLimit > 0 && fresh > 0 {
		if held := e.count(user, now); held+fresh > ev.SeatLimit {
			return time.Time{}, &ConflictError{Reason: OverSeatLimit, Held: held}
		}
	}

	expires := now + ev.LockTTL
	earliest := expires
	for _, p := range at {
		s := &e.seats[p]
		if s.live(now) {
			earliest = min(earliest, s.expires)
			continue
		}
		e.rememberLapse(p, user, now)
		e.give(p, user)
		s.expires = expires
		e.changed = append(e.changed, p)
	}
	return e.time(earliest), nil
}

// Confirm is [LockStore.Confirm] of the seats at those positions, at that time.
func (e *Seating) Confirm(at []int, user UserID, now time.Duration) error {
	e.changed = e.changed[:0]
	blocked, reason := 0, LockExpired
	for _, p := range at {
		if s := &e.seats[p]; s.holder == user && s.taken(now) {
			continue
		}
		blocked++
		if !e.lapsed(p, user, now) {
			reason = LockNotHeld
		}
	}
	if blocked > 0 {
		return e.conflict(reason, at, now, func(s *heldSeat) bool {
			return s.holder != user || !s.taken(now)
		})
	}
	for _, p := range at {
		if s := &e.seats[p]; !s.booked {
			s.booked = true
			e.changed = append(e.changed, p)
		}
	}
	return nil
}

// Release is [LockStore.Release] of the seats at those positions, at that time.
func (e *Seating) Release(at []int, user UserID, now time.Duration) error {
	e.changed = e.changed[:0]
	for _, p := range at {
		if s := &e.seats[p]; s.booked && s.holder == user {
			return e.conflict(SeatBooked, at, now, func(s *heldSeat) bool {
				return s.booked && s.holder == user
			})
		}
	}
	for _, p := range at {
		if s := &e.seats[p]; s.holder == user && s.live(now) {
			e.unlist(p)
			s.holder = ""
			e.changed = append(e.changed, p)
		}
	}
	return nil
}

// List is [LockStore.List] at that time, of an event whose changes are in the log.
func (e *Seating) List(log *ChangeLog, since Version, now time.Duration) Snapshot {
	snap := Snapshot{Version: log.Version(), Time: e.time(now)}
	if since == snap.Version {
		return snap
	}
	changed, ok := log.since(since)
	if !ok {
		snap.Full = true
		taken := 0
		for p := range e.seats {
			if e.seats[p].taken(now) {
				taken++
			}
		}
		snap.Seats = make([]Seat, 0, taken)
		for p := range e.seats {
			if e.seats[p].taken(now) {
				snap.Seats = append(snap.Seats, e.seat(p, now))
			}
		}
		return snap
	}
	snap.Seats = make([]Seat, len(changed))
	for i, p := range changed {
		snap.Seats[i] = e.seat(p, now)
	}
	return snap
}

// seat is what anybody may know of the seat at p.
func (e *Seating) seat(p int, now time.Duration) Seat {
	s, seat := &e.seats[p], Seat{ID: e.layout.Seats[p], Status: Available}
	switch {
	case s.booked:
		seat.Status = Booked
	case s.live(now):
		seat.Status, seat.Expires = Locked, e.time(s.expires)
	}
	return seat
}

func (e *Seating) conflict(reason Reason, at []int, now time.Duration, inTheWay func(*heldSeat) bool) error {
	err := &ConflictError{Reason: reason}
	for _, p := range at {
		if inTheWay(&e.seats[p]) {
			err.Seats = append(err.Seats, e.seat(p, now))
		}
	}
	return err
}

// lapsed tells whether the user's last lock on the seat, which it has not
// now, ran out within LapseMemory.
func (e *Seating) lapsed(p int, user UserID, now time.Duration) bool {
	if s := &e.seats[p]; s.holder == user {
		return remembered(s.expires, now)
	}
	for _, l := range e.lapses[p] {
		if l.User == user {
			return remembered(l.Expires, now)
		}
	}
	return false
}

// rememberLapse keeps, when the seat goes to user, what its last holder may
// still ask about. What it forgets on the way bounds the list to the locks of
// one seat that can run out within LapseMemory.
func (e *Seating) rememberLapse(p int, user UserID, now time.Duration) {
	kept := e.lapses[p][:0]
	for _, l := range e.lapses[p] {
		if l.User != user && remembered(l.Expires, now) {
			kept = append(kept, l)
		}
	}
	if s := &e.seats[p]; s.holder != "" && s.holder != user && remembered(s.expires, now) {
		kept = append(kept, Lapse{s.holder, s.expires})
	}
	if len(kept) == 0 {
		delete(e.lapses, p)
		return
	}
	e.lapses[p] = kept
}

func remembered(expires, now time.Duration) bool { return now-expires < LapseMemory }

// count returns how many seats the user has locked and booked, and drops
// those whose lock ran out from its list, so that each is passed over once.
func (e *Seating) count(user UserID, now time.Duration) int {
	n := 0
	p, ok := e.users[user]
	for ok && p != none {
		next := e.seats[p].next
		if e.seats[p].taken(now) {
			n++
		} else {
			e.unlist(int(p))
		}
		p = next
	}
	return n
}

// give makes user the holder of the seat at p, and lists it so.
func (e *Seating) give(p int, user UserID) {
	e.unlist(p)
	s := &e.seats[p]
	s.holder, s.listed, s.prev, s.next = user, true, none, none
	if first, ok := e.users[user]; ok {
		s.next = first
		e.seats[first].prev = int32(p)
	}
	e.users[user] = int32(p)
}

func (e *Seating) unlist(p int) {
	s := &e.seats[p]
	if !s.listed {
		return
	}
	s.listed = false
	if s.next != none {
		e.seats[s.next].prev = s.prev
	}
	switch {
	case s.prev != none:
		e.seats[s.prev].next = s.next
	case s.next != none:
		e.users[s.holder] = s.next
	default:
		delete(e.users, s.holder)
	}
}
