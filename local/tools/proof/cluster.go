package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
)

// slotsMoved moves the slots of the events that are being sold from one master
// to the next, all the time.
func slotsMoved(ctx context.Context, s setting) (tally, error) {
	return withCluster(ctx, false, func(nodes redistest.Nodes) (tally, error) {
		store, client, err := connect(nodes.URL(), redisstore.Options{})
		if err != nil {
			return tally{}, err
		}
		defer client.Close()
		mover, err := nodes.NewMover(ctx)
		if err != nil {
			return tally{}, err
		}
		defer mover.Close()
		c := newCampaign(s, "moved", store, 24)
		c.plan.TTL = time.Second
		c.plan.Slack = 250 * time.Millisecond // a key that is moved lives longer by the time that takes
		err = c.during(ctx, func(ctx context.Context) error {
			for range s.times(1500) {
				seed := max(2, c.made.Load()-2*rand.Int64N(int64(c.parallel)))
				event := fmt.Sprintf("{%s-%d.%s}", c.name, seed, []string{"a", "b"}[rand.IntN(2)])
				if err := mover.Move(ctx, event); err != nil {
					return err
				}
				c.tally.faults++
				if err := sleep(ctx, 5*time.Millisecond); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return c.tally, err
		}
		return c.settle(ctx, store)
	})
}
