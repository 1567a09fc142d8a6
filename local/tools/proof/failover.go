package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
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

// failover plays while a server fails, and audits the store at the URL, which has
// no replica to wait for any more. It books more than other rows do, because
// bookings are what a failover must not lose; locks and releases may be lost with
// the master.
func (t *trial) failover(ctx context.Context, store lockstore.LockStore, after string, fail func(context.Context) error) (tally, error) {
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
	if c.store, err = t.redisStore(after, redisstore.Options{}); err != nil {
		return c.tally, err
	}
	return c.audit(ctx)
}

// promoted freezes the link to a replica under load, kills the master and
// promotes the replica.
func promoted(wait int) func(context.Context, *trial) (tally, error) {
	return inRounds(8, func(ctx context.Context, t *trial, _ int) (tally, error) {
		master, err := t.Redis("--repl-diskless-sync-delay", "0")
		if err != nil {
			return tally{}, err
		}
		link, err := t.Proxy(master.Addr)
		if err != nil {
			return tally{}, err
		}
		host, port, err := net.SplitHostPort(link.Addr)
		if err != nil {
			return tally{}, err
		}
		replica, err := t.Redis("--replicaof", host+" "+port)
		if err != nil {
			return tally{}, err
		}
		if err := awaitReplica(ctx, master.Addr); err != nil {
			return tally{}, err
		}
		front, err := t.Proxy(master.Addr) // the address that the clients know
		if err != nil {
			return tally{}, err
		}
		store, err := t.redisStore("redis://"+front.Addr, redisstore.Options{Replicas: wait})
		if err != nil {
			return tally{}, err
		}
		return t.failover(ctx, store, replica.URL(), func(ctx context.Context) error {
			link.Freeze()
			if err := sleep(ctx, 500*time.Millisecond); err != nil {
				return err
			}
			master.Kill()
			link.Cut() // what was held back never arrives
			link.Thaw()
			if err := promote(ctx, replica.Addr); err != nil {
				return err
			}
			front.Redirect(replica.Addr)
			return nil
		})
	})
}

// succeeded kills the master that three Sentinels monitor, after which they elect its
// replica. The clients must find it by themselves.
func succeeded(wait int) func(context.Context, *trial) (tally, error) {
	return inRounds(5, func(ctx context.Context, t *trial, _ int) (tally, error) {
		master, err := t.Redis("--repl-diskless-sync-delay", "0")
		if err != nil {
			return tally{}, err
		}
		host, port, err := net.SplitHostPort(master.Addr)
		if err != nil {
			return tally{}, err
		}
		replica, err := t.Redis("--replicaof", host+" "+port)
		if err != nil {
			return tally{}, err
		}
		if err := awaitReplica(ctx, master.Addr); err != nil {
			return tally{}, err
		}
		sentinels, err := t.Sentinels(ctx, master.Server, 3)
		if err != nil {
			return tally{}, err
		}
		if err := sentinels.Await(ctx, master.Addr); err != nil {
			return tally{}, err
		}
		store, err := t.redisStore(sentinels.URL(), redisstore.Options{Replicas: wait})
		if err != nil {
			return tally{}, err
		}
		return t.failover(ctx, store, sentinels.URL(), func(ctx context.Context) error {
			if err := sleep(ctx, 2*time.Second); err != nil {
				return err
			}
			master.Kill()
			if err := sentinels.Await(ctx, replica.Addr); err != nil {
				return err
			}
			return awaitStore(ctx, store)
		})
	})
}

// awaitStore returns once the store can lock a seat.
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

// awaitReplica returns once the server has a replica that is up to date.
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
