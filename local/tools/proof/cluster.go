package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// slotsMoved repeatedly moves the slots of the events on sale from one master to the
// next.
func slotsMoved(ctx context.Context, t *trial) (tally, error) {
	nodes, store, err := t.cluster(ctx, false, 0)
	if err != nil {
		return tally{}, err
	}
	mover, err := nodes.NewMover(ctx)
	if err != nil {
		return tally{}, err
	}
	t.OnClose(mover.Close)
	c := newCampaign(t.settings, "moved", store, 24)
	c.plan.TTL = time.Second
	c.plan.Slack = 250 * time.Millisecond // moving a key prolongs its lock by the time of the move
	return c.run(ctx, c.repeating(1500, 5*time.Millisecond, 5*time.Millisecond, func(ctx context.Context, _ int) error {
		events, err := c.underWay()
		if err != nil {
			return err
		}
		return mover.Move(ctx, fmt.Sprintf("{%s}", events[rand.IntN(len(events))].ID))
	}))
}

// elected kills a master of a Cluster under load. The others then elect its replica.
func elected(wait int) func(context.Context, *trial) (tally, error) {
	return inRounds(5, func(ctx context.Context, t *trial, _ int) (tally, error) {
		nodes, store, err := t.cluster(ctx, true, wait, "--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0")
		if err != nil {
			return tally{}, err
		}
		return t.failover(ctx, store, t.redisAfter(nodes[1:].URL()), func(ctx context.Context) error {
			nodes[0].Kill()
			return nodes.Await(ctx, 1)
		})
	})
}
