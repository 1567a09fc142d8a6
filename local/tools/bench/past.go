package main

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"seatlock/local/tools/internal/testbed"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// pasts are how many locks of a user have expired before the user's calls are
// measured. The others are compared with the first.
var pasts = []int{0, 256, 1000, 10_000}

const (
	pastCallers = 8 // of one user; at most pastLimit
	pastLimit   = 10
	pastLock    = 20 * time.Millisecond
)

// pastOf measures whether the cost of a call grows with the expired locks of its user.
func pastOf(ctx context.Context, store lockstore.LockStore) (result, error) {
	var events []*lockstore.Event
	for _, lapses := range pasts {
		ev := newEvent(lockstore.EventID(fmt.Sprint("past-", lapses)), lapses+pastCallers, pastLimit)
		if err := lapse(ctx, store, ev, lapses); err != nil {
			return result{}, err
		}
		events = append(events, ev)
	}
	times, ratios := make([][]float64, len(pasts)), make([][]float64, len(pasts))
	for i := range rounds + 1 {
		var first float64
		for n, ev := range events {
			ns, err := costOfCall(ctx, store, ev)
			if err != nil {
				return result{}, err
			}
			if n == 0 {
				first = ns
			}
			if i > 0 { // the first round warms up
				times[n], ratios[n] = append(times[n], ns), append(ratios[n], ns/first)
			}
		}
	}
	var ours []string
	for _, all := range times {
		ours = append(ours, micros(median(all)))
	}
	ratio := median(ratios[len(pasts)-1])
	return result{ours[0], strings.Join(ours[1:], ", "), fmt.Sprintf("%.2f", ratio), ratio <= 1.5}, nil
}

// lapse lets this many locks of the user expire, of all but the last seats.
func lapse(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event, locks int) error {
	brief, err := lockstore.NewEvent(ev.ID, ev.Layout, pastLock, 0)
	if err != nil {
		return err
	}
	for i := 0; i < locks; i += lockstore.MaxSeats {
		seats := ev.Seats[i:min(i+lockstore.MaxSeats, locks)]
		if _, err := store.Do(ctx, brief, lockstore.Lock(user(0), seats...)); err != nil {
			return err
		}
	}
	time.Sleep(2 * pastLock)
	return nil
}

// costOfCall has callers of the one user lock and release a seat each for a
// round, and returns how long a call takes.
func costOfCall(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event) (ns float64, err error) {
	rate, err := parallel(ctx, pastCallers, round, func(worker int, turns iter.Seq[int]) error {
		seat := ev.Seats[len(ev.Seats)-1-worker]
		for range turns {
			for _, op := range []lockstore.Op{lockstore.Lock(user(0), seat), lockstore.Release(user(0), seat)} {
				if _, err := store.Do(ctx, ev, op); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return 1e9 / (2 * rate), err
}

func memoryPast(ctx context.Context, _ *testbed.Bed) (result, error) {
	return pastOf(ctx, new(memstore.Store))
}

func filePast(ctx context.Context, bed *testbed.Bed) (result, error) {
	store, _, err := openFile(bed)
	if err != nil {
		return result{}, err
	}
	return pastOf(ctx, store)
}

func redisPast(ctx context.Context, s *redisServer) (result, error) {
	store, err := s.empty(ctx)
	if err != nil {
		return result{}, err
	}
	return pastOf(ctx, store)
}
