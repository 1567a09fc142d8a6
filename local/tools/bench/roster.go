package main

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"seatlock/local/tools/internal/testbed"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// A reader measures a roster or a journal.
type reader func(ctx context.Context, store lockstore.LockStore) (result, error)

// wholeRoster measures the roster of 50,000 seats, half taken.
func wholeRoster(ctx context.Context, store lockstore.LockStore) (result, error) {
	ev, err := halfTaken(ctx, store)
	if err != nil {
		return result{}, err
	}
	took, err := rosterTimes(ctx, store, ev, lockstore.Filter{}, len(ev.Seats)/2, 2*time.Second)
	if err != nil {
		return result{}, err
	}
	p50 := quantile(took, 0.5)
	return result{"", forCaller(p50), "p99 " + millis(quantile(took, 0.99)), p50 <= 150*time.Millisecond}, nil
}

// userRoster measures the roster of a user who has eight of 50,000 seats.
func userRoster(ctx context.Context, store lockstore.LockStore) (result, error) {
	ev, err := halfTaken(ctx, store)
	if err != nil {
		return result{}, err
	}
	var own []lockstore.SeatID
	for n := range 8 {
		own = append(own, ev.Seats[len(ev.Seats)-1-n]) // the last ones are free
	}
	if _, err := store.Do(ctx, ev, lockstore.Lock("ann", own...)); err != nil {
		return result{}, err
	}
	took, err := rosterTimes(ctx, store, ev, lockstore.Filter{User: "ann"}, len(own), time.Second)
	if err != nil {
		return result{}, err
	}
	p50 := quantile(took, 0.5)
	return result{"", forCaller(p50), "p99 " + millis(quantile(took, 0.99)), p50 <= time.Millisecond}, nil
}

// rosterTimes reads a roster, which must have want seats, again and again for d, and
// returns how long each took.
func rosterTimes(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event, f lockstore.Filter, want int, d time.Duration) ([]time.Duration, error) {
	var took []time.Duration
	for began := time.Now(); time.Since(began) < d; {
		start := time.Now()
		if err := readRoster(ctx, store, ev, f, want); err != nil {
			return nil, err
		}
		took = append(took, time.Since(start))
	}
	return took, nil
}

// readRoster reads a roster, which must have want seats.
func readRoster(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event, f lockstore.Filter, want int) error {
	n := 0
	_, holdings := store.Roster(ctx, ev, f)
	for _, err := range holdings {
		if err != nil {
			return err
		}
		n++
	}
	if n != want {
		return fmt.Errorf("a roster has %d seats, not %d", n, want)
	}
	return nil
}

// journalPage measures a page of 1,000 entries of one seat each, out of 10,000. A store may
// number entries when they are read for the first time, so those pages are shown apart, too.
func journalPage(ctx context.Context, store lockstore.LockStore) (result, error) {
	ev := newEvent("journal", 10_000, 0)
	if err := take(lockstore.KindBook)(ctx, store, ev, len(ev.Seats)); err != nil {
		return result{}, err
	}
	var took, first []time.Duration
	var after lockstore.Seq
	for began := time.Now(); first == nil || time.Since(began) < 2*time.Second; {
		if err := ctx.Err(); err != nil {
			return result{}, err
		}
		start := time.Now()
		entries, err := store.Journal(ctx, ev, after, lockstore.MaxEntries)
		if err != nil {
			return result{}, err
		}
		if len(entries) < lockstore.MaxEntries { // the end
			if len(took) == 0 {
				return result{}, fmt.Errorf("the journal has no page of %d entries", lockstore.MaxEntries)
			}
			if first == nil {
				first = slices.Clone(took)
			}
			after = ""
			continue
		}
		took = append(took, time.Since(start))
		after = entries[len(entries)-1].Seq
	}
	p50 := quantile(took, 0.5)
	return result{"read for the first time: " + millis(quantile(first, 0.5)), forCaller(p50), "p99 " + millis(quantile(took, 0.99)), p50 <= 5*time.Millisecond}, nil
}

// ofMemory, ofFile, ofRedis and ofPostgres measure a reader on a new store.
func ofMemory(r reader) func(context.Context, *testbed.Bed) (result, error) {
	return func(ctx context.Context, _ *testbed.Bed) (result, error) { return r(ctx, new(memstore.Store)) }
}

