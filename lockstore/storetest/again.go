package storetest

import (
	"context"
	"errors"
	"time"

	"seatlock/lockstore"
)

// askingAgain repeats the calls that failed because the backend was busy: the
// contract calls that safe.
type askingAgain struct {
	lockstore.LockStore
}

// again repeats the call until its outcome is known, but gives up in the end.
func again(call func() error) error {
	for began := time.Now(); ; {
		err := call()
		if !errors.Is(err, lockstore.ErrUnavailable) && !errors.Is(err, lockstore.ErrOutcomeUnknown) || time.Since(began) > 30*time.Second {
			return err
		}
	}
}

func (s askingAgain) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (result lockstore.Result, err error) {
	err = again(func() (err error) {
		result, err = s.LockStore.Do(ctx, ev, op)
		return err
	})
	return result, err
}

func (s askingAgain) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (snap lockstore.Snapshot, err error) {
	err = again(func() (err error) {
		snap, err = s.LockStore.List(ctx, ev, since)
		return err
	})
	return snap, err
}

func (s askingAgain) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	return again(func() error { return s.LockStore.Wait(ctx, ev, since) })
}
