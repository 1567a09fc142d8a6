package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/local/tools/internal/testbed"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/redisstore"
)

// A redisServer is the Redis of one row, with a client.
type redisServer struct {
	*testbed.Redis
	client redis.UniversalClient
}

// redisSeats is the number of seats of an event: more than a round locks.
const redisSeats = 200_000

// onRedis starts a Redis for a row.
func onRedis(measure func(context.Context, *redisServer) (result, error)) func(context.Context, *testbed.Bed) (result, error) {
	return func(ctx context.Context, bed *testbed.Bed) (result, error) {
		server, err := bed.Redis()
		if err != nil {
			return result{}, err
		}
		client, err := redisstore.Client(server.URL())
		if err != nil {
			return result{}, err
		}
		bed.OnClose(func() { client.Close() })
		return measure(ctx, &redisServer{server, client})
	}
}

// empty deletes everything and returns a new store.
func (s *redisServer) empty(ctx context.Context) (*redisstore.Store, error) {
	if err := s.flush(ctx); err != nil {
		return nil, err
	}
	return redisstore.New(s.client, redisstore.Options{})
}

// flush deletes everything, and returns when Redis has freed the memory.
func (s *redisServer) flush(ctx context.Context) error {
	if err := s.client.FlushAllAsync(ctx).Err(); err != nil {
		return err
	}
	for {
		pending, err := s.memory(ctx, "lazyfree_pending_objects")
		if err != nil || pending == 0 {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// lockRound locks groups of n seats on an empty Redis for a round.
func (s *redisServer) lockRound(ctx context.Context, ev *lockstore.Event, n int) (float64, error) {
	store, err := s.empty(ctx)
	if err != nil {
		return 0, err
	}
	return lockAll(ctx, store, ev, callers, n)
}

// benchmark returns how often a second redis-benchmark carries out the command.
func (s *redisServer) benchmark(ctx context.Context, words ...string) (float64, error) {
	if err := s.flush(ctx); err != nil {
		return 0, err
	}
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return 0, err
	}
	args := append([]string{"-p", port, "-c", strconv.Itoa(callers), "-n", "40000", "-r", "1000000", "--csv"}, words...)
	out, err := exec.CommandContext(ctx, "redis-benchmark", args...).Output()
	if err != nil {
		return 0, fmt.Errorf("redis-benchmark: %w", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	fields := strings.Split(lines[len(lines)-1], ",")
	if len(fields) < 2 {
		return 0, fmt.Errorf("redis-benchmark printed %q", out)
	}
	return strconv.ParseFloat(strings.Trim(fields[1], `"`), 64)
}

// bareSetNX is benchmark with the least that a lock must do.
func (s *redisServer) bareSetNX(ctx context.Context) (float64, error) {
	return s.benchmark(ctx, "SET", "{bench}:seat:__rand_int__", "l1790000000000-1790000060000:user", "NX", "PX", "60000")
}

// redisLock compares Lock, with all its bookkeeping, with the bare command.
func redisLock(ctx context.Context, s *redisServer) (result, error) {
	ev := newEvent("bench", redisSeats, seatLimit)
	c, err := sideBySide(
		func() (float64, error) { return s.bareSetNX(ctx) },
		func() (float64, error) { return s.lockRound(ctx, ev, 1) },
	)
	return c.atLeast(1), err
}

// A plainSetNX is a store that does the minimum with the same client: a SET NX PX for
// each seat, on a connection of its own.
type plainSetNX struct {
	lockstore.LockStore
	client redis.UniversalClient
}

func (p plainSetNX) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	ok, err := p.client.SetArgs(ctx, "{bench}:seat:"+string(op.Seats[0]), string(op.User), redis.SetArgs{Mode: "NX", TTL: ev.LockTTL + time.Millisecond}).Result()
	if err == nil && ok != "OK" {
		err = errors.New("the seat is locked")
	}
	return lockstore.Result{}, err
}

// plainClient compares Lock with the bare command through the same client.
func plainClient(ctx context.Context, s *redisServer) (result, error) {
	ev := newEvent("bench", redisSeats, seatLimit)
	c, err := sideBySide(
		func() (float64, error) {
			if _, err := s.empty(ctx); err != nil {
				return 0, err
			}
			return lockAll(ctx, plainSetNX{client: s.client}, ev, callers, 1)
		},
		func() (float64, error) { return s.lockRound(ctx, ev, 1) },
	)
	return c.atLeast(1), err
}

// eightSeats compares how long a Lock of one seat and of eight takes.
func eightSeats(ctx context.Context, s *redisServer) (result, error) {
	ev := newEvent("bench", redisSeats, seatLimit)
	cost := func(n int) func() (float64, error) {
		return func() (float64, error) {
			rate, err := s.lockRound(ctx, ev, n)
			return 1e9 / rate, err
		}
	}
	c, err := sideBySide(cost(1), cost(8))
	return c.atMost(4, micros), err
}

// redisTime returns how long Redis has spent on the commands, in microseconds,
// since the last ConfigResetStat.
func (s *redisServer) redisTime(ctx context.Context, commands ...string) (float64, error) {
	info, err := s.client.Info(ctx, "commandstats").Result()
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
			return 0, fmt.Errorf("commandstats has %q", line)
		}
		total += v
	}
	return total, nil
}

// The microseconds of Redis that a Lock may take, for one seat and for 200.
const (
	maxScriptTime      = 12
	maxLargeScriptTime = 4000
)

// scriptTime measures what a Lock of a new user costs Redis, which is the limit for all
// of the rows above.
func scriptTime(ctx context.Context, s *redisServer) (result, error) {
	ev := newEvent("bench", redisSeats, seatLimit)
	return s.scriptTime(ctx, maxScriptTime, s.empty, func(store lockstore.LockStore) (float64, error) {
		return lockAll(ctx, store, ev, callers, 1)
	})
}

// scriptTime measures what the locks of a round cost Redis. The goal is in microseconds
// for each lock.
func (s *redisServer) scriptTime(ctx context.Context, goal float64, prepare func(context.Context) (*redisstore.Store, error), lock func(lockstore.LockStore) (float64, error)) (result, error) {
	var perLock, setPart []float64
	for range rounds {
		store, err := prepare(ctx)
		if err != nil {
			return result{}, err
		}
		if err := s.client.ConfigResetStat(ctx).Err(); err != nil {
			return result{}, err
		}
		rate, err := lock(store)
		if err != nil {
			return result{}, err
		}
		script, err := s.redisTime(ctx, "evalsha", "eval")
		if err != nil {
			return result{}, err
		}
		set, err := s.redisTime(ctx, "set")
		if err != nil {
			return result{}, err
		}
		locks := rate * round.Seconds()
		perLock, setPart = append(perLock, script/locks), append(setPart, set/locks)
	}
	script, set := median(perLock), median(setPart)
	return result{fmt.Sprintf("%.1f µs", set), fmt.Sprintf("%.1f µs", script), fmt.Sprintf("%.0f/s at most", 1e6/script), script <= goal}, nil
}

func redisList(ctx context.Context, s *redisServer) (result, error) {
	store, err := s.empty(ctx)
	if err != nil {
		return result{}, err
	}
	ev, err := halfTaken(ctx, store)
	if err != nil {
		return result{}, err
	}
	if err := s.client.ConfigResetStat(ctx).Err(); err != nil {
		return result{}, err
	}
	took, err := listTimes(ctx, store, ev, "", 2*time.Second)
	if err != nil {
		return result{}, err
	}
	usec, err := s.redisTime(ctx, "exec") // which includes the commands of the transaction
	if err != nil {
		return result{}, err
	}
	perList, p50 := usec/float64(len(took)), quantile(took, 0.5)
	ok := perList <= 100 && p50 <= time.Millisecond
	return result{fmt.Sprintf("%.0f µs of Redis", perList), forCaller(p50), "p99 " + millis(quantile(took, 0.99)), ok}, nil
}

// postLockRedis compares the same call over HTTP on memory and on Redis.
func postLockRedis(ctx context.Context, s *redisServer) (result, error) {
	ev := newEvent("bench", redisSeats, seatLimit)
	c, err := sideBySide(
		func() (float64, error) { return lockRound(ctx, ev, new(memstore.Store)) },
		func() (float64, error) {
			store, err := s.empty(ctx)
			if err != nil {
				return 0, err
			}
			return lockRound(ctx, ev, store)
		},
	)
	return c.atLeast(0.5), err
}

// memoryOfSeats measures how much memory Redis needs for an event.
func memoryOfSeats(ctx context.Context, s *redisServer) (result, error) {
	store, err := s.empty(ctx)
	if err != nil {
		return result{}, err
	}
	before, err := s.memory(ctx, "used_memory")
	if err != nil {
		return result{}, err
	}
	if _, err := halfTaken(ctx, store); err != nil {
		return result{}, err
	}
	after, err := s.memory(ctx, "used_memory")
	return result{"", fmt.Sprintf("%.1f MB", (after-before)/1e6), "", true}, err
}

// memory returns a figure of the memory section of INFO.
func (s *redisServer) memory(ctx context.Context, name string) (float64, error) {
	info, err := s.client.Info(ctx, "memory").Result()
	if err != nil {
		return 0, err
	}
	_, text, _ := strings.Cut(info, "\n"+name+":")
	text, _, _ = strings.Cut(text, "\r")
	return strconv.ParseFloat(text, 64)
}