func ofFile(r reader) func(context.Context, *testbed.Bed) (result, error) {
	return func(ctx context.Context, bed *testbed.Bed) (result, error) {
		store, _, err := openFile(bed)
		if err != nil {
			return result{}, err
		}
		return r(ctx, store)
	}
}

func ofRedis(r reader) func(context.Context, *testbed.Bed) (result, error) {
	return onRedis(func(ctx context.Context, s *redisServer) (result, error) {
		store, err := s.empty(ctx)
		if err != nil {
			return result{}, err
		}
		return r(ctx, store)
	})
}

func ofPostgres(r reader) func(context.Context, *testbed.Bed) (result, error) {
	return onPostgres(func(ctx context.Context, d *database) (result, error) { return r(ctx, d.store) })
}

// slowCommands measures whether the roster of 50,000 seats, half taken, blocks Redis for
// more than 2 ms at a time.
func slowCommands(ctx context.Context, s *redisServer) (result, error) {
	store, err := s.empty(ctx)
	if err != nil {
		return result{}, err
	}
	ev, err := halfTaken(ctx, store)
	if err != nil {
		return result{}, err
	}
	const rosters = 20
	took := make([]time.Duration, 0, rosters)
	for range rosters {
		if err := s.client.ConfigSet(ctx, "slowlog-log-slower-than", "0").Err(); err != nil {
			return result{}, err
		}
		if err := s.client.Do(ctx, "slowlog", "reset").Err(); err != nil {
			return result{}, err
		}
		if err := s.client.ConfigSet(ctx, "slowlog-max-len", "100000").Err(); err != nil {
			return result{}, err
		}
		if err := readRoster(ctx, store, ev, lockstore.Filter{}, len(ev.Seats)/2); err != nil {
			return result{}, err
		}
		all, err := s.client.SlowLogGet(ctx, -1).Result()
		if err != nil {
			return result{}, err
		}
		var longest time.Duration
		for _, command := range all {
			longest = max(longest, command.Duration)
		}
		took = append(took, longest)
	}
	p50 := quantile(took, 0.5)
	return result{"", millis(p50) + " of Redis", "the longest " + millis(quantile(took, 1)), p50 <= 2*time.Millisecond}, nil
}

// largeLock measures a Lock of 200 seats. With more than two callers at once, calls
// would time out.
func largeLock(ctx context.Context, s *redisServer) (result, error) {
	return s.scriptTime(ctx, maxLargeScriptTime, s.empty, func(store lockstore.LockStore) (float64, error) {
		return lockAll(ctx, store, newEvent("bench", redisSeats, 0), 2, lockstore.MaxSeats)
	})
}

// putOrders measures how many orders a second 64 callers can put.
func putOrders(ctx context.Context, store lockstore.OrderStore, goal float64) (result, error) {
	body := make([]byte, 500)
	rate := func() (float64, error) {
		run := time.Now().UnixNano()
		return parallel(ctx, callers, round, func(worker int, turns iter.Seq[int]) error {
			for turn := range turns {
				id := lockstore.OrderID(fmt.Sprintf("%d-%d-%d", run, worker, turn))
				if _, err := store.Put(ctx, lockstore.Order{ID: id, Event: "gala", Due: time.Now(), Body: body}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	var rates []float64
	for i := range rounds + 1 {
		r, err := rate()
		if err != nil {
			return result{}, err
		}
		if i > 0 { // the first round warms up
			rates = append(rates, r)
		}
	}
	m := median(rates)
	return result{"", perSecond(m), "", m >= goal}, nil
}

// filePut also shows the speed of the disk in the same run, since that differs most between
// machines.
func filePut(ctx context.Context, bed *testbed.Bed) (result, error) {
	store, dir, err := openFile(bed)
	if err != nil {
		return result{}, err
	}
	waits, err := syncs(dir)
	if err != nil {
		return result{}, err
	}
	r, err := putOrders(ctx, store, 5000)
	r.base = perSecond(waits) + " waits"
	return r, err
}

func redisPut(ctx context.Context, s *redisServer) (result, error) {
	store, err := s.empty(ctx)
	if err != nil {
		return result{}, err
	}
	return putOrders(ctx, store, 20_000)
}
