package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

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
	b, err := startRedis(ctx)
	if err != nil {
		return result{}, err
	}
	m, err := house(200_000)
	if err != nil {
		return result{}, err
	}
	base, ours, ratio, err := sideBySide(
		func() (float64, error) {
			return b.benchmark(ctx, "SET", "{bench}:seat:__rand_int__", "L1790000000000:user", "NX", "PX", "60000")
		},
		func() (float64, error) {
			store, err := b.empty(ctx)
			if err != nil {
				return 0, err
			}
			return lockAll(ctx, store, m.Event, 1)
		},
	)
	return result{perSecond(base), perSecond(ours), fmt.Sprintf("%.2f", ratio), ratio >= 1}, err
}
