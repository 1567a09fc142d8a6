package boltstore

import (
	"errors"
	"fmt"

	"seatlock/lockstore"
)

// A flight takes calls to the disk together.
type flight struct {
	events []*event      // that they are about
	landed chan struct{} // closed when it is over
}

// fly decides the calls one after the other, writes all that they change in one
// transaction, shows it, and answers. There is one flight at a time.
func (s *Store) fly(calls []*call) {
	f := &flight{landed: make(chan struct{})}
	err := s.failure()
	if err == nil {
		for _, c := range calls {
			c.of.decide(c, f, s.clock)
		}
		err = s.write(f)
	}
	for _, e := range f.events {
		e.land(err == nil)
	}
	close(f.landed)
	for _, c := range calls {
		if err != nil {
			c.err = err
		}
		close(c.done)
	}
}

// write returns once the flight's changes are on the disk, or with an error
// that says whether they can be.
func (s *Store) write(f *flight) error {
	changes := 0
	for _, e := range f.events {
		changes += len(e.made)
	}
	if changes == 0 {
		return nil
	}
	tx, err := s.db.Begin(true)
	if err != nil {
		return s.notWritten(err)
	}
	sum, d := s.sum, s.clock.dial()
	for _, e := range f.events {
		if sum, err = e.write(tx, sum, d); err != nil {
			return s.notWritten(errors.Join(err, tx.Rollback()))
		}
	}
	if err := tx.Bucket(bucketHead).Put(keySum, formatSum(sum)); err != nil {
		return s.notWritten(errors.Join(err, tx.Rollback()))
	}
	id := tx.ID()
	if err := tx.Commit(); err != nil {
		return s.notCommitted(err, id)
	}
	s.sum = sum
	for _, e := range f.events {
		e.kept = e.kept || len(e.made) > 0
	}
	return nil
}

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
