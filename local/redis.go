package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/urfave/cli/v3"

	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
)

// redisSettings are the flags about Redis, checked.
type redisSettings struct {
	url     string // empty: seats are kept in memory
	options redisstore.Options
	start   time.Duration // how long to wait for Redis at the start
	audit   bool
	rebuild bool
}

var redisFlags = []cli.Flag{
	&cli.StringFlag{Name: "redis", Usage: "keep seats in the Redis at `URL`, such as redis://localhost:6379; without it they are kept in memory", Sources: cli.EnvVars("REDIS_URL")},
	&cli.IntFlag{Name: "redis-wait", Usage: "confirm a booking once `NUMBER` replicas of Redis have it", Sources: cli.EnvVars("REDIS_WAIT")},
	&cli.DurationFlag{Name: "redis-start", Value: 5 * time.Second, Usage: "wait for `DURATION` at the start if Redis is away", Sources: cli.EnvVars("REDIS_START")},
	&cli.BoolFlag{Name: "redis-allow-eviction", Usage: "start even if Redis may forget locks and bookings when its memory is short", Sources: cli.EnvVars("REDIS_ALLOW_EVICTION")},
	&cli.BoolFlag{Name: "redis-audit", Usage: "do not serve; say where lists and users' seats differ from the seats' keys"},
	&cli.BoolFlag{Name: "redis-rebuild", Usage: "do not serve; make lists and users' seats anew from the seats' keys"},
}

func settleRedis(c *cli.Command) (redisSettings, error) {
	r := redisSettings{
		url:     c.String("redis"),
		options: redisstore.Options{Replicas: c.Int("redis-wait"), AllowEviction: c.Bool("redis-allow-eviction")},
		start:   c.Duration("redis-start"),
		audit:   c.Bool("redis-audit"),
		rebuild: c.Bool("redis-rebuild"),
	}
	switch {
	case r.url == "" && (r.audit || r.rebuild || r.options.Replicas != 0):
		return r, usage("-redis-wait, -redis-audit and -redis-rebuild are about a Redis, and -redis does not say which")
	case r.options.Replicas < 0:
		return r, usage("-redis-wait %d: it is a number of replicas, or 0 to wait for none", r.options.Replicas)
	case r.start < 0:
		return r, usage("-redis-start %v: it is how long to wait, or 0s not to", r.start)
	}
	return r, nil
}

// open connects to Redis and looks whether it can be relied on. The caller
// closes what is returned with the store.
func (r redisSettings) open(ctx context.Context, events []venue.Event, log *slog.Logger) (*redisstore.Store, io.Closer, error) {
	client, err := redisstore.Client(r.url)
	if err != nil {
		return nil, nil, usage("-redis: %w", err)
	}
	store, err := redisstore.New(client, r.options)
	if err == nil {
		err = r.check(ctx, store, events, log)
	}
	if err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	return store, client, nil
}

// check waits for Redis, and for as long as the settings say.
func (r redisSettings) check(ctx context.Context, store *redisstore.Store, events []venue.Event, log *slog.Logger) error {
	warnings, err := awaited(ctx, r.start, store.Check)
	if errors.Is(err, lockstore.ErrUnavailable) {
		return fmt.Errorf("cannot use Redis (tried for %v, -redis-start): %w", r.start, err)
	}
	if errors.Is(err, redisstore.ErrEvicts) {
		return fmt.Errorf("%w (-redis-allow-eviction takes it as it is)", err)
	}
	if err != nil {
		return err
	}
	for _, w := range warnings {
		log.Warn("redis: " + w)
	}
	for _, e := range events {
		if err := store.Open(ctx, e.Event); err != nil {
			return fmt.Errorf("event %s: %w", e.ID, err)
		}
	}
	return nil
}

// inspect audits or rebuilds every event, and says what it found.
func (r redisSettings) inspect(ctx context.Context, events []venue.Event, log *slog.Logger, out io.Writer) error {
	store, client, err := r.open(ctx, events, log)
	if err != nil {
		return err
	}
	defer client.Close() // after the last answer; nothing is left to fail
	look, found := store.Audit, 0
	if r.rebuild {
		look = store.Rebuild
	}
	for _, e := range events {
		differ, err := look(ctx, e.Event)
		for _, d := range differ {
			fmt.Fprintf(out, "event %s: %v\n", e.ID, d)
		}
		if err != nil {
			return fmt.Errorf("event %s: %w", e.ID, err)
		}
		found += len(differ)
	}
	if r.rebuild {
		fmt.Fprintln(out, "differences mended:", found)
		return nil
	}
	if found > 0 {
		return fmt.Errorf("differences found: %d; -redis-rebuild mends them", found)
	}
	fmt.Fprintln(out, "no difference")
	return nil
}
