package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/faults"
)

// failoverPlan books more than others do: bookings are what is at stake.
func failoverPlan(c *campaign) {
	c.unjudged = true // locks and releases are lost with the master: only bookings can be promised
	c.plan.Plain = true
	c.plan.TTL = 300 * time.Millisecond
	c.plan.Seats = 7
}

// promoted freezes the link to a replica under load, kills the master and
// promotes the replica.
func promoted(wait int) func(context.Context, setting) (tally, error) {
	return func(ctx context.Context, s setting) (tally, error) {
		var all tally
		for range s.times(8) {
			t, err := promoteOnce(ctx, s, wait)
			all.add(t)
			if err != nil || ctx.Err() != nil {
				return all, err
			}
		}
		return all, nil
	}
}

// add puts the tally of another round to this one.
func (t *tally) add(o tally) {
	t.unjudged = o.unjudged
	t.histories += o.histories
	t.calls += o.calls
	t.unknown += o.unknown
	t.legal += o.legal
	t.illegal += o.illegal
	t.undecided += o.undecided
	t.torn += o.torn
	t.faults += o.faults
	t.losses.Add(o.losses)
}

func promoteOnce(ctx context.Context, s setting, wait int) (tally, error) {
	return withRedis(func(master *redistest.Server, _ string) (tally, error) {
		link, err := faults.StartProxy(master.Addr)
		if err != nil {
			return tally{}, err
		}
		defer link.Close()
		return withRedis(func(replica *redistest.Server, _ string) (tally, error) {
			return promote(ctx, s, wait, master, replica, link)
		}, "--replicaof", host(link.Addr)+" "+port(link.Addr))
	}, "--repl-diskless-sync-delay", "0")
}

func host(addr string) string { h, _, _ := net.SplitHostPort(addr); return h }
func port(addr string) string { _, p, _ := net.SplitHostPort(addr); return p }

func promote(ctx context.Context, s setting, wait int, master, replica *redistest.Server, link *faults.Proxy) (tally, error) {
	if err := follows(ctx, master); err != nil {
		return tally{}, err
	}
	front, err := faults.StartProxy(master.Addr) // what the clients know the master by
	if err != nil {
		return tally{}, err
	}
	defer front.Close()
	store, client, err := connect("redis://"+front.Addr, redisstore.Options{Replicas: wait})
	if err != nil {
		return tally{}, err
	}
	defer client.Close()
	c := newCampaign(s, "promoted", store, 24)
	failoverPlan(c)
	err = c.during(ctx, func(ctx context.Context) error {
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
		link.Freeze()
		if err := sleep(ctx, 500*time.Millisecond); err != nil {
			return err
		}
		master.Kill()
		link.Cut() // what was held back never arrives
		link.Thaw()
		if err := command(ctx, replica, "replicaof", "no", "one"); err != nil {
			return err
		}
		front.Redirect(replica.Addr)
		c.tally.faults++
		return sleep(ctx, time.Second)
	})
	if err != nil {
		return c.tally, err
	}
	after, client2, err := connect("redis://"+replica.Addr, redisstore.Options{}) // it has no replica to wait for
	if err != nil {
		return c.tally, err
	}
	defer client2.Close()
	return c.settle(ctx, after)
}

// follows returns once the server has a replica that is up to date.
func follows(ctx context.Context, master *redistest.Server) error {
	client := redis.NewClient(&redis.Options{Addr: master.Addr})
	defer client.Close()
	for range 200 {
		if n, err := client.Wait(ctx, 1, 100*time.Millisecond).Result(); err == nil && n > 0 {
			return nil
		}
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("no replica follows %s", master.Addr)
}

// command sends one to the server.
func command(ctx context.Context, s *redistest.Server, args ...any) error {
	client := redis.NewClient(&redis.Options{Addr: s.Addr})
	defer client.Close()
	if err := client.Do(ctx, args...).Err(); err != nil {
		return fmt.Errorf("%v on %s: %w", args, s.Addr, err)
	}
	return nil
}

// elected kills a master of a Cluster under load and leaves it to the others
// to elect its replica.
func elected(wait int) func(context.Context, setting) (tally, error) {
	return func(ctx context.Context, s setting) (tally, error) {
		var all tally
		for range s.times(5) {
			t, err := withCluster(ctx, true, func(nodes redistest.Nodes) (tally, error) {
				return elect(ctx, s, wait, nodes)
			}, "--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0")
			all.add(t)
			if err != nil || ctx.Err() != nil {
				return all, err
			}
		}
		return all, nil
	}
}

func elect(ctx context.Context, s setting, wait int, nodes redistest.Nodes) (tally, error) {
	store, client, err := connect(nodes.URL(), redisstore.Options{Replicas: wait})
	if err != nil {
		return tally{}, err
	}
	defer client.Close()
	c := newCampaign(s, "elected", store, 24)
	failoverPlan(c)
	err = c.during(ctx, func(ctx context.Context) error {
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
		nodes[0].Kill()
		if err := nodes.Await(ctx, 1); err != nil {
			return err
		}
		c.tally.faults++
		return sleep(ctx, 2*time.Second)
	})
	if err != nil {
		return c.tally, err
	}
	after, client2, err := connect(nodes[1:].URL(), redisstore.Options{})
	if err != nil {
		return c.tally, err
	}
	defer client2.Close()
	return c.settle(ctx, after)
}
