package storetest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"seatlock/lockstore"
)

// patience is how long a call is repeated that the store could not answer.
const patience = 30 * time.Second

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

// again repeats the call until its outcome is known.
func again(call func() error) error {
	for began := time.Now(); ; {
		err := call()
		if !errors.Is(err, lockstore.ErrUnavailable) && !errors.Is(err, lockstore.ErrOutcomeUnknown) || time.Since(began) > patience {
			return err
		}
	}
}

func (s *askingAgain) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (result lockstore.Result, err error) {
	err = again(func() (err error) {
		result, err = s.LockStore.Do(ctx, ev, op)
		if errors.Is(err, lockstore.ErrOutcomeUnknown) {
			s.unsure.Add(1)
		}
		return err
	})
	return result, err
}

func (s *askingAgain) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (snap lockstore.Snapshot, err error) {
	err = again(func() (err error) {
		snap, err = s.LockStore.List(ctx, ev, since)
		return err
	})
	return snap, err
}

func (s *askingAgain) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	return again(func() error { return s.LockStore.Wait(ctx, ev, since) })
}
