package lockstore

import (
	"sync"
	"time"
)

// memoryEvent is the state of one event in a [Memory]. Every method but
// changedSince and now is called with mu held.
type memoryEvent struct {
	mu     sync.Mutex
	start  time.Time // when its clock was at zero
	layout *Event    // the first that was used; its Seats fix the positions
	seats  []memorySeat
	users  map[UserID]int32 // the first seat of each user's list
	lapses map[int][]lapse  // by position: ran out, and taken over by another user since
	log    changeLog
}

// memorySeat is one seat. Who has it is read together with the clock: a lock
// that ran out stays in place, as the memory of having run out, until the seat
// is locked again.
type memorySeat struct {
	holder  UserID        // who has or last had it; "" after a release
	expires time.Duration // when the holder's lock ends, on the event's clock; meaningless once booked
	booked  bool

	// The seats with the same holder form a list, so that SeatLimit needs no
	// look at all seats. A seat whose lock ran out may have left it.
	listed     bool
	prev, next int32 // positions; none ends the list
}

// none is no seat's position.
const none = -1

// A lapse is a lock that ran out, of a user who is no longer the seat's holder.
type lapse struct {
	user    UserID
	expires time.Duration
}

func newMemoryEvent(ev *Event) *memoryEvent {
	return &memoryEvent{
		start:  time.Now(),
		layout: ev,
		seats:  make([]memorySeat, len(ev.Seats)),
		users:  make(map[UserID]int32),
		lapses: make(map[int][]lapse),
		log:    newChangeLog(),
	}
}

// now reads the event's clock.
func (e *memoryEvent) now() time.Duration { return time.Since(e.start) }

// time is a reading of the event's clock as a time of day.
func (e *memoryEvent) time(reading time.Duration) time.Time { return e.start.Add(reading) }

func (s *memorySeat) live(now time.Duration) bool {
	return s.holder != "" && !s.booked && now < s.expires
}

func (s *memorySeat) taken(now time.Duration) bool { return s.booked || s.live(now) }

func (e *memoryEvent) lock(at []int, user UserID, now time.Duration, ev *Event) (time.Time, error) {
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
		return time.Time{}, e.conflict(reason, at, now, func(s *memorySeat) bool {
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
		e.log.add(p)
	}
	if fresh > 0 {
		e.log.wake()
	}
	return e.time(earliest), nil
}

func (e *memoryEvent) confirm(at []int, user UserID, now time.Duration) error {
	fresh, blocked, reason := 0, 0, LockExpired
	for _, p := range at {
		s := &e.seats[p]
		switch {
		case s.holder == user && s.booked:
		case s.holder == user && s.live(now):
			fresh++
		default:
			blocked++
			if !e.lapsed(p, user, now) {
				reason = LockNotHeld
			}
		}
	}
	if blocked > 0 {
		return e.conflict(reason, at, now, func(s *memorySeat) bool {
			return s.holder != user || !s.taken(now)
		})
	}
	for _, p := range at {
		if s := &e.seats[p]; !s.booked {
			s.booked = true
			e.log.add(p)
		}
	}
	if fresh > 0 {
		e.log.wake()
	}
	return nil
}

func (e *memoryEvent) release(at []int, user UserID, now time.Duration) error {
	held, booked := 0, 0
	for _, p := range at {
		switch s := &e.seats[p]; {
		case s.holder != user:
		case s.booked:
			booked++
		case s.live(now):
			held++
		}
	}
	if booked > 0 {
		return e.conflict(SeatBooked, at, now, func(s *memorySeat) bool {
			return s.booked && s.holder == user
		})
	}
	if held == 0 {
		return nil
	}
	for _, p := range at {
		if s := &e.seats[p]; s.holder == user && s.live(now) {
			e.unlist(p)
			s.holder = ""
			e.log.add(p)
		}
	}
	e.log.wake()
	return nil
}

func (e *memoryEvent) list(since Version, now time.Duration) Snapshot {
	snap := Snapshot{Version: e.log.version(), Time: e.time(now)}
	if since == snap.Version {
		return snap
	}
	changed, ok := e.log.since(since)
	if !ok {
		snap.Full = true
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

// changedSince returns nil if the event is beyond that Version, else a
// channel that is closed when it is.
func (e *memoryEvent) changedSince(since Version) <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if since != e.log.version() {
		return nil
	}
	return e.log.next()
}

// seat is what anybody may know of the seat at p.
func (e *memoryEvent) seat(p int, now time.Duration) Seat {
	s, seat := &e.seats[p], Seat{ID: e.layout.Seats[p], Status: Available}
	switch {
	case s.booked:
		seat.Status = Booked
	case s.live(now):
		seat.Status, seat.Expires = Locked, e.time(s.expires)
	}
	return seat
}

func (e *memoryEvent) conflict(reason Reason, at []int, now time.Duration, inTheWay func(*memorySeat) bool) error {
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
func (e *memoryEvent) lapsed(p int, user UserID, now time.Duration) bool {
	if s := &e.seats[p]; s.holder == user {
		return remembered(s.expires, now)
	}
	for _, l := range e.lapses[p] {
		if l.user == user {
			return remembered(l.expires, now)
		}
	}
	return false
}

// rememberLapse keeps, when the seat goes to user, what its last holder may
// still ask about. What it forgets on the way bounds the list to the locks of
// one seat that can run out within LapseMemory.
func (e *memoryEvent) rememberLapse(p int, user UserID, now time.Duration) {
	kept := e.lapses[p][:0]
	for _, l := range e.lapses[p] {
		if l.user != user && remembered(l.expires, now) {
			kept = append(kept, l)
		}
	}
	if s := &e.seats[p]; s.holder != "" && s.holder != user && remembered(s.expires, now) {
		kept = append(kept, lapse{s.holder, s.expires})
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
func (e *memoryEvent) count(user UserID, now time.Duration) int {
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
func (e *memoryEvent) give(p int, user UserID) {
	e.unlist(p)
	s := &e.seats[p]
	s.holder, s.listed, s.prev, s.next = user, true, none, none
	if first, ok := e.users[user]; ok {
		s.next = first
		e.seats[first].prev = int32(p)
	}
	e.users[user] = int32(p)
}

func (e *memoryEvent) unlist(p int) {
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
