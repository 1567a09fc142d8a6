package storetest

import (
	"context"
	"errors"
	"sync/atomic"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// askingAgain repeats the calls that the store could not answer because the
// machine was busy. The contract says that this is safe.
type askingAgain struct {
	lockstore.LockStore
	unsure atomic.Int64 // operations that were repeated after an unknown outcome
}

// direct returns the store without the repeats.
func direct(s lockstore.LockStore) lockstore.LockStore {
	if a, ok := s.(*askingAgain); ok {
		return a.LockStore
	}
	return s
}

func (s *askingAgain) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (result lockstore.Result, err error) {
	err = history.Repeat(ctx, func() (err error) {
		result, err = s.LockStore.Do(ctx, ev, op)
		if errors.Is(err, lockstore.ErrOutcomeUnknown) {
			s.unsure.Add(1)
		}
		return err
	})
	return result, err
}

func (s *askingAgain) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (snap lockstore.Snapshot, err error) {
	err = history.Repeat(ctx, func() (err error) {
		snap, err = s.LockStore.List(ctx, ev, since)
		return err
	})
	return snap, err
}

func (s *askingAgain) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	return history.Repeat(ctx, func() error { return s.LockStore.Wait(ctx, ev, since) })
}
