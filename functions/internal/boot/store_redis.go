//go:build !postgres

package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/redis/go-redis/v9/logging"

	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
)

// A storage is the settings of the Redis that keeps the seats. With the build tag
// postgres it is PostgreSQL instead: a zip with both clients would be too large.
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

// open connects to Redis before the first request, and checks that it is
// configured to keep bookings. It returns no error if Redis cannot be reached,
// since that may change before the first request.
func (s storage) open(ctx context.Context, events []venue.Event, log *slog.Logger) (lockstore.LockStore, error) {
	logging.Disable() // the Redis client's own lines: every failure is logged where it is handled
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
		log.Error("cannot reach Redis; each request tries again", "error", err)
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
	return store, openEvents(ctx, store.Open, events)
}
