package boltstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"

	bolt "go.etcd.io/bbolt"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/batch"
)

// maxSeats bounds how many seats one transaction changes, and so how long it
// takes.
const maxSeats = 4096

// work is an operation on an event.
type work struct {
	of *event
	ev *lockstore.Event
	op lockstore.Op
	at []int // the positions of op.Seats
}

// A flight takes calls to the disk together.
type flight struct {
	events []*event      // that they are about
	landed chan struct{} // closed when it is over
}

// fly decides the calls one after the other, writes all that they change in one
// transaction, shows it, and answers. There is one flight at a time.
func (s *Store) fly(calls []*batch.Call[work, lockstore.Result]) {
	f := &flight{landed: make(chan struct{})}
	results, refusals := make([]lockstore.Result, len(calls)), make([]error, len(calls))
	err := s.failure()
	if err == nil {
		for i, c := range calls {
			results[i], refusals[i] = c.Work.of.decide(c.Work, f, s.clock)
		}
		err = s.write(f)
	}
	for _, e := range f.events {
		e.land(err == nil)
	}
	close(f.landed)
	for i, c := range calls {
		if err != nil {
			c.Answer(lockstore.Result{}, err)
		} else {
			c.Answer(results[i], refusals[i])
		}
	}
}

// write returns once the flight's changes are on the disk, or with an error
// that says whether they can be.
func (s *Store) write(f *flight) error {
	changed := make(records)
	w := s.clock.wall()
	for _, e := range f.events {
		e.records(changed, w)
	}
	if len(changed) == 0 {
		return nil
	}
	tx, err := s.db.Begin(true)
	if err != nil {
		return s.notWritten(err)
	}
	kept, folded, err := s.put(tx, f.events, changed)
	if err != nil {
		return s.notWritten(errors.Join(err, tx.Rollback()))
	}
	id := tx.ID()
	if err := tx.Commit(); err != nil {
		return s.notCommitted(err, id)
	}
	s.kept = kept
	s.mu.Lock()
	if folded {
		clear(s.log)
	} else {
		changed.copyTo(s.log)
	}
	s.mu.Unlock()
	for _, e := range f.events {
		e.kept = e.kept || len(e.made) > 0
	}
	return nil
}

// maxLog is how many bytes the log may have. More of them make it rarer that
// records are written where they belong, and that then takes longer.
const maxLog = 512 << 10

// put has a transaction write the records, to the log or, when that has become
// long, with all of it where they belong.
func (s *Store) put(tx *bolt.Tx, events []*event, changed records) (k kept, folded bool, err error) {
	k = s.kept
	for _, e := range events {
		if e.kept || len(e.made) == 0 {
			continue
		}
		if _, err := k.put(tx, bucketEvents, []byte(e.id), eventText(e.number, e.layout)); err != nil {
			return k, false, err
		}
	}
	entry := logEntry(changed)
	if folded = k.logBytes+len(entry) > s.maxLog; !folded {
		put, err := k.put(tx, bucketLog, binary.BigEndian.AppendUint64(nil, uint64(tx.ID())), entry)
		if err != nil {
			return k, false, err
		}
		k.logSum ^= put
		k.logBytes += len(entry)
		return k, false, tx.Bucket(bucketHead).Put(keySum, formatSum(k.sum))
	}
	if err := tx.DeleteBucket(bucketLog); err != nil {
		return k, false, err
	}
	if _, err := tx.CreateBucket(bucketLog); err != nil {
		return k, false, err
	}
	k.sum, k.logSum, k.logBytes = k.sum^k.logSum, 0, 0
	all := make(records)
	for _, of := range s.log { // only flights change it
		maps.Copy(all, of)
	}
	maps.Copy(all, changed)
	for _, key := range all.keys() {
		if _, err := k.put(tx, bucketSeats, key[:], all[key]); err != nil {
			return k, false, err
		}
	}
	return k, true, tx.Bucket(bucketHead).Put(keySum, formatSum(k.sum))
}

// kept is what is known of what the file holds.
type kept struct {
	sum      uint64
	logSum   uint64 // the part of the sum that is of the log
	logBytes int    // in the values of the log
}

// put writes a value and returns its digest.
func (k *kept) put(tx *bolt.Tx, bucket, key, value []byte) (uint64, error) {
	b := tx.Bucket(bucket)
	b.FillPercent = fill
	if old := b.Get(key); old != nil {
		k.sum ^= digest(bucket, key, old)
	}
	put := digest(bucket, key, value)
	k.sum ^= put
	return put, b.Put(key, value)
}

// fill is how full a page is made that is divided since it was too full. The
// log grows at its end only, where nothing comes in between; seats are mostly
// sold for the first time, in any order.
const fill = 0.9

// notWritten is the error of changes that are not in the file.
func (s *Store) notWritten(err error) error {
	return fmt.Errorf("%w: %s could not be written: %w", lockstore.ErrUnavailable, s.path, err)
}

// notCommitted says what a failed commit means. Its last step is to write the
// transaction's number to the beginning of the file and to wait for the disk. If
// the number is not there, nothing of the transaction counts.
func (s *Store) notCommitted(err error, id int) error {
	m, readErr := readMeta(s.file)
	if readErr == nil && m.tx < uint64(id) {
		return s.notWritten(err)
	}
	err = errors.Join(err, readErr)
	s.fail(err)
	return fmt.Errorf("%w: %s may have been written: %w", lockstore.ErrOutcomeUnknown, s.path, err)
}
