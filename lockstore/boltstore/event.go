package boltstore

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"seatlock/lockstore"
)

// An event is in memory twice. Calls are decided on what is ahead of the disk;
// readers see what is on it.
type event struct {
	layout *lockstore.Event
	number uint32
	kept   bool // the file has its layout; belongs to the flight

	mu     sync.Mutex // of all below
	shown  *lockstore.Seating
	log    lockstore.ChangeLog // of what is shown
	ahead  *lockstore.Seating
	flight *flight       // is taking ahead to the disk, or nil
	due    time.Duration // until then what is shown and what is ahead can both be true
	made   []change      // by the flight
}

// A change is of the seat at a position, made at a reading of the clock.
type change struct {
	at  int
	now time.Duration
}

func newEvent(ev *lockstore.Event, number uint32, c clock) *event {
	return &event{
		layout: ev,
		number: number,
		shown:  lockstore.NewSeating(ev, c.start),
		log:    lockstore.NewChangeLog(),
		ahead:  lockstore.NewSeating(ev, c.start),
	}
}

// load reads what the file has of the event's seats, in their place and in the log.
func (e *event) load(seats *bolt.Bucket, log records, c clock) error {
	d := c.dial()
	first := keyOf(e.number, 0)
	cursor := seats.Cursor()
	for key, text := cursor.Seek(first[:]); key != nil && bytes.HasPrefix(key, first[:4]); key, text = cursor.Next() {
		if err := e.loadSeat(seatKey(key), text, d); err != nil {
			return err
		}
	}
	for key, text := range log {
		if err := e.loadSeat(key, text, d); err != nil {
			return err
		}
	}
	return nil
}

func (e *event) loadSeat(key seatKey, text []byte, d dial) error {
	at := key.position()
	if at >= len(e.layout.Seats) {
		return fmt.Errorf("%w: it has a seat at %x", ErrDamaged, key)
	}
	h, _, err := parseRecord(text, d)
	if err != nil {
		return fmt.Errorf("%w: seat %s: %w", ErrDamaged, e.layout.Seats[at], err)
	}
	set(e.shown, at, h)
	set(e.ahead, at, h)
	return nil
}

// set gives a seating a holding with lapses of its own.
func set(s *lockstore.Seating, at int, h lockstore.Holding) {
	h.Lapses = slices.Clone(h.Lapses)
	s.SetHolding(at, h)
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

// decide does the call ahead of the disk, on the flight.
func (e *event) decide(c *call, f *flight, clock clock) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.flight == nil {
		e.flight, e.due, e.made = f, lockstore.Forever, e.made[:0]
		f.events = append(f.events, e)
	}
	now := clock.now()
	counts := c.user
	if c.op != lock || c.ev.SeatLimit == 0 {
		counts = "" // the answer does not depend on the user's other seats
	}
	e.due = min(e.due, e.ahead.Holds(c.at, counts, now))
	switch c.op {
	case lock:
		c.expires, c.err = e.ahead.Lock(c.at, c.user, now, c.ev)
	case confirm:
		c.err = e.ahead.Confirm(c.at, c.user, now)
	case release:
		c.err = e.ahead.Release(c.at, c.user, now)
	}
	for _, at := range e.ahead.Changed() {
		e.made = append(e.made, change{at, now})
	}
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
		set(to, c.at, from.Holding(c.at))
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
func (e *event) records(r records, d dial) {
	for _, c := range e.made { // of a seat that was changed twice the last one stays
		r[keyOf(e.number, c.at)] = record(e.ahead.Holding(c.at), c.now, d)
	}
}
