package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"

	bolt "go.etcd.io/bbolt"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/batch"
)

// maxSeats bounds the seats of one transaction, and so the time that it takes.
const maxSeats = 4096

// work is an operation on an event.
type work struct {
	event *event
	ev    *lockstore.Event
	op    lockstore.Op
	at    []int // the positions of op.Seats
}

// A transaction is what the calls of one batch change.
type transaction struct {
	events []*event      // of the calls
	done   chan struct{} // closed when it is on the disk or has failed
}

// runBatch decides the calls one after the other, writes what they change in one
// transaction, makes it visible to lists, and answers the calls. One batch runs at
// a time.
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

// write returns nil once the changes are on the disk, in the file that has the
// store's path. Its error reports whether the changes can be on the disk.
func (s *Store) write(t *transaction) error {
	changed := make(records)
	w := s.clock.wall()
	for _, e := range t.events {
		e.records(changed, w)
	}
	if len(changed) == 0 {
		return s.checkFile(lockstore.ErrUnavailable)
	}
	tx, err := s.db.Begin(true)
	if err != nil {
		return s.notWritten(err)
	}
	if uint64(tx.ID()) != s.tx+1 {
		return errors.Join(s.replaced(lockstore.ErrUnavailable, "written to by another program"), tx.Rollback())
	}
	sum, folded, err := s.put(tx, t.events, changed)
	if err != nil {
		return s.notWritten(errors.Join(err, tx.Rollback()))
	}
	id := uint64(tx.ID())
	if err := tx.Commit(); err != nil {
		return s.notCommitted(err, id)
	}
	s.sums, s.tx = sum, id
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
	return s.checkFile(lockstore.ErrOutcomeUnknown)
}

// checkFile ends the store if its path no longer names its file, if another program
// has written to it, or if neither can be found out. The next process might not find
// what this one answers, so the batch fails with the outcome.
func (s *Store) checkFile(outcome error) error {
	info, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s.replaced(outcome, "moved or removed")
	case err != nil:
		return s.unreachable(outcome, "reached", err)
	case !os.SameFile(info, s.info):
		return s.replaced(outcome, "replaced by another file")
	}
	switch m, err := readMeta(s.file); {
	case err != nil && !errors.Is(err, ErrDamaged):
		return s.unreachable(outcome, "read", err)
	case err != nil || m.tx != s.tx:
		return s.replaced(outcome, "written to by another program")
	}
	return nil
}

// replaced ends the store because another program did something to its file. It returns
// the error of the batch.
func (s *Store) replaced(outcome error, what string) error {
	return s.lost(outcome, fmt.Errorf("%s was %s while in use: stop the program, put the right file in its place and start again", s.path, what))
}

// unreachable ends the store because its file cannot be checked. It returns the error
// of the batch.
func (s *Store) unreachable(outcome error, what string, err error) error {
	return s.lost(outcome, fmt.Errorf("%s cannot be %s any more: stop the program, remove the cause and start again: %w", s.path, what, reason(err)))
}

// lost ends the store and returns the error of the batch.
func (s *Store) lost(outcome, err error) error {
	s.end(fmt.Errorf("%w: %w", lockstore.ErrUnavailable, err))
	return fmt.Errorf("%w: %w", outcome, err)
}

// maxLog is the number of bytes that the log may have. With a longer log, records
// are moved to their places less often, and each time takes longer.
const maxLog = 512 << 10

// put writes the records to the log or, if that has become too long, all records of
// the log and the new ones to their places.
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
	entries := logEntries(changed)
	size := sum.logBytes
	for _, entry := range entries {
		size += len(entry)
	}
	if folded = size > s.maxLog; !folded {
		for i, entry := range entries {
			put, err := sum.put(tx, bucketLog, logKey(tx.ID(), i), entry)
			if err != nil {
				return sum, false, err
			}
			sum.logSum ^= put
		}
		sum.logBytes = size
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
	for _, of := range s.log {
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

// sums are the checksum of the file's content and the size of its log.
type sums struct {
	all      uint64 // of all values
	logSum   uint64 // of the values of the log
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

// fill is how full bbolt makes the first of the two pages that it makes of one that
// is too full. The log grows at its end only, so nothing is added to that page later.
const fill = 0.9

// notWritten returns the error of changes that are not in the file.
func (s *Store) notWritten(err error) error {
	return fmt.Errorf("%w: %s could not be written: %w", lockstore.ErrUnavailable, s.path, err)
}

// notCommitted returns the error of a commit that failed. The last step of a commit
// is to write the transaction's number to the beginning of the file and to wait for
// the disk. While the number is not there, the transaction does not count.
func (s *Store) notCommitted(err error, id uint64) error {
	m, readErr := readMeta(s.file)
	if readErr == nil && m.tx < id {
		return s.notWritten(err)
	}
	err = errors.Join(err, readErr)
	s.fail(err)
	return fmt.Errorf("%w: %s may have been written: %w", lockstore.ErrOutcomeUnknown, s.path, err)
}
