package boltstore

import (
	"context"
	"maps"

	bolt "go.etcd.io/bbolt"

	"seatlock/lockstore"
)

// changeLayout gives the event the layout of ev if e is still current and allows it.
func (s *Store) changeLayout(ctx context.Context, e *event, ev *lockstore.Event) error {
	_, err := s.queue.Do(ctx, work{event: e, ev: ev, layout: true}, maxSeats+1)
	return err
}

// replaceLayout puts an event with the layout of ev in the place of old. No other work
// is under way.
func (s *Store) replaceLayout(old *event, ev *lockstore.Event) error {
	if err := s.failure(); err != nil {
		return err
	}
	if s.current(ev.ID) != old {
		return nil // the caller looks it up again
	}
	if fits, err := old.fit(ev); fits || err != nil {
		return err
	}
	if old.sameSeats(ev) {
		return s.raiseRevision(old, ev.Revision)
	}
	next, err := old.withLayout(ev, s.clock.now())
	if err != nil {
		return err
	}
	if next.fixed {
		if err := s.writeLayout(next); err != nil {
			return err
		}
		next.written = int64(ev.Revision)
	}
	s.mu.Lock()
	s.events[ev.ID] = next
	s.mu.Unlock()
	old.replace()
	return nil
}

// raiseRevision writes a higher revision of the same seats to the file, which has the
// event. Otherwise the next process could replace the seats with others of that revision.
func (s *Store) raiseRevision(e *event, revision int) error {
	put := func(tx *bolt.Tx, sum *sums) (bool, error) {
		_, err := putValue(tx, &sum.all, bucketEvents, []byte(e.id), eventText(e.number, revision, e.layout))
		return true, err
	}
	return s.update(new(transaction), put, func() {
		e.written = int64(revision)
		e.revision.Store(int64(revision))
	})
}

// current returns the event as it is kept in memory, or nil.
func (s *Store) current(id lockstore.EventID) *event {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.events[id]
}

// withLayout returns the event with the layout of ev. It shares memory with e.
func (e *event) withLayout(ev *lockstore.Event, now int64) (*event, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := newEvent(e.id, ev.Layout, ev.Revision, e.number)
	next.fixed, next.last = e.fixed, e.last
	var err error
	if next.durable, err = e.durable.WithLayout(ev, now); err != nil {
		return nil, err
	}
	next.decided, err = e.decided.WithLayout(ev, now)
	return next, err
}

// writeLayout writes the event with its layout, and all of its records at their new
// places.
func (s *Store) writeLayout(next *event) error {
	put := func(tx *bolt.Tx, sum *sums) (bool, error) {
		all := make(records)
		for number, of := range s.log {
			if number != next.number {
				maps.Copy(all, of)
			}
		}
		w := s.clock.wall()
		for at := range next.decided.Known() {
			all[keyOf(next.number, at)] = w.record(next.decided.Seat(at))
		}
		if err := deleteRecords(tx, sum, next.number); err != nil {
			return false, err
		}
		_, err := putValue(tx, &sum.all, bucketEvents, []byte(next.id), eventText(next.number, int(next.revision.Load()), next.layout))
		if err != nil {
			return false, err
		}
		return true, fold(tx, sum, all)
	}
	return s.update(new(transaction), put, func() { clear(s.log) })
}

// deleteRecords deletes the records of the event from their places.
func deleteRecords(tx *bolt.Tx, sum *sums, number uint32) error {
	for _, key := range keysOf(tx.Bucket(bucketSeats), number) {
		if err := deleteValue(tx, &sum.all, bucketSeats, key); err != nil {
			return err
		}
	}
	return nil
}
