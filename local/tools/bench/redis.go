package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
)

// backend is a Redis of its own for one row, and a client of it.
type backend struct {
	*redistest.Server
	client redis.UniversalClient
}

// startRedis starts a Redis that ends with the context.
func startRedis(ctx context.Context) (*backend, error) {
	dir, err := os.MkdirTemp("", "seatlock-bench-")
	if err != nil {
		return nil, err
	}
	server, err := redistest.Start(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	client, err := redisstore.Client("redis://" + server.Addr)
	if err != nil {
		server.Kill()
		return nil, err
	}
	context.AfterFunc(ctx, func() {
		client.Close()
		server.Kill()
		os.RemoveAll(dir)
	})
	return &backend{server, client}, nil
}

// redisAndHouse is what most rows need: a Redis, and more seats than a round locks.
func redisAndHouse(ctx context.Context) (*backend, venue.Event, error) {
	b, err := startRedis(ctx)
	if err != nil {
		return nil, venue.Event{}, err
	}
	m, err := house(200_000)
	return b, m, err
}

// ours is a round of Lock of n seats on an empty Redis.
func (b *backend) ours(ctx context.Context, ev *lockstore.Event, n int) (float64, error) {
	store, err := b.empty(ctx)
	if err != nil {
		return 0, err
	}
	return lockAll(ctx, store, ev, n)
}

// empty forgets everything, and is a new store.
func (b *backend) empty(ctx context.Context) (*redisstore.Store, error) {
	if err := b.client.FlushAll(ctx).Err(); err != nil {
		return nil, err
	}
	return redisstore.New(b.client, redisstore.Options{})
}

// benchmark returns how many times a second redis-benchmark gets the command done.
func (b *backend) benchmark(ctx context.Context, words ...string) (float64, error) {
	if err := b.client.FlushAll(ctx).Err(); err != nil {
		return 0, err
	}
	_, port, _ := strings.Cut(b.Addr, ":")
	args := append([]string{"-p", port, "-c", strconv.Itoa(callers), "-n", "40000", "-r", "1000000", "--csv"}, words...)
	out, err := exec.CommandContext(ctx, "redis-benchmark", args...).Output()
	if err != nil {
		return 0, fmt.Errorf("redis-benchmark: %w", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	fields := strings.Split(lines[len(lines)-1], ",")
	if len(fields) < 2 {
		return 0, fmt.Errorf("redis-benchmark says %q", out)
	}
	return strconv.ParseFloat(strings.Trim(fields[1], `"`), 64)
}

// lockAll has callers lock group after group of n seats, each for a user of
// its own, for a round, and returns how many locks a second there were.
func lockAll(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event, n int) (float64, error) {
	var next, locks atomic.Int64
	var once sync.Once
	var failed error
	var all sync.WaitGroup
	began := time.Now()
	for range callers {
		all.Go(func() {
			for time.Since(began) < round {
				i := int(next.Add(1)-1) * n
				if i+n > len(ev.Seats) {
					once.Do(func() { failed = errors.New("the house is too small for this machine") })
					return
				}
				if _, err := store.Lock(ctx, ev, ev.Seats[i:i+n], lockstore.UserID("user"+strconv.Itoa(i))); err != nil {
					once.Do(func() { failed = err })
					return
				}
				locks.Add(1)
			}
		})
	}
	all.Wait()
	return float64(locks.Load()) / time.Since(began).Seconds(), failed
}

// redisLock compares Lock, with all that it keeps, with the bare command.
func redisLock(ctx context.Context) (result, error) {
	b, m, err := redisAndHouse(ctx)
	if err != nil {
		return result{}, err
	}
	base, ours, ratio, err := sideBySide(
		func() (float64, error) {
			return b.benchmark(ctx, "SET", "{bench}:seat:__rand_int__", "L1790000000000:user", "NX", "PX", "60000")
		},
		func() (float64, error) { return b.ours(ctx, m.Event, 1) },
	)
	return result{perSecond(base), perSecond(ours), fmt.Sprintf("%.2f", ratio), ratio >= 1}, err
}

// plainSetNX is a store that does as little as can be with the same client: a
// SET NX PX for each seat, on a connection of its own.
type plainSetNX struct {
	lockstore.LockStore
	client redis.UniversalClient
}

func (p plainSetNX) Lock(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
	ok, err := p.client.SetArgs(ctx, "{bench}:seat:"+string(seats[0]), string(user), redis.SetArgs{Mode: "NX", TTL: ev.LockTTL + time.Millisecond}).Result()
	if err == nil && ok != "OK" {
		err = errors.New("the seat is locked")
	}
	return time.Time{}, err
}

// plainClient measures what the client does without us, the same way.
func plainClient(ctx context.Context) (result, error) {
	b, m, err := redisAndHouse(ctx)
	if err != nil {
		return result{}, err
	}
	base, ours, ratio, err := sideBySide(
		func() (float64, error) {
			if _, err := b.empty(ctx); err != nil {
				return 0, err
			}
			return lockAll(ctx, plainSetNX{client: b.client}, m.Event, 1)
		},
		func() (float64, error) { return b.ours(ctx, m.Event, 1) },
	)
	return result{perSecond(base), perSecond(ours), fmt.Sprintf("%.2f", ratio), ratio >= 1}, err
}

// eightSeats compares how long a Lock of one seat and of eight takes.
func eightSeats(ctx context.Context) (result, error) {
	b, m, err := redisAndHouse(ctx)
	if err != nil {
		return result{}, err
	}
	ev, err := lockstore.NewEvent("bench", m.Event.Seats, time.Minute, 8)
	if err != nil {
		return result{}, err
	}
	cost := func(n int) func() (float64, error) {
		return func() (float64, error) {
			rate, err := b.ours(ctx, ev, n)
			return 1e9 / rate, err
		}
	}
	base, ours, ratio, err := sideBySide(cost(1), cost(8))
	return result{micros(base), micros(ours), fmt.Sprintf("%.2f", ratio), ratio <= 4}, err
}

// redisTime returns how long Redis has spent on the commands, in microseconds,
// since the last ConfigResetStat.
func (b *backend) redisTime(ctx context.Context, commands ...string) (float64, error) {
	info, err := b.client.Info(ctx, "commandstats").Result()
	if err != nil {
		return 0, err
	}
	total := 0.0
	for line := range strings.Lines(info) {
		name, stats, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "cmdstat_"), ":")
		if !slices.Contains(commands, name) {
			continue
		}
		_, usec, _ := strings.Cut(stats, "usec=")
		usec, _, _ = strings.Cut(usec, ",")
		v, err := strconv.ParseFloat(usec, 64)
		if err != nil {
			return 0, fmt.Errorf("commandstats says %q", line)
		}
		total += v
	}
	return total, nil
}

// scriptTime is what a Lock costs Redis: the ceiling of all of the above.
func scriptTime(ctx context.Context) (result, error) {
	b, m, err := redisAndHouse(ctx)
	if err != nil {
		return result{}, err
	}
	var perLock, setPart []float64
	for range rounds {
		store, err := b.empty(ctx)
		if err != nil {
			return result{}, err
		}
		if err := b.client.ConfigResetStat(ctx).Err(); err != nil {
			return result{}, err
		}
		rate, err := lockAll(ctx, store, m.Event, 1)
		if err != nil {
			return result{}, err
		}
		script, err := b.redisTime(ctx, "evalsha", "eval")
		if err != nil {
			return result{}, err
		}
		set, err := b.redisTime(ctx, "set")
		if err != nil {
			return result{}, err
		}
		locks := rate * round.Seconds()
		perLock, setPart = append(perLock, script/locks), append(setPart, set/locks)
	}
	script, set := median(perLock), median(setPart)
	return result{fmt.Sprintf("%.1f µs", set), fmt.Sprintf("%.1f µs", script), fmt.Sprintf("%.0f/s at most", 1e6/script), true}, nil
}

// listTime lists 50,000 seats, 20,000 booked and 5,000 locked, again and again.
func listTime(ctx context.Context) (result, error) {
	b, err := startRedis(ctx)
	if err != nil {
		return result{}, err
	}
	store, err := b.soldHouse(ctx)
	if err != nil {
		return result{}, err
	}
	var took []time.Duration
	if err := b.client.ConfigResetStat(ctx).Err(); err != nil {
		return result{}, err
	}
	for began := time.Now(); time.Since(began) < 2*time.Second; {
		start := time.Now()
		snap, err := store.List(ctx, store.ev, "")
		if err != nil {
			return result{}, err
		}
		if len(snap.Seats) != 25_000 {
			return result{}, fmt.Errorf("%d seats are taken, not 25,000", len(snap.Seats))
		}
		took = append(took, time.Since(start))
	}
	usec, err := b.redisTime(ctx, "exec") // which counts what is in it
	if err != nil {
		return result{}, err
	}
	perList, p50 := usec/float64(len(took)), quantile(took, 0.5)
	ok := perList <= 100 && p50 <= 1500*time.Microsecond
	return result{fmt.Sprintf("%.0f µs of Redis", perList), fmt.Sprintf("%.2f ms for the caller", p50.Seconds()*1e3), "p99 " + millis(quantile(took, 0.99)), ok}, nil
}

// A sold house is a store with an event of 50,000 seats, half of them taken.
type sold struct {
	*redisstore.Store
	ev *lockstore.Event
}

func (b *backend) soldHouse(ctx context.Context) (sold, error) {
	m, err := house(50_000)
	if err != nil {
		return sold{}, err
	}
	ev, err := lockstore.NewEvent("bench", m.Event.Seats, time.Hour, 0)
	if err != nil {
		return sold{}, err
	}
	store, err := b.empty(ctx)
	if err != nil {
		return sold{}, err
	}
	if err := sellHalf(ctx, store, ev); err != nil {
		return sold{}, err
	}
	return sold{store, ev}, nil
}

// sellHalf has half of an event of 50,000 seats taken: 20,000 booked, 5,000 locked.
func sellHalf(ctx context.Context, store lockstore.LockStore, ev *lockstore.Event) error {
	for i := 0; i < 25_000; i += lockstore.MaxSeats {
		seats, user := ev.Seats[2*i:2*i+lockstore.MaxSeats], lockstore.UserID("user"+strconv.Itoa(i))
		if _, err := store.Lock(ctx, ev, seats, user); err != nil {
			return err
		}
		if i >= 20_000 {
			continue
		}
		if err := store.Confirm(ctx, ev, seats, user); err != nil {
			return err
		}
	}
	return nil
}

// postLockRedis compares the same call over HTTP on memory and on Redis.
func postLockRedis(ctx context.Context) (result, error) {
	b, m, err := redisAndHouse(ctx)
	if err != nil {
		return result{}, err
	}
	base, ours, ratio, err := sideBySide(
		func() (float64, error) { return lockRound(ctx, m, new(lockstore.Memory), serveOn) },
		func() (float64, error) {
			store, err := b.empty(ctx)
			if err != nil {
				return 0, err
			}
			return lockRound(ctx, m, store, serveOn)
		},
	)
	return result{perSecond(base), perSecond(ours), fmt.Sprintf("%.2f", ratio), ratio >= 0.4}, err
}

// memoryOfSeats measures what an event of 50,000 seats needs in Redis.
func memoryOfSeats(ctx context.Context) (result, error) {
	b, err := startRedis(ctx)
	if err != nil {
		return result{}, err
	}
	if _, err := b.empty(ctx); err != nil {
		return result{}, err
	}
	used := func() (float64, error) {
		info, err := b.client.Info(ctx, "memory").Result()
		if err != nil {
			return 0, err
		}
		_, text, _ := strings.Cut(info, "used_memory:")
		text, _, _ = strings.Cut(text, "\r")
		return strconv.ParseFloat(text, 64)
	}
	before, err := used()
	if err != nil {
		return result{}, err
	}
	if _, err := b.soldHouse(ctx); err != nil {
		return result{}, err
	}
	after, err := used()
	return result{"", fmt.Sprintf("%.1f MB", (after-before)/1e6), "", true}, err
}
