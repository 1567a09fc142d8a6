package lockstore

import (
	"context"
	"sync"
	"time"
)

// Memory is a [LockStore] in the memory of one process, which forgets
// everything when it ends. The zero value is ready to use; there is nothing
// to close.
//
// Its clock is set from the time of day at the first use of an event and runs
// on by itself, so that setting the time of day neither shortens nor prolongs
// a lock.
//
// The cost of Lock, Confirm and Release does not depend on the size of the
// event. An event once used is kept until the Memory itself goes.
type Memory struct {
	mu     sync.RWMutex
	events map[EventID]*memoryEvent
}

var _ LockStore = (*Memory)(nil)

// memoryEvent is one event of a [Memory].
type memoryEvent struct {
	start time.Time // when its clock was at zero

	mu sync.Mutex // of all below
	Seating
	log ChangeLog
}

// now reads the event's clock.
func (e *memoryEvent) now() time.Duration { return time.Since(e.start) }

// Lock implements [LockStore].
func (m *Memory) Lock(ctx context.Context, ev *Event, seats []SeatID, user UserID) (time.Time, error) {
	var buf [8]int
	at, e, err := m.open(ctx, ev, seats, user, buf[:0])
	if err != nil {
		return time.Time{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	expires, err := e.Lock(at, user, e.now(), ev)
	e.log.Add(e.Changed())
	return expires, err
}

// Confirm implements [LockStore].
func (m *Memory) Confirm(ctx context.Context, ev *Event, seats []SeatID, user UserID) error {
	var buf [8]int
	at, e, err := m.open(ctx, ev, seats, user, buf[:0])
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	err = e.Confirm(at, user, e.now())
	e.log.Add(e.Changed())
	return err
}

// Release implements [LockStore].
func (m *Memory) Release(ctx context.Context, ev *Event, seats []SeatID, user UserID) error {
	var buf [8]int
	at, e, err := m.open(ctx, ev, seats, user, buf[:0])
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	err = e.Release(at, user, e.now())
	e.log.Add(e.Changed())
	return err
}

// List implements [LockStore].
func (m *Memory) List(ctx context.Context, ev *Event, since Version) (Snapshot, error) {
	e, err := m.event(ctx, ev)
	if err != nil {
		return Snapshot{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.List(&e.log, since, e.now()), nil
}

// Wait implements [LockStore].
func (m *Memory) Wait(ctx context.Context, ev *Event, since Version) error {
	e, err := m.event(ctx, ev)
	if err != nil {
		return err
	}
	for {
		e.mu.Lock()
		changed := e.log.Next(since)
		e.mu.Unlock()
		if changed == nil {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// open checks the arguments of a call that changes seats, and appends their
// positions to buf.
func (m *Memory) open(ctx context.Context, ev *Event, seats []SeatID, user UserID, buf []int) ([]int, *memoryEvent, error) {
	at, err := ev.Positions(buf, seats, user)
	if err != nil {
		return nil, nil, err
	}
	e, err := m.event(ctx, ev)
	return at, e, err
}

// event returns what is kept of the event, from its first use on.
func (m *Memory) event(ctx context.Context, ev *Event) (*memoryEvent, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.RLock()
	e := m.events[ev.ID]
	m.mu.RUnlock()
	if e == nil {
		e = m.first(ev)
	}
	if e.layout != ev && e.layout.Fingerprint() != ev.Fingerprint() {
		return nil, ErrOtherSeats
	}
	return e, nil
}

func (m *Memory) first(ev *Event) *memoryEvent {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.events[ev.ID]; e != nil {
		return e
	}
	if m.events == nil {
		m.events = make(map[EventID]*memoryEvent)
	}
	start := time.Now()
	e := &memoryEvent{start: start, Seating: *NewSeating(ev, start), log: NewChangeLog()}
	m.events[ev.ID] = e
	return e
}
