package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"seatlock/functions/booking"
	"seatlock/functions/settings"
	"seatlock/functions/venue"
	"seatlock/lockstore/redisstore"
)

// openRedis connects to Redis, waits for it for as long as the settings say, and
// checks its configuration. The caller must close the client after the last use of the
// store.
func openRedis(ctx context.Context, s settings.Redis, events []venue.Event, log *slog.Logger) (*redisstore.Store, io.Closer, error) {
	client, err := redisstore.Client(s.URL)
	if err != nil {
		return nil, nil, s.Wrong("redis", err)
	}
	store, err := redisstore.New(client, redisstore.Options{Replicas: s.Replicas, AllowEviction: s.AllowEviction})
	if err == nil {
		err = await(ctx, "Redis", "redis", s.Start, store.Check, log)
	}
	if errors.Is(err, redisstore.ErrEvicts) {
		err = fmt.Errorf("%w (-redis-allow-eviction starts anyway)", err)
	}
	if err == nil {
		err = booking.OpenEvents(ctx, events, store.Open, log)
	}
	if err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	return store, client, nil
}

// inspectRedis audits or rebuilds every event and prints the differences.
func inspectRedis(ctx context.Context, s settings.Redis, events []venue.Event, log *slog.Logger, out io.Writer) error {
	store, client, err := openRedis(ctx, s, nil, log) // without the events: only Rebuild can open some of them
	if err != nil {
		return err
	}
	defer client.Close() // an error after the last answer does not matter
	inspect, found := store.Audit, 0
	if s.Rebuild {
		inspect = store.Rebuild
	}
	for _, e := range events {
		differences, err := inspect(ctx, e.Event)
		for _, d := range differences {
			fmt.Fprintf(out, "event %s: %v\n", e.ID, d)
		}
		if err != nil {
			return fmt.Errorf("event %s: %w", e.ID, err)
		}
		found += len(differences)
	}
	if s.Rebuild {
		fmt.Fprintln(out, "differences fixed:", found)
		return nil
	}
	if found > 0 {
		return fmt.Errorf("differences found: %d; -redis-rebuild fixes them", found)
	}
	fmt.Fprintln(out, "no difference")
	return nil
}
