package storetest

import (
	"context"
	"errors"
	"iter"
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

// Roster reads the whole roster before it returns, so that it can start over.
func (s *askingAgain) Roster(ctx context.Context, ev *lockstore.Event, f lockstore.Filter) (seq lockstore.Seq, all iter.Seq2[lockstore.Holding, error]) {
	var holdings []lockstore.Holding
	err := history.Repeat(ctx, func() error {
		holdings = nil
		seq, all = s.LockStore.Roster(ctx, ev, f)
		for h, err := range all {
			if err != nil {
				return err
			}
			holdings = append(holdings, h)
		}
		return nil
	})
	return seq, func(yield func(lockstore.Holding, error) bool) {
		for _, h := range holdings {
			if !yield(h, nil) {
				return
			}
		}
		if err != nil {
			yield(lockstore.Holding{}, err)
		}
	}
}

func (s *askingAgain) Journal(ctx context.Context, ev *lockstore.Event, after lockstore.Seq, limit int) (entries []lockstore.Entry, err error) {
	err = history.Repeat(ctx, func() (err error) {
		entries, err = s.LockStore.Journal(ctx, ev, after, limit)
		return err
	})
	return entries, err
}
