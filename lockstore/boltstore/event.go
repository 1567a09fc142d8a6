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

// An event is in memory twice: as it will be once the disk has what was decided,
// and as it is on the disk. Lists show the latter.
type event struct {
	id     lockstore.EventID
	layout *lockstore.Layout
	number uint32
	inFile bool // the file has its layout; belongs to runBatch

	mu         sync.Mutex // guards all below
	durable    *engine.State
	log        engine.Log // of changes to durable
	decided    *engine.State
	writing    *transaction // is taking decided to the disk, or nil
	validUntil int64        // until then both durable and decided can be true; set while writing
	changes    []change     // from durable to decided
}

// A change is that the seat at a position changed at a time on the store's clock.
type change struct {
	at  int
	now int64
}

func newEvent(ev *lockstore.Event, number uint32) *event {
	return &event{
		id:      ev.ID,
		layout:  ev.Layout,
		number:  number,
		durable: engine.New(ev.Layout),
		log:     engine.NewLog(),
		decided: engine.New(ev.Layout),
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
		return fmt.Errorf("%w: %x is not the key of a seat", ErrDamaged, key)
	}
	r, err := parseRecord(text)
	if err != nil {
		return fmt.Errorf("%w: seat %s: %w", ErrDamaged, e.layout.Seats[at], err)
	}
	seat := w.onClock(r)
	set(e.durable, at, seat)
	set(e.decided, at, seat)
	return nil
}

// set copies seat to the state, which may change what it is given.
func set(s *engine.State, at int, seat engine.SeatState) {
	seat.Expired = slices.Clone(seat.Expired)
	s.SetSeat(at, seat)
}

// list returns what is on the disk. If time has made that impossible, it returns
// a channel that is closed when the transaction under way ends. Take a confirm
// that was in time and is not on the disk yet when its lock ends: until then a list
// may show a lock or a booking, but never a seat that is available.
func (e *event) list(since lockstore.Version, c clock) (lockstore.Snapshot, <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := c.now()
	if e.writing != nil && now >= e.validUntil {
		return lockstore.Snapshot{}, e.writing.done
	}
	return e.durable.List(&e.log, since, now), nil
}

// next is the log's.
func (e *event) next(since lockstore.Version) <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.log.Next(since)
}

// decide carries out the work and leaves it to the transaction to write it.
func (e *event) decide(w work, t *transaction, clock clock) (lockstore.Result, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.writing == nil {
		e.writing, e.validUntil, e.changes = t, math.MaxInt64, e.changes[:0]
		t.events = append(t.events, e)
	}
	now := clock.now()
	counts := w.op.User
	if w.op.Kind != lockstore.KindLock || w.ev.SeatLimit == 0 {
		counts = "" // the answer does not depend on the user's other seats
	}
	e.validUntil = min(e.validUntil, e.decided.ValidUntil(w.at, counts, now))
	var result lockstore.Result
	err := e.decided.Do(w.ev, &w.op, w.at, now, &result)
	for _, at := range e.decided.Changed() {
		e.changes = append(e.changes, change{at, now})
	}
	return result, err
}

// finish ends the transaction. What was decided is on the disk now, or undone.
func (e *event) finish(written bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.writing = nil
	from, to := e.durable, e.decided
	if written {
		from, to = e.decided, e.durable
	}
	for _, c := range e.changes {
		set(to, c.at, from.Seat(c.at))
	}
	if written {
		positions := make([]int, len(e.changes))
		for i, c := range e.changes {
			positions[i] = c.at
		}
		e.log.Add(positions)
	}
}

// records adds the records of the changed seats to r.
func (e *event) records(r records, w wallClock) {
	for _, c := range e.changes { // of a seat that was changed twice the last one stays
		r[keyOf(e.number, c.at)] = w.record(e.decided.Seat(c.at), c.now)
	}
}
