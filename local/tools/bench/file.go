package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
)

// openSeats opens a file of its own, in a folder that is gone when the context ends.
func openSeats(ctx context.Context) (store *boltstore.Store, dir string, err error) {
	dir, err = os.MkdirTemp("", "seatlock-bench-")
	if err != nil {
		return nil, "", err
	}
	store, err = boltstore.Open(filepath.Join(dir, "seats"))
	if err != nil {
		return nil, "", errors.Join(err, os.RemoveAll(dir))
	}
	context.AfterFunc(ctx, func() {
		store.Close()
		os.RemoveAll(dir)
	})
	return store, dir, nil
}

// fileLock compares Lock and Confirm, all of which are on the disk before they
// are answered, with what the disk can do: a bare write of a page and a wait for
// it, one after the other.
func fileLock(ctx context.Context) (result, error) {
	m, err := house(200_000)
	if err != nil {
		return result{}, err
	}
	store, dir, err := openSeats(ctx)
	if err != nil {
		return result{}, err
	}
	var sold atomic.Int64
	b, o, ratio, err := sideBySide(
		func() (float64, error) { return syncs(dir) },
		func() (float64, error) { return sell(ctx, store, m.Event, &sold) },
	)
	return result{perSecond(b) + " waits", perSecond(o), fmt.Sprintf("%.0f a wait", ratio), o >= 10_000}, err
}

// syncs returns how often a second a page can be added to a file and waited for.
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

// sell has callers lock and confirm seat after seat, for a round, and returns
// how many calls a second there were.
func sell(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event, sold *atomic.Int64) (float64, error) {
	var calls atomic.Int64
	errs := make([]error, callers)
	var all sync.WaitGroup
	began := time.Now()
	for caller := range callers {
		all.Go(func() {
			for errs[caller] == nil && time.Since(began) < round {
				n := int(sold.Add(1))
				if n > len(ev.Seats) {
					errs[caller] = errors.New("the house is too small for this machine")
					return
				}
				i := n * 7919 % len(ev.Seats) // all over the house
				user := lockstore.UserID("user" + strconv.Itoa(i))
				if _, errs[caller] = store.Lock(ctx, ev, ev.Seats[i:i+1], user); errs[caller] != nil {
					return
				}
				errs[caller] = store.Confirm(ctx, ev, ev.Seats[i:i+1], user)
				calls.Add(2)
			}
		})
	}
	all.Wait()
	return float64(calls.Load()) / time.Since(began).Seconds(), errors.Join(errs...)
}

// fileList compares a list of 50,000 seats, half of them taken, with Memory's.
func fileList(ctx context.Context) (result, error) {
	m, err := house(50_000)
	if err != nil {
		return result{}, err
	}
	file, _, err := openSeats(ctx)
	if err != nil {
		return result{}, err
	}
	memory := new(lockstore.Memory)
	for i := 0; i < len(m.Event.Seats); i += 2 * 4 {
		for _, store := range []lockstore.LockStore{memory, file} {
			if _, err := store.Lock(ctx, m.Event, m.Event.Seats[i:i+4], lockstore.UserID("user"+strconv.Itoa(i))); err != nil {
				return result{}, err
			}
			if err := store.Confirm(ctx, m.Event, m.Event.Seats[i:i+4], lockstore.UserID("user"+strconv.Itoa(i))); err != nil {
				return result{}, err
			}
		}
	}
	b, o, ratio, err := sideBySide(
		func() (float64, error) { return lists(ctx, memory, m.Event) },
		func() (float64, error) { return lists(ctx, file, m.Event) },
	)
	return result{perSecond(b), perSecond(o), fmt.Sprintf("%.2f", ratio), ratio >= 0.9}, err
}

// lists returns how many full lists a second one caller gets.
func lists(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event) (float64, error) {
	n, began := 0, time.Now()
	for ; time.Since(began) < round; n++ {
		if _, err := store.List(ctx, ev, ""); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}
