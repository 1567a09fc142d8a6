package boltstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/batch"
)

// leases has the leases of orders that [Store.Due] returned. They are lost when the file
// is closed.
type leases struct {
	mu sync.Mutex
	of map[lockstore.OrderID]lease
}

// A lease keeps an order from being returned again as long as it has the revision.
type lease struct {
	revision int64
	until    int64
}

// Due implements [lockstore.OrderStore].
func (s *Store) Due(ctx context.Context, limit int, lasts time.Duration) (due []lockstore.Order, err error) {
	if err := lockstore.CheckDue(limit, lasts); err != nil {
		return nil, err
	}
	err = s.view(ctx, func(tx *bolt.Tx) error {
		s.leases.mu.Lock()
		defer s.leases.mu.Unlock()
		now := s.clock.now()
		s.leases.forget(now)
		cursor := tx.Bucket(bucketDue).Cursor()
		size := 0
		for key, _ := cursor.First(); key != nil && len(due) < limit && size < orderBytes; key, _ = cursor.Next() {
			if int64(binary.BigEndian.Uint64(key)) > now {
				break
			}
			o, err := indexedOrder(tx, lockstore.OrderID(key[8:]))
			if err != nil {
				return err
			}
			if l, ok := s.leases.of[o.ID]; !ok || l.revision != o.Revision {
				due = append(due, o)
				size += len(o.Body)
			}
		}
		for _, o := range due {
			s.leases.of[o.ID] = lease{o.Revision, now + lasts.Milliseconds()}
		}
		return nil
	})
	return due, err
}

// forget removes the leases that have ended.
func (l *leases) forget(now int64) {
	if l.of == nil {
		l.of = make(map[lockstore.OrderID]lease)
	}
	maps.DeleteFunc(l.of, func(_ lockstore.OrderID, l lease) bool { return l.until <= now })
}

// view calls f with a transaction that reads the orders. It waits while orders are written
// that may not be on the disk yet. f must not use s.mu.
func (s *Store) view(ctx context.Context, f func(*bolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var patience <-chan time.Time
	for {
		tx, committing, err := s.beginView()
		if err != nil {
			return err
		}
		if committing == nil {
			err := f(tx)
			if errors.Is(err, ErrDamaged) {
				err = fmt.Errorf("%w: %s: %w", lockstore.ErrUnavailable, s.path, err)
			}
			return errors.Join(err, tx.Rollback())
		}
		if patience == nil {
			patience = time.After(callTime)
		}
		select {
		case <-committing.done:
		case <-ctx.Done():
			return ctx.Err()
		case <-patience:
			return errSlow
		}
	}
}

// beginView begins a transaction that reads, or returns the one to wait for.
func (s *Store) beginView() (tx *bolt.Tx, committing *transaction, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.failed != nil {
		return nil, nil, s.failed
	}
	if s.committing != nil {
		return nil, s.committing, nil
	}
	tx, err = s.db.Begin(false)
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		err = batch.ErrClosed
	}
	return tx, nil, err
}
