package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"seatlock/local/tools/internal/testbed"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// growing compares a cost, in nanoseconds, in a small and in a large event.
func growing(unit func(ns float64) string, cost func(*lockstore.Event) (float64, error)) (result, error) {
	small := newEvent("bench", 100, seatLimit)
	large := newEvent("bench", 1_000_000, seatLimit)
	c, err := sideBySide(
		func() (float64, error) { return cost(small) },
		func() (float64, error) { return cost(large) },
	)
	return c.atMost(1.2, unit), err
}

func lockAsItGrows(ctx context.Context, _ *testbed.Bed) (result, error) {
	return growing(nanos, func(ev *lockstore.Event) (float64, error) { return lockNanos(ctx, ev) })
}

// lockNanos returns how long a Lock of an available seat takes in the store. It
// locks the same 100 seats again and again, spread over the event, because random
// seats of a million would measure the processor's caches.
func lockNanos(ctx context.Context, ev *lockstore.Event) (float64, error) {
	var store memstore.Store
	const n = 100
	var locks, releases []lockstore.Op
	for i := range n {
		at := i * len(ev.Seats) / n
		locks = append(locks, lockstore.Lock(user(i), ev.Seats[at:at+1]...))
		releases = append(releases, lockstore.Release(user(i), ev.Seats[at:at+1]...))
	}
	var took time.Duration
	made := 0
	for began := time.Now(); time.Since(began) < round; made += n {
		start := time.Now()
		for _, op := range locks {
			if _, err := store.Do(ctx, ev, op); err != nil {
				return 0, err
			}
		}
		took += time.Since(start)
		for _, op := range releases {
			if _, err := store.Do(ctx, ev, op); err != nil {
				return 0, err
			}
		}
	}
	return float64(took.Nanoseconds()) / float64(made), nil
}

func memoryList(ctx context.Context, _ *testbed.Bed) (result, error) {
	store := new(memstore.Store)
	ev, err := halfTaken(ctx, store)
	if err != nil {
		return result{}, err
	}
	took, err := listTimes(ctx, store, ev, "", 2*time.Second)
	if err != nil {
		return result{}, err
	}
	p50 := quantile(took, 0.5)
	return result{"", forCaller(p50), "p99 " + millis(quantile(took, 0.99)), p50 <= 500*time.Microsecond}, nil
}

// memoryOfEvent measures how much memory an event needs in addition to its layout, with
// the taken seats spread all over it and side by side.
func memoryOfEvent(ctx context.Context, _ *testbed.Bed) (result, error) {
	before := heap()
	large := newEvent("bench", 1_000_000, 0)
	layout := heap() - before
	scattered, err := eventBytes(ctx, large, len(large.Seats)/takenSeats)
	if err != nil {
		return result{}, err
	}
	together, err := eventBytes(ctx, large, 1)
	return result{fmt.Sprintf("%.0f MB", layout/1e6), fmt.Sprintf("%.0f bytes", scattered), fmt.Sprintf("side by side: %.0f bytes", together), true}, err
}

const takenSeats = 1000

// eventBytes returns how many bytes an event of the layout needs in a store when seats
// at a distance of step are taken.
func eventBytes(ctx context.Context, large *lockstore.Event, step int) (float64, error) {
	const events = 10
	before := heap()
	store := new(memstore.Store)
	for n := range events {
		ev, err := lockstore.NewEvent(lockstore.EventID(fmt.Sprintf("bench-%d", n)), large.Layout, large.LockTTL, 0)
		if err != nil {
			return 0, err
		}
		for i := range takenSeats {
			if _, err := store.Do(ctx, ev, lockstore.Lock(user(i), ev.Seats[i*step])); err != nil {
				return 0, err
			}
		}
	}
	after := heap()
	runtime.KeepAlive(store)
	return (after - before) / events, nil
}

// heap returns how many bytes are in use on the heap.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// forCaller renders the time of a list.
func forCaller(d time.Duration) string { return fmt.Sprintf("%.2f ms for the caller", d.Seconds()*1e3) }
