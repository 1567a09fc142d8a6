package storetest

import (
	"context"
	"errors"
	"time"

	"seatlock/lockstore"
)

// askingAgain is a store on a server of a busy machine: what was not done, or
// is not known to have been, is asked for again, which the contract calls safe.
type askingAgain struct {
	lockstore.LockStore
}

// again calls until there is an answer, or for so long that it is no use.
func again(call func() error) error {
	for began := time.Now(); ; {
		err := call()
		if !errors.Is(err, lockstore.ErrUnavailable) && !errors.Is(err, lockstore.ErrOutcomeUnknown) || time.Since(began) > 30*time.Second {
			return err
		}
	}
}

func (s askingAgain) Lock(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (expires time.Time, err error) {
	err = again(func() (err error) {
		expires, err = s.LockStore.Lock(ctx, ev, seats, user)
		return err
	})
	return expires, err
}

func (s askingAgain) Confirm(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	return again(func() error { return s.LockStore.Confirm(ctx, ev, seats, user) })
}

func (s askingAgain) Release(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	return again(func() error { return s.LockStore.Release(ctx, ev, seats, user) })
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
