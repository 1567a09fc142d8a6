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
	event *event
	ev    *lockstore.Event
	op    lockstore.Op
	at    []int // the positions of op.Seats
}

// A transaction is what the calls of one batch change, on its way to the disk.
type transaction struct {
	events []*event      // of the calls
	done   chan struct{} // closed when it is on the disk or has failed
}

// runBatch decides the calls one after the other, writes all that they change in
// one transaction, lets lists show it, and answers. One runs at a time.
func (s *Store) runBatch(calls []*batch.Call[work, lockstore.Result]) {
	t := &transaction{done: make(chan struct{})}
	results, refusals := make([]lockstore.Result, len(calls)), make([]error, len(calls))
	err := s.failure()
	if err == nil {
		for i, c := range calls {
			results[i], refusals[i] = c.Work.event.decide(c.Work, t, s.clock)
		}
		err = s.write(t)
	}
	for _, e := range t.events {
		e.finish(err == nil)
	}
	close(t.done)
	for i, c := range calls {
		if err != nil {
			c.Answer(lockstore.Result{}, err)
		} else {
			c.Answer(results[i], refusals[i])
		}
	}
}

// write returns once the changes are on the disk. Otherwise its error says whether
// they can be.
func (s *Store) write(t *transaction) error {
	changed := make(records)
	w := s.clock.wall()
	for _, e := range t.events {
		e.records(changed, w)
	}
	if len(changed) == 0 {
		return nil
	}
	tx, err := s.db.Begin(true)
	if err != nil {
		return s.notWritten(err)
	}
	sum, folded, err := s.put(tx, t.events, changed)
	if err != nil {
		return s.notWritten(errors.Join(err, tx.Rollback()))
	}
	id := tx.ID()
	if err := tx.Commit(); err != nil {
		return s.notCommitted(err, id)
	}
	s.sums = sum
	s.mu.Lock()
	if folded {
		clear(s.log)
	} else {
		changed.copyTo(s.log)
	}
	s.mu.Unlock()
	for _, e := range t.events {
		e.inFile = e.inFile || len(e.changes) > 0
	}
	return nil
}

// maxLog is how many bytes the log may have. More of them make it rarer that
// records are written where they belong, and that then takes longer.
const maxLog = 512 << 10

// put has a transaction write the records, to the log or, when that has become
// long, with all of it where they belong.
func (s *Store) put(tx *bolt.Tx, events []*event, changed records) (sum sums, folded bool, err error) {
	sum = s.sums
	for _, e := range events {
		if e.inFile || len(e.changes) == 0 {
			continue
		}
		if _, err := sum.put(tx, bucketEvents, []byte(e.id), eventText(e.number, e.layout)); err != nil {
			return sum, false, err
		}
	}
	entry := logEntry(changed)
	if folded = sum.logBytes+len(entry) > s.maxLog; !folded {
		put, err := sum.put(tx, bucketLog, binary.BigEndian.AppendUint64(nil, uint64(tx.ID())), entry)
		if err != nil {
			return sum, false, err
		}
		sum.logSum ^= put
		sum.logBytes += len(entry)
		return sum, false, tx.Bucket(bucketHead).Put(keySum, formatSum(sum.all))
	}
	if err := tx.DeleteBucket(bucketLog); err != nil {
		return sum, false, err
	}
	if _, err := tx.CreateBucket(bucketLog); err != nil {
		return sum, false, err
	}
	sum.all, sum.logSum, sum.logBytes = sum.all^sum.logSum, 0, 0
	all := make(records)
	for _, of := range s.log { // only write changes it
		maps.Copy(all, of)
	}
	maps.Copy(all, changed)
	for _, key := range all.keys() {
		if _, err := sum.put(tx, bucketSeats, key[:], all[key]); err != nil {
			return sum, false, err
		}
	}
	return sum, true, tx.Bucket(bucketHead).Put(keySum, formatSum(sum.all))
}

// sums are about what the file holds.
type sums struct {
	all      uint64 // the sum of all values
	logSum   uint64 // the part of it that is of the log
	logBytes int    // in the values of the log
}

// put writes a value and returns its digest.
func (sum *sums) put(tx *bolt.Tx, bucket, key, value []byte) (uint64, error) {
	b := tx.Bucket(bucket)
	b.FillPercent = fill
	if old := b.Get(key); old != nil {
		sum.all ^= digest(bucket, key, old)
	}
	put := digest(bucket, key, value)
	sum.all ^= put
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
