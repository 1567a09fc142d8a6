//go:build !postgres

package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/redis/go-redis/v9/logging"

	"seatlock/functions/booking"
	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
)

// A storage is what the environment says of the Redis that keeps the seats.
// With the build tag postgres it is a PostgreSQL: a zip has one of the two
// clients, since both would be too large.
type storage struct {
	url     string
	options redisstore.Options
}

// readStorage reads the settings.
func readStorage(env func(string) string) (storage, error) {
	s := storage{url: env("REDIS_URL")}
	if s.url == "" {
		return s, errors.New("REDIS_URL is not set: it names the Redis that keeps the seats. Without it every copy of a function would sell them by itself")
	}
	return s, errors.Join(
		parse(env, "REDIS_WAIT", &s.options.Replicas, strconv.Atoi),
		parse(env, "REDIS_ALLOW_EVICTION", &s.options.AllowEviction, strconv.ParseBool),
	)
}

// open connects to Redis before the first request does, and looks whether it
// can be relied on. One that is away now may be back by then.
func (s storage) open(ctx context.Context, maps []booking.SeatMap, log *slog.Logger) (lockstore.LockStore, error) {
	logging.Disable() // the Redis client's own lines: every failure is told by whom it befalls
	client, err := redisstore.Client(s.url)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL: %w", err)
	}
	store, err := redisstore.New(client, s.options)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	warnings, err := store.Check(ctx)
	if away(err) {
		log.Error("Redis is away; each request tries it anew", "error", err)
		return store, nil
	}
	if errors.Is(err, redisstore.ErrEvicts) {
		return nil, fmt.Errorf("%w (REDIS_ALLOW_EVICTION=true takes it as it is)", err)
	}
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		log.Warn("redis: " + w)
	}
	return store, openEvents(ctx, store.Open, maps)
}
