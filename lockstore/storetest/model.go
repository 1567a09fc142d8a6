package storetest

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"seatlock/lockstore"
)

// model is what random operations are compared with: a store as plain as can
// be. It keeps every lock there ever was and every change for ever and looks
// through all of them for every answer.
type model struct {
	mu     sync.Mutex
	layout map[lockstore.EventID]string // fingerprints
	locks  map[place][]*modelLock       // the oldest first
	log    []modelChange
	change sync.Cond // of log; its L is &mu
}

// A place is one seat of one event.
type place struct {
	event lockstore.EventID
	seat  lockstore.SeatID
}

// A modelLock is one seat that one user locked once.
type modelLock struct {
	user     lockstore.UserID
	expires  time.Time
	booked   bool
	released bool
}

type modelChange struct {
	event lockstore.EventID
	seats []lockstore.SeatID
}

func newModel() *model {
	m := &model{layout: make(map[lockstore.EventID]string), locks: make(map[place][]*modelLock)}
	m.change.L = &m.mu
	return m
}

// live tells whether the lock keeps others from the seat.
func (l *modelLock) live() bool {
	return l.booked || !l.released && time.Now().Before(l.expires)
}

// holder is the live lock on a seat, or nil.
func (m *model) holder(ev *lockstore.Event, seat lockstore.SeatID) *modelLock {
	for _, l := range slices.Backward(m.locks[place{ev.ID, seat}]) {
		if l.live() {
			return l
		}
	}
	return nil
}

// last is the newest lock of the user on a seat, or nil.
func (m *model) last(ev *lockstore.Event, seat lockstore.SeatID, user lockstore.UserID) *modelLock {
	for _, l := range slices.Backward(m.locks[place{ev.ID, seat}]) {
		if l.user == user {
			return l
		}
	}
	return nil
}

// held is how many seats the user has.
func (m *model) held(ev *lockstore.Event, user lockstore.UserID) int {
	n := 0
	for _, seat := range ev.Seats {
		if l := m.holder(ev, seat); l != nil && l.user == user {
			n++
		}
	}
	return n
}

// state is a seat as anybody may know it.
func (m *model) state(ev *lockstore.Event, seat lockstore.SeatID) lockstore.Seat {
	switch l := m.holder(ev, seat); {
	case l == nil:
		return lockstore.Seat{ID: seat, Status: lockstore.Available}
	case l.booked:
		return lockstore.Seat{ID: seat, Status: lockstore.Booked}
	default:
		return lockstore.Seat{ID: seat, Status: lockstore.Locked, Expires: l.expires}
	}
}

// open checks what every call checks.
func (m *model) open(ctx context.Context, ev *lockstore.Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if known, ok := m.layout[ev.ID]; ok && known != ev.Fingerprint() {
		return lockstore.ErrOtherSeats
	}
	m.layout[ev.ID] = ev.Fingerprint()
	return nil
}

// begin is open for the calls that change seats.
func (m *model) begin(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	if _, err := ev.Positions(nil, seats, user); err != nil {
		return err
	}
	return m.open(ctx, ev)
}

// changed writes the log, if anything changed.
func (m *model) changed(ev *lockstore.Event, seats []lockstore.SeatID) {
	if len(seats) > 0 {
		m.log = append(m.log, modelChange{ev.ID, seats})
		m.change.Broadcast()
	}
}

