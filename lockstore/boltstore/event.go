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

// An event is in memory twice: as decided, and as it is on the disk. Lists show the
// latter.
type event struct {
	id     lockstore.EventID
	layout *lockstore.Layout
	number uint32
	inFile bool // the file has its layout; belongs to runBatch

	mu         sync.Mutex // guards the fields below
	durable    *engine.State
	log        engine.Log // of changes to durable
	decided    *engine.State
	writing    *transaction // writes decided to the disk, or nil
	validUntil int64        // while writing: until then lists may show durable
	changes    []change     // from durable to decided
}

// A change is a change of one seat.
type change struct {
	at  int   // its position
	now int64 // the time on the store's clock
}

// newEvent returns an event whose seats are all available.
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

// load reads the event's seats from their places and from the log.
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

// set copies seat to the state, which may change what is passed to it.
func set(s *engine.State, at int, seat engine.SeatState) {
	seat.Expired = slices.Clone(seat.Expired)
	s.SetSeat(at, seat)
}

// list returns what is on the disk. If that may be wrong, it returns a channel that is
// closed when the transaction under way ends. For example, a confirm may be in time and
// not yet on the disk when the lock ends. Until it is there, a list may show a lock or a
// booking, but never an available seat.
func (e *event) list(since lockstore.Version, c clock) (lockstore.Snapshot, <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := c.now()
	if e.writing != nil && now >= e.validUntil {
		return lockstore.Snapshot{}, e.writing.done
	}
	return e.durable.List(&e.log, since, now), nil
}

// next returns a channel that is closed when the event moves past the Version, or nil if it
// already has.
func (e *event) next(since lockstore.Version) <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.log.Next(since)
}

// decide carries out the work in memory. The transaction writes what it changes.
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

// finish ends the transaction. What was decided is now on the disk, or else is undone.
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
	for _, c := range e.changes { // the last change of a seat counts
		r[keyOf(e.number, c.at)] = w.record(e.decided.Seat(c.at), c.now)
	}
}
