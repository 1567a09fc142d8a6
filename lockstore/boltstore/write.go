package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	bolt "go.etcd.io/bbolt"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/batch"
)

// maxSeats bounds the seats of one transaction, and so how long it takes.
const maxSeats = 4096

// work is an operation on an event, the change of an order or of a layout, or a function.
type work struct {
	event *event
	ev    *lockstore.Event
	op    lockstore.Op
	at    []int // the positions of op.Seats and op.To

	order  *lockstore.Order // to put
	layout bool             // the event gets the layout of ev; such work is a batch of its own
	alone  func() error     // to be called; such work is a batch of its own
}

// An answer is the result of a work.
type answer struct {
	result   lockstore.Result
	revision int64 // of an order
}

// A transaction is what the calls of one batch change.
type transaction struct {
	events []*event      // of the calls
	orders []orderPut    // of the calls
	done   chan struct{} // closed when it is on the disk or has failed
}

// runBatch decides the calls one after the other, writes what they change in one
// transaction, makes it visible to lists, and answers the calls. One batch runs at
// a time.
func (s *Store) runBatch(calls []*batch.Call[work, answer]) {
	switch w := calls[0].Work; {
	case w.layout:
		calls[0].Answer(answer{}, s.replaceLayout(w.event, w.ev))
		return
	case w.alone != nil:
		calls[0].Answer(answer{}, w.alone())
		return
	}
	t := &transaction{done: make(chan struct{})}
	answers, refusals := make([]answer, len(calls)), make([]error, len(calls))
	err := s.failure()
	if err == nil {
		for i, c := range calls {
			if c.Work.order != nil {
				t.orders = append(t.orders, orderPut{c.Work.order, &answers[i].revision, &refusals[i]})
			} else {
				answers[i].result, refusals[i] = c.Work.event.decide(c.Work, t, s.clock)
			}
		}
		err = s.write(t)
	}
	for _, e := range t.events {
		e.finish(err == nil)
	}
	s.endTransaction(t)
	for i, c := range calls {
		if err != nil {
			c.Answer(answer{}, err)
		} else {
			c.Answer(answers[i], refusals[i])
		}
	}
}

// write returns nil once the changes are on the disk, in the file at the
// store's path. Its error reports whether the changes can be on the disk.
func (s *Store) write(t *transaction) error {
	changed := make(records)
	w := s.clock.wall()
	for _, e := range t.events {
		e.records(changed, w)
	}
	if len(changed) == 0 && len(t.orders) == 0 {
		return s.checkFile(lockstore.ErrUnavailable)
	}
	folded := false
	put := func(tx *bolt.Tx, sum *sums) (bool, error) {
		ordered, err := putOrders(tx, sum, t.orders)
		if err != nil || len(changed) == 0 {
			return ordered, err
		}
		if err := s.putEvents(tx, sum, t.events); err != nil {
			return false, err
		}
		folded, err = s.putRecords(tx, sum, changed)
		return true, err
	}
	return s.update(t, put, func() {
		if folded {
			clear(s.log)
		} else {
			changed.copyTo(s.log)
		}
		for _, e := range t.events {
			if len(e.changes) > 0 {
				e.written = max(e.written, e.putting)
			}
		}
	})
}

// update commits what put writes, unless put reports that there is nothing. It calls
// done, with s.mu held, once that is on the disk.
func (s *Store) update(t *transaction, put func(*bolt.Tx, *sums) (bool, error), done func()) error {
	tx, err := s.db.Begin(true)
	if err != nil {
		return s.notWritten(err)
	}
	if uint64(tx.ID()) != s.tx+1 {
		return errors.Join(s.replaced(lockstore.ErrUnavailable, "written to by another program"), tx.Rollback())
	}
	sum := s.sums
	any, err := put(tx, &sum)
	if err == nil && any {
		err = sum.write(tx)
	}
	switch {
	case err != nil:
		return s.notWritten(errors.Join(err, tx.Rollback()))
	case !any:
		if err := tx.Rollback(); err != nil {
			return s.notWritten(err)
		}
		return s.checkFile(lockstore.ErrUnavailable)
	}
	s.beginCommit(t)
	id := uint64(tx.ID())
	if err := tx.Commit(); err != nil {
		return s.notCommitted(err, id)
	}
	s.sums, s.tx = sum, id
	s.mu.Lock()
	done()
	s.mu.Unlock()
	return s.checkFile(lockstore.ErrOutcomeUnknown)
}

// beginCommit makes readers of orders wait for the transaction, if it has any: while it
// is committed, bbolt may show what is not on the disk yet.
func (s *Store) beginCommit(t *transaction) {
	if len(t.orders) > 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.committing = t
	}
}

// endTransaction wakes readers that wait for the transaction.
func (s *Store) endTransaction(t *transaction) {
	if len(t.orders) > 0 {
		s.mu.Lock()
		s.committing = nil
		s.mu.Unlock()
	}
	close(t.done)
}

// checkFile ends the store if its path no longer names its file, if another program
// has written to it, or if that cannot be checked. The next process might not find
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
