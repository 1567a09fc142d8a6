package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"seatlock/local/tools/internal/testbed"
	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
	"seatlock/lockstore/memstore"
)

// openFile opens a file of seats, and returns its folder too.
func openFile(bed *testbed.Bed) (store *boltstore.Store, dir string, err error) {
	if dir, err = bed.Folder(); err != nil {
		return nil, "", err
	}
	if store, err = boltstore.Open(filepath.Join(dir, "seats")); err != nil {
		return nil, "", err
	}
	bed.OnClose(func() { store.Close() })
	return store, dir, nil
}

// fileLock compares Lock and Confirm, which are on the disk before they are answered,
// with the speed of the disk: bare writes of a page, each followed by a sync.
func fileLock(ctx context.Context, bed *testbed.Bed) (result, error) {
	ev := newEvent("bench", 200_000, seatLimit)
	store, dir, err := openFile(bed)
	if err != nil {
		return result{}, err
	}
	var sold atomic.Int64
	c, err := sideBySide(
		func() (float64, error) { return syncs(dir) },
		func() (float64, error) { return sell(ctx, store, ev, &sold) },
	)
	return result{perSecond(c.base) + " waits", perSecond(c.ours), fmt.Sprintf("%.0f a wait", c.ratio), c.ratio >= 12}, err
}

// syncs returns how often a second a page can be appended to a file and synced.
func syncs(dir string) (float64, error) {
	f, err := os.Create(filepath.Join(dir, "pages"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	page, n, began := make([]byte, 4096), 0, time.Now()
	for ; time.Since(began) < round; n++ {
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

// sell locks and confirms seat after seat for a round, and returns how many calls
// a second there were. sold counts the seats of all rounds.
func sell(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event, sold *atomic.Int64) (float64, error) {
	rate, err := parallel(ctx, callers, round, func(_ int, turns iter.Seq[int]) error {
		for range turns {
			n := int(sold.Add(1))
			if n > len(ev.Seats) {
				return errTooFewSeats
			}
			at := n * 7919 % len(ev.Seats) // all over the event
			for _, op := range []lockstore.Op{lockstore.Lock(user(at), ev.Seats[at]), lockstore.Confirm(user(at), ev.Seats[at])} {
				if _, err := store.Do(ctx, ev, op); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return 2 * rate, err
}

// fileList compares a list with the memory store's.
func fileList(ctx context.Context, bed *testbed.Bed) (result, error) {
	file, _, err := openFile(bed)
	if err != nil {
		return result{}, err
	}
	lists := func(store lockstore.LockStore) (func() (float64, error), error) {
		ev, err := halfTaken(ctx, store)
		return func() (float64, error) {
			took, err := listTimes(ctx, store, ev, "", round)
			return float64(len(took)) / round.Seconds(), err
		}, err
	}
	base, err := lists(new(memstore.Store))
	if err != nil {
		return result{}, err
	}
	ours, err := lists(file)
	if err != nil {
		return result{}, err
	}
	c, err := sideBySide(base, ours)
	return c.atLeast(0.9), err
}