func (m *model) Lock(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin(ctx, ev, seats, user); err != nil {
		return time.Time{}, err
	}
	refused := &lockstore.ConflictError{Reason: lockstore.SeatLocked}
	var fresh []lockstore.SeatID
	expires := time.Now().Add(ev.LockTTL)
	earliest := expires
	for _, seat := range seats {
		switch l := m.holder(ev, seat); {
		case l == nil:
			fresh = append(fresh, seat)
		case l.booked:
			refused.Reason = lockstore.SeatBooked
			refused.Seats = append(refused.Seats, m.state(ev, seat))
		case l.user != user:
			refused.Seats = append(refused.Seats, m.state(ev, seat))
		case l.expires.Before(earliest):
			earliest = l.expires
		}
	}
	if len(refused.Seats) > 0 {
		return time.Time{}, refused
	}
	if held := m.held(ev, user); ev.SeatLimit > 0 && len(fresh) > 0 && held+len(fresh) > ev.SeatLimit {
		return time.Time{}, &lockstore.ConflictError{Reason: lockstore.OverSeatLimit, Held: held}
	}
	for _, seat := range fresh {
		at := place{ev.ID, seat}
		m.locks[at] = append(m.locks[at], &modelLock{user: user, expires: expires})
	}
	m.changed(ev, fresh)
	return earliest, nil
}

func (m *model) Confirm(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin(ctx, ev, seats, user); err != nil {
		return err
	}
	refused := &lockstore.ConflictError{Reason: lockstore.LockExpired}
	var fresh []lockstore.SeatID
	for _, seat := range seats {
		l := m.last(ev, seat, user)
		switch {
		case l != nil && l.live() && !l.booked:
			fresh = append(fresh, seat)
		case l != nil && l.live():
		case l != nil && !l.released && time.Since(l.expires) < lockstore.LapseMemory:
			refused.Seats = append(refused.Seats, m.state(ev, seat))
		default:
			refused.Reason = lockstore.LockNotHeld
			refused.Seats = append(refused.Seats, m.state(ev, seat))
		}
	}
	if len(refused.Seats) > 0 {
		return refused
	}
	for _, seat := range fresh {
		m.holder(ev, seat).booked = true
	}
	m.changed(ev, fresh)
	return nil
}

func (m *model) Release(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin(ctx, ev, seats, user); err != nil {
		return err
	}
	refused := &lockstore.ConflictError{Reason: lockstore.SeatBooked}
	var given []lockstore.SeatID
	for _, seat := range seats {
		switch l := m.holder(ev, seat); {
		case l == nil || l.user != user:
		case l.booked:
			refused.Seats = append(refused.Seats, m.state(ev, seat))
		default:
			given = append(given, seat)
		}
	}
	if len(refused.Seats) > 0 {
		return refused
	}
	for _, seat := range given {
		m.holder(ev, seat).released = true
	}
	m.changed(ev, given)
	return nil
}

func (m *model) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.open(ctx, ev); err != nil {
		return lockstore.Snapshot{}, err
	}
	snap := lockstore.Snapshot{Version: m.version(ev), Time: time.Now()}
	var changed map[lockstore.SeatID]bool
	if i := m.index(ev, since); i >= 0 {
		changed = make(map[lockstore.SeatID]bool)
		for _, c := range m.log[i:] {
			for _, seat := range c.seats {
				changed[seat] = changed[seat] || c.event == ev.ID
			}
		}
	}
	snap.Full = changed == nil
	for _, seat := range ev.Seats {
		if s := m.state(ev, seat); changed[seat] || snap.Full && s.Status != lockstore.Available {
			snap.Seats = append(snap.Seats, s)
		}
	}
	return snap, nil
}

func (m *model) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	defer context.AfterFunc(ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.change.Broadcast()
	})()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.open(ctx, ev); err != nil {
		return err
	}
	for since == m.version(ev) {
		if err := ctx.Err(); err != nil {
			return err
		}
		m.change.Wait()
	}
	return nil
}

// version is the length of the log at the event's last change.
func (m *model) version(ev *lockstore.Event) lockstore.Version {
	n := 0
	for i, c := range m.log {
		if c.event == ev.ID {
			n = i + 1
		}
	}
	return lockstore.Version(string(ev.ID) + "_" + strconv.Itoa(n))
}

// index is the length of the log at a version of the event, or -1.
func (m *model) index(ev *lockstore.Event, v lockstore.Version) int {
	for i := range len(m.log) + 1 {
		if v == lockstore.Version(string(ev.ID)+"_"+strconv.Itoa(i)) {
			return i
		}
	}
	return -1
}
