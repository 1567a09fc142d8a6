package redisstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

// replicaTime is how long a booking may take to reach the replicas.
const replicaTime = 400 * time.Millisecond

// sendAndWait answers calls once enough replicas have what they wrote. The
// calls of each event go to its own master, on a connection of their own,
// since WAIT concerns what its connection wrote.
func (s *Store) sendAndWait(calls []*call) {
	ctx, cancel := context.WithTimeout(context.Background(), tripTime)
	defer cancel()
	var all sync.WaitGroup
	for _, g := range groups(calls) {
		all.Go(func() {
			node, err := s.master(ctx, mapKey(g.ev))
			if err != nil {
				g.answer(ran{err: unavailable(err)})
				return
			}
			g.answer(s.run(ctx, 1, argsOf([]*group{g}), node, s.options.Replicas)[0])
		})
	}
	all.Wait()
}

// shortfall returns an error if fewer replicas than wanted have a booking or an order.
func shortfall(wait *redis.IntCmd, want int) error {
	n, err := wait.Result()
	if err != nil {
		return fmt.Errorf("%w: waiting for replicas: %w", lockstore.ErrOutcomeUnknown, err)
	}
	if n < int64(want) {
		return fmt.Errorf("%w: %d of %d replicas have it after %v; a call that finds it done waits again", lockstore.ErrOutcomeUnknown, n, want, replicaTime)
	}
	return nil
}
