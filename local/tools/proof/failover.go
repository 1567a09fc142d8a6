package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/local/tools/internal/testbed"
	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/storetest/faults"
	"seatlock/lockstore/storetest/history"
)

// inRounds runs a row n times, scaled, each on servers of its own.
func inRounds(n int, round func(ctx context.Context, t *trial, number int) (tally, error)) func(context.Context, *trial) (tally, error) {
	return func(ctx context.Context, t *trial) (tally, error) {
		var all tally
		for i := range t.times(n) {
			one := &trial{settings: t.settings}
			counted, err := round(ctx, one, i)
			one.Close()
			all.add(counted)
			if err != nil {
				return all, err
			}
		}
		return all, nil
	}
}

// failover plays while a server fails, and audits the store that takes over. It books
// more than other rows do, because a failover must not lose bookings; locks and releases
// may be lost with the master.
func (t *trial) failover(ctx context.Context, store lockstore.LockStore, after func() (lockstore.LockStore, error), fail func(context.Context) error) (tally, error) {
	c := newCampaign(t.settings, "failover", store, 24)
	c.unjudged = true
	c.plan.Plain = true
	c.plan.TTL = 500 * time.Millisecond
	c.plan.Seats = 7
	err := c.playDuring(ctx, func(ctx context.Context) error {
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
		if err := fail(ctx); err != nil {
			return err
		}
		c.tally.faults++
		return sleep(ctx, 2*time.Second)
	})
	if err != nil {
		return c.tally, err
	}
	if c.store, err = after(); err != nil {
		return c.tally, err
	}
	return c.audit(ctx)
}

// redisAfter returns a function for failover that opens a store at the URL. It waits for
// no replica, since there is none any more.
func (t *trial) redisAfter(url string) func() (lockstore.LockStore, error) {
	return func() (lockstore.LockStore, error) { return t.redisStore(url, redisstore.Options{}) }
}

// promoted freezes the link to a replica under load, kills the master and
// promotes the replica.
func promoted(wait int) func(context.Context, *trial) (tally, error) {
	return inRounds(8, func(ctx context.Context, t *trial, _ int) (tally, error) {
		p, err := t.pair(ctx)
		if err != nil {
			return tally{}, err
		}
		front, err := t.Proxy(p.master.Addr) // clients know only its address
		if err != nil {
			return tally{}, err
		}
		store, err := t.redisStore("redis://"+front.Addr, redisstore.Options{Replicas: wait})
		if err != nil {
			return tally{}, err
		}
		return t.failover(ctx, store, t.redisAfter(p.replica.URL()), func(ctx context.Context) error {
			if err := p.fail(ctx); err != nil {
				return err
			}
			if err := promote(ctx, p.replica.Addr); err != nil {
				return err
			}
			front.Redirect(p.replica.Addr)
			return nil
		})
	})
}

// succeeded does the same to a master that three Sentinels monitor. They then promote its
// replica, and the clients must find it by themselves.
func succeeded(wait int) func(context.Context, *trial) (tally, error) {
	return inRounds(5, func(ctx context.Context, t *trial, _ int) (tally, error) {
		p, err := t.pair(ctx)
		if err != nil {
			return tally{}, err
		}
		sentinels, err := t.Sentinels(ctx, p.master.Server, 3)
		if err != nil {
			return tally{}, err
		}
		if err := sentinels.Await(ctx, p.master.Addr); err != nil {
			return tally{}, err
		}
		store, err := t.redisStore(sentinels.URL(), redisstore.Options{Replicas: wait})
		if err != nil {
			return tally{}, err
		}
		return t.failover(ctx, store, t.redisAfter(sentinels.URL()), func(ctx context.Context) error {
			if err := sleep(ctx, 2*time.Second); err != nil {
				return err
			}
			if err := p.fail(ctx); err != nil {
				return err
			}
			if err := sentinels.Await(ctx, p.replica.Addr); err != nil {
				return err
			}
			return awaitStore(ctx, store)
		})
	})
}

// A pair is a master and its replica.
type pair struct {
	master, replica *testbed.Redis
	link            *faults.Proxy // over which the replica follows the master
}

// pair starts a pair and returns it once the replica is up to date.
func (t *trial) pair(ctx context.Context) (p pair, err error) {
	if p.master, err = t.Redis("--repl-diskless-sync-delay", "0"); err != nil {
		return p, err
	}
	if p.link, err = t.Proxy(p.master.Addr); err != nil {
		return p, err
	}
	host, port, err := net.SplitHostPort(p.link.Addr)
	if err != nil {
		return p, err
	}
	if p.replica, err = t.Redis("--replicaof", host+" "+port); err != nil {
		return p, err
	}
	return p, awaitReplica(ctx, p.master.Addr)
}

// fail kills the master half a second after the replica got the last write.
func (p pair) fail(ctx context.Context) error {
	p.link.Freeze()
	if err := sleep(ctx, 500*time.Millisecond); err != nil {
		return err
	}
	p.master.Kill()
	p.link.Cut() // the delayed writes never arrive
	p.link.Thaw()
	return nil
}

// awaitStore waits until the store can lock a seat.
func awaitStore(ctx context.Context, store lockstore.LockStore) error {
	layout, err := lockstore.NewLayout([]lockstore.SeatID{"S"})
	if err != nil {
		return err
	}
	ev, err := lockstore.NewEvent("await", layout, time.Second, 0)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err = history.Repeat(ctx, func() error {
		_, err := store.Do(ctx, ev, lockstore.Lock("a user", "S"))
		return err
	})
	if err != nil {
		return fmt.Errorf("the store does not go on: %w", err)
	}
	return nil
}

// awaitReplica waits until the server has a replica that is up to date.
func awaitReplica(ctx context.Context, addr string) error {
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	for range 200 {
		if n, err := client.Wait(ctx, 1, 100*time.Millisecond).Result(); err == nil && n > 0 {
			return nil
		}
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s has no replica that is up to date", addr)
}

// promote makes a replica a master.
func promote(ctx context.Context, addr string) error {
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	if err := client.ReplicaOf(ctx, "no", "one").Err(); err != nil {
		return fmt.Errorf("promoting %s: %w", addr, err)
	}
	return nil
}
