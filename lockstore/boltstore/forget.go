package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"

	bolt "go.etcd.io/bbolt"

	"seatlock/lockstore"
)

// Booked returns how many seats of the event are booked, and reports whether the file has
// the event. It reads the seats in the file, so the event's layout need not be known.
func (s *Store) Booked(ctx context.Context, id lockstore.EventID) (booked int, known bool, err error) {
	if err := id.Check(); err != nil {
		return 0, false, err
	}
	err = s.alone(ctx, func() error {
		if err := s.failure(); err != nil {
			return err
		}
		return s.db.View(func(tx *bolt.Tx) error {
			number, found, err := numberOf(tx, id)
			if err != nil || !found {
				return s.damaged(id, err)
			}
			known = true
			all := make(records)
			for _, key := range keysOf(tx.Bucket(bucketSeats), number) {
				all[seatKey(key)] = tx.Bucket(bucketSeats).Get(key)
			}
			maps.Copy(all, s.log[number])
			for _, text := range all {
				r, err := parseRecord(text)
				if err != nil {
					return s.damaged(id, fmt.Errorf("%w: %w", ErrDamaged, err))
				}
				if r.Booked {
					booked++
				}
			}
			return nil
		})
	})
	if err != nil {
		return 0, false, err
	}
	return booked, known, nil
}

// Forget removes the event with its seats, its layout and its journal from the file, in
// one transaction. Its bookings are then gone, and the id can be used again, with any
// layout. The event's orders stay. Forgetting an event that the file does not have is not
// an error.
func (s *Store) Forget(ctx context.Context, id lockstore.EventID) error {
	if err := id.Check(); err != nil {
		return err
	}
	return s.alone(ctx, func() error {
		if err := s.failure(); err != nil {
			return err
		}
		put := func(tx *bolt.Tx, sum *sums) (bool, error) { return s.deleteEvent(tx, sum, id) }
		e := s.current(id)
		err := s.update(new(transaction), put, func() {
			clear(s.log)
			delete(s.events, id)
		})
		if err != nil {
			return err
		}
		s.mu.Lock()
		if e == nil {
			e = s.events[id] // a call has just looked it up
		}
		delete(s.events, id) // the event need not be in the file
		s.mu.Unlock()
		if e != nil {
			e.forget()
		}
		return nil
	})
}

// alone runs f while no other work is under way. A call that is bounded in time may end
// before f does, so alone waits for f: an event can be large.
func (s *Store) alone(ctx context.Context, f func() error) error {
	var failed error
	done := make(chan struct{})
	_, err := s.queue.Do(ctx, work{alone: func() error {
		defer close(done)
		failed = f()
		return failed
	}}, maxSeats+1)
	if errors.Is(err, lockstore.ErrOutcomeUnknown) {
		select {
		case <-done:
			return failed
		case <-ctx.Done():
		}
	}
	return err
}

// deleteEvent deletes everything of the event except its orders, and reports whether there
// was anything. The records of other events in the log move to their places.
func (s *Store) deleteEvent(tx *bolt.Tx, sum *sums, id lockstore.EventID) (any bool, err error) {
	number, found, err := numberOf(tx, id)
	if err != nil || !found {
		return false, err
	}
	others := make(records)
	for n, of := range s.log {
		if n != number {
			maps.Copy(others, of)
		}
	}
	for _, key := range keysOf(tx.Bucket(bucketJournal), number) {
		if err := deleteValue(tx, &sum.journal, bucketJournal, key); err != nil {
			return false, err
		}
	}
	if err := deleteRecords(tx, sum, number); err != nil {
		return false, err
	}
	if err := deleteValue(tx, &sum.all, bucketEvents, []byte(id)); err != nil {
		return false, err
	}
	return true, fold(tx, sum, others)
}

// numberOf returns the event's number, and reports whether the file has the event.
func numberOf(tx *bolt.Tx, id lockstore.EventID) (number uint32, found bool, err error) {
	text := tx.Bucket(bucketEvents).Get([]byte(id))
	if text == nil {
		return 0, false, nil
	}
	head, _, _ := bytes.Cut(text, []byte("\n")) // not the seats, which are many
	e, err := parseEvent(append(bytes.Clone(head), '\n'))
	return e.number, true, err
}

// keysOf returns the keys of the bucket that begin with the event's number.
func keysOf(b *bolt.Bucket, number uint32) (keys [][]byte) {
	prefix := binary.BigEndian.AppendUint32(nil, number)
	cursor := b.Cursor()
	for key, _ := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, _ = cursor.Next() {
		keys = append(keys, bytes.Clone(key))
	}
	return keys
}

// damaged returns the error of a call that found damage in the file.
func (s *Store) damaged(id lockstore.EventID, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s: event %s: %w", lockstore.ErrUnavailable, s.path, id, err)
}

// forget ends the event: callers that have it look up the id again.
func (e *event) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.replaced, e.forgotten = true, true
	e.log.Restart()
}
