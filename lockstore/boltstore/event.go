package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/engine"
)

// An event is in memory twice: as decided, and as it is on the disk. Lists show the
// latter. A new layout replaces the event with a new one.
type event struct {
	id       lockstore.EventID
	layout   *lockstore.Layout
	number   uint32
	revision atomic.Int64 // of the layout; it only grows
	written  int64        // the revision that the file has for it, or unwritten; belongs to runBatch
	putting  int64        // the revision that the transaction under way writes; belongs to runBatch

	mu         sync.Mutex // guards the fields below
	replaced   bool       // by an event with another layout, or forgotten
	forgotten  bool       // the id may be used again
	fixed      bool       // the file has its layout
	durable    *engine.State
	log        engine.Log // of changes to durable
	last       uint64     // the number of the last entry of the journal
	decided    *engine.State
	writing    *transaction      // writes decided to the disk, or nil
	validUntil int64             // while writing: lists may show durable until then
	changes    []int             // positions, from durable to decided
	entries    []lockstore.Entry // after last
}

// unwritten is event.written of an event that is not in the file.
const unwritten = -1

// newEvent returns an event that is not in the file and whose seats are all available.
func newEvent(id lockstore.EventID, layout *lockstore.Layout, revision int, number uint32) *event {
	e := &event{
		id:      id,
		layout:  layout,
		number:  number,
		written: unwritten,
		durable: engine.New(layout),
		log:     engine.NewLog(),
		decided: engine.New(layout),
	}
	e.revision.Store(int64(revision))
	return e
}

// load reads the event's seats from their places and from the log, and the number of
// its last entry.
func (e *event) load(tx *bolt.Tx, log records, c clock) error {
	w := c.wall()
	first := keyOf(e.number, 0)
	cursor := tx.Bucket(bucketSeats).Cursor()
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
	var err error
	e.last, err = lastEntry(tx, e.number)
	return err
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

// settled returns the store's time at which what is on the disk may be shown. If that may
// be wrong, settled returns a channel that is closed when the transaction under way ends.
// For example, a confirm may be in time and not yet on the disk when the lock ends. Until
// it is, a list may show a lock or a booking, but never an available seat. e.mu is
// held.
func (e *event) settled(c clock) (now int64, done <-chan struct{}, err error) {
	if e.replaced {
		return 0, nil, errReplaced
	}
	now = c.now()
	if e.writing != nil && now >= e.validUntil {
		return now, e.writing.done, nil
	}
	return now, nil, nil
}

// errReplaced is returned for an event that has got another layout or was forgotten.
var errReplaced = errors.New("boltstore: the event has another layout")

// next returns a channel that is closed when the event moves past the Version, or nil if it
// already has.
func (e *event) next(since lockstore.Version) <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.log.Next(since)
}

// replace wakes callers that wait for changes of the event, which has got another layout.
func (e *event) replace() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.replaced = true
	e.log.Restart()
}

// begin joins the event to the transaction. e.mu is held.
func (e *event) begin(t *transaction) {
	if e.writing == nil {
		e.writing, e.validUntil, e.changes, e.entries = t, math.MaxInt64, e.changes[:0], e.entries[:0]
		t.events = append(t.events, e)
	}
}

// decide carries out the work in memory. The transaction writes what it changes.
func (e *event) decide(w work, t *transaction, clock clock) (lockstore.Result, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.forgotten:
		return lockstore.Result{}, errReplaced
	case e.replaced:
		return lockstore.Result{}, lockstore.ErrOtherSeats
	}
	e.begin(t)
	now := clock.now()
	e.validUntil = min(e.validUntil, e.answerValidUntil(w, now))
	var result lockstore.Result
	err := e.decided.Do(w.ev, &w.op, w.at, now, &result)
	if err != nil {
		return lockstore.Result{}, err
	}
	e.changes = append(e.changes, e.decided.Changed()...)
	if entry, ok := engine.Entry(&w.op, &result); ok {
		e.entries = append(e.entries, entry)
	}
	return result, nil
}

// answerValidUntil returns until when the answer to the work stays the same. An answer that
// only the clock decides does not matter: nothing else depends on it.
func (e *event) answerValidUntil(w work, now int64) int64 {
	counts := w.op.User
	if w.op.Kind != lockstore.KindLock || w.ev.SeatLimit == 0 {
		counts = "" // the answer does not depend on the user's other seats
	}
	until := e.decided.ValidUntil(w.at, counts, now)
	if bound := w.op.NotAfter; !bound.IsZero() && now < bound.UnixMilli() {
		until = min(until, bound.UnixMilli())
	}
	return until
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
	for _, at := range e.changes {
		set(to, at, from.Seat(at))
	}
	if written {
		e.fixed = e.fixed || len(e.changes) > 0
		e.log.Add(e.changes)
		e.last += uint64(len(e.entries))
	}
}

// records adds the records of the changed seats to r.
func (e *event) records(r records, w wallClock) {
	for _, at := range e.changes {
		r[keyOf(e.number, at)] = w.record(e.decided.Seat(at))
	}
}
