package boltstore

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"sync"

	bolt "go.etcd.io/bbolt"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/engine"
)

// An event is in memory twice. Calls are decided on what is ahead of the disk;
// readers see what is on it.
type event struct {
	id     lockstore.EventID
	layout *lockstore.Layout
	number uint32
	kept   bool // the file has its layout; belongs to the flight

	mu     sync.Mutex // of all below
	shown  *engine.State
	log    engine.Log // of what is shown
	ahead  *engine.State
	flight *flight  // is taking ahead to the disk, or nil
	due    int64    // until then what is shown and what is ahead can both be true
	made   []change // by the flight
}

// A change is of the seat at a position, made at a reading of the clock.
type change struct {
	at  int
	now int64
}

func newEvent(ev *lockstore.Event, number uint32) *event {
	return &event{
		id:     ev.ID,
		layout: ev.Layout,
		number: number,
		shown:  engine.New(ev.Layout),
		log:    engine.NewLog(),
		ahead:  engine.New(ev.Layout),
	}
}

// load reads what the file has of the event's seats, in their place and in the log.
func (e *event) load(seats *bolt.Bucket, log records, c clock) error {
	w := c.wall()
	first := keyOf(e.number, 0)
	cursor := seats.Cursor()
	for key, text := cursor.Seek(first[:]); key != nil && bytes.HasPrefix(key, first[:4]); key, text = cursor.Next() {
		if err := e.loadSeat(seatKey(key), text, w); err != nil {
			return err
		}
	}
	for key, text := range log {
		if err := e.loadSeat(key, text, w); err != nil {
			return err
		}
	}
	return nil
}

func (e *event) loadSeat(key seatKey, text []byte, w wallClock) error {
	at := key.position()
	if at >= len(e.layout.Seats) {
		return fmt.Errorf("%w: it has a seat at %x", ErrDamaged, key)
	}
	r, err := parseRecord(text)
	if err != nil {
		return fmt.Errorf("%w: seat %s: %w", ErrDamaged, e.layout.Seats[at], err)
	}
	seat := w.onClock(r)
	set(e.shown, at, seat)
	set(e.ahead, at, seat)
	return nil
}

// set copies seat to the state, which may change what it is given.
func set(s *engine.State, at int, seat engine.SeatState) {
	seat.Expired = slices.Clone(seat.Expired)
	s.SetSeat(at, seat)
}

// list returns what is on the disk, or, where time has made that the past of
// what is on its way there, the end of the way. A confirm, say, that was in time
// is not on the disk yet when its lock ends: who lists in between may see a lock
// or a booking, but not a seat that can be had.
func (e *event) list(since lockstore.Version, c clock) (lockstore.Snapshot, <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := c.now()
	if e.flight != nil && now >= e.due {
		return lockstore.Snapshot{}, e.flight.landed
	}
	return e.shown.List(&e.log, since, now), nil
}

// next is the log's.
func (e *event) next(since lockstore.Version) <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.log.Next(since)
}

// decide carries out the work ahead of the disk, on the flight.
func (e *event) decide(w work, f *flight, clock clock) (lockstore.Result, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.flight == nil {
		e.flight, e.due, e.made = f, math.MaxInt64, e.made[:0]
		f.events = append(f.events, e)
	}
	now := clock.now()
	counts := w.op.User
	if w.op.Kind != lockstore.KindLock || w.ev.SeatLimit == 0 {
		counts = "" // the answer does not depend on the user's other seats
	}
	e.due = min(e.due, e.ahead.ValidUntil(w.at, counts, now))
	result, err := e.ahead.Do(w.ev, w.op, w.at, now)
	for _, at := range e.ahead.Changed() {
		e.made = append(e.made, change{at, now})
	}
	return result, err
}

// land ends the flight: with what is ahead on the disk, or not.
func (e *event) land(kept bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.flight = nil
	from, to := e.shown, e.ahead
	if kept {
		from, to = e.ahead, e.shown
	}
	for _, c := range e.made {
		set(to, c.at, from.Seat(c.at))
	}
	if kept {
		positions := make([]int, len(e.made))
		for i, c := range e.made {
			positions[i] = c.at
		}
		e.log.Add(positions)
	}
}

// records adds those of the seats that the flight changed.
func (e *event) records(r records, w wallClock) {
	for _, c := range e.made { // of a seat that was changed twice the last one stays
		r[keyOf(e.number, c.at)] = w.record(e.ahead.Seat(c.at), c.now)
	}
}
