//go:build !postgres

package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9/logging"

	"seatlock/functions/settings"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
)

// A storage is the Redis that keeps the seats. With the build tag postgres it is a
// PostgreSQL instead. A zip has only one of the two clients, because both would be too
// large.
type storage struct{ settings.Redis }

// open connects to Redis before the first request, and checks that it can be relied on.
// If it is unavailable, the requests try again.
func (s storage) open(ctx context.Context, events []venue.Event, log *slog.Logger) (lockstore.LockStore, error) {
	logging.Disable() // the Redis client's own lines are not needed: the caller reports each failed request
	client, err := redisstore.Client(s.URL)
	if err != nil {
		return nil, s.Wrong("redis", err)
	}
	store, err := redisstore.New(client, redisstore.Options{Replicas: s.Replicas, AllowEviction: s.AllowEviction})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	warnings, err := store.Check(ctx)
	if unavailable(err) {
		log.Error("Redis is unavailable; each request tries again", "error", err)
		return store, nil
	}
	if errors.Is(err, redisstore.ErrEvicts) {
		return nil, fmt.Errorf("%w (REDIS_ALLOW_EVICTION=true starts anyway)", err)
	}
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		log.Warn("redis: " + w)
	}
	return store, openEvents(ctx, store.Open, events, log)
}
