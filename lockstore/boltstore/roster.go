package boltstore

import (
	"context"
	"errors"
	"iter"

	"seatlock/lockstore"
)

// Roster implements [lockstore.LockStore].
func (s *Store) Roster(context.Context, *lockstore.Event, lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
	return "", func(yield func(lockstore.Holding, error) bool) {
		yield(lockstore.Holding{}, errors.ErrUnsupported)
	}
}

// Journal implements [lockstore.LockStore].
func (s *Store) Journal(context.Context, *lockstore.Event, lockstore.Seq, int) ([]lockstore.Entry, error) {
	return nil, errors.ErrUnsupported
}
