package main

import (
	"context"
	"fmt"
	"iter"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
)

// An agedRedis is a Redis with a past: half of the seats were locked by another user,
// and every user who locks seats has had a thousand locks. All of these locks have
// expired.
type agedRedis struct {
	*redisServer
	ev, brief *lockstore.Event // one event, with locks of an hour and of agedLock
}

const (
	agedLimit  = 10
	agedUsers  = 10_000
	agedLapses = 1000
	agedLock   = 20 * time.Millisecond
)

// onAgedRedis starts a Redis for a row.
func onAgedRedis(measure func(context.Context, agedRedis) (result, error)) func(context.Context, *redisServer) (result, error) {
	return func(ctx context.Context, s *redisServer) (result, error) {
		ev := newEvent("bench", redisSeats, agedLimit)
		brief, err := lockstore.NewEvent(ev.ID, ev.Layout, agedLock, 0)
		if err != nil {
			return result{}, err
		}
		return measure(ctx, agedRedis{s, ev, brief})
	}
}

// age empties Redis, gives it its past, and returns a new store.
func (a agedRedis) age(ctx context.Context) (*redisstore.Store, error) {
	store, err := a.empty(ctx)
	if err != nil {
		return nil, err
	}
	lapse := func(user lockstore.UserID, seats []lockstore.SeatID) error {
		_, err := store.Do(ctx, a.brief, lockstore.Lock(user, seats...))
		return err
	}
	for i := 0; i < agedLapses; i += lockstore.MaxSeats {
		if err := lapse(user(0), a.ev.Seats[i:i+lockstore.MaxSeats]); err != nil {
			return nil, err
		}
		time.Sleep(agedLock)
	}
	var half []lockstore.SeatID
	for i := 0; i < len(a.ev.Seats); i += 2 {
		half = append(half, a.ev.Seats[i])
	}
	for i := 0; i < len(half); i += lockstore.MaxSeats {
		if err := lapse(lockstore.UserID(fmt.Sprint("other", i)), half[i:i+lockstore.MaxSeats]); err != nil {
			return nil, err
		}
	}
	time.Sleep(agedLock)
	return store, a.copyPast(ctx)
}

// copyPast gives all users the past of the first one.
func (a agedRedis) copyPast(ctx context.Context) error {
	const atOnce = 100
	for i := 1; i < agedUsers; i += atOnce {
		pipe := a.client.Pipeline()
		for n := i; n < min(i+atOnce, agedUsers); n++ {
			pipe.Copy(ctx, "{bench}:user:"+string(user(0)), "{bench}:user:"+string(user(n)), 0, true)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// lock has the users lock a seat each, in turn, for a round.
func (a agedRedis) lock(ctx context.Context, store lockstore.LockStore) (float64, error) {
	return parallel(ctx, callers, round, func(_ int, turns iter.Seq[int]) error {
		for turn := range turns {
			if turn >= min(len(a.ev.Seats), agedLimit*agedUsers) {
				return errTooFewSeats
			}
			if _, err := store.Do(ctx, a.ev, lockstore.Lock(user(turn%agedUsers), a.ev.Seats[turn])); err != nil {
				return err
			}
		}
		return nil
	})
}

// agedRedisLock compares Lock with the bare command.
func agedRedisLock(ctx context.Context, a agedRedis) (result, error) {
	c, err := sideBySide(
		func() (float64, error) { return a.bareSetNX(ctx) },
		func() (float64, error) {
			store, err := a.age(ctx)
			if err != nil {
				return 0, err
			}
			return a.lock(ctx, store)
		},
	)
	return c.atLeast(0.8), err
}

// agedScriptTime measures what a Lock costs Redis.
func agedScriptTime(ctx context.Context, a agedRedis) (result, error) {
	return a.scriptTime(ctx, maxScriptTime, a.age, func(store lockstore.LockStore) (float64, error) { return a.lock(ctx, store) })
}

// stormCycles is how many locks one caller can make and release in ten minutes over a
// fast network.
const stormCycles = 1_800_000

// lockReleaseStorm measures the memory that released locks leave in Redis.
func lockReleaseStorm(ctx context.Context, s *redisServer) (result, error) {
	store, err := s.empty(ctx)
	if err != nil {
		return result{}, err
	}
	ev := newEvent("bench", callers, 0)
	var before float64
	storm := func(cycles int) error {
		_, err := parallel(ctx, callers, time.Hour, func(worker int, turns iter.Seq[int]) error {
			for turn := range turns {
				if turn >= cycles {
					return nil
				}
				for _, op := range []lockstore.Op{lockstore.Lock(user(turn), ev.Seats[worker]), lockstore.Release(user(turn), ev.Seats[worker])} {
					if _, err := store.Do(ctx, ev, op); err != nil {
						return err
					}
				}
			}
			return nil
		})
		return err
	}
	if err := storm(callers); err != nil {
		return result{}, err
	}
	if before, err = s.memory(ctx, "used_memory"); err != nil {
		return result{}, err
	}
	if err := storm(stormCycles); err != nil {
		return result{}, err
	}
	after, err := s.memory(ctx, "used_memory")
	left := (after - before) / 1e6
	return result{"", fmt.Sprintf("%.1f MB", left), "", left <= 5}, err
}
