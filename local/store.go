package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"seatlock/functions/settings"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// An openStore is a store that is ready for use.
type openStore struct {
	lockstore.LockStore
	description string       // where seats are kept and what they survive, for the start-up line
	close       func() error // to be called after the last request
}

// open opens the store that the settings name.
func open(ctx context.Context, s settings.Runner, events []venue.Event, log *slog.Logger) (openStore, error) {
	switch {
	case s.File.Path != "":
		return openFile(ctx, s.File, events, log)
	case s.Postgres.URL != "":
		return openPostgres(ctx, s.Postgres, events, log)
	case s.Redis.URL != "":
		store, client, err := openRedis(ctx, s.Redis, events, log)
		if err != nil {
			return openStore{}, err
		}
		return openStore{store, "redis: seats are shared with every process that uses it, and as durable as it is", client.Close}, nil
	}
	return openStore{new(memstore.Store), "memory: seats are forgotten when this stops", func() error { return nil }}, nil
}

// await calls check until the store is available, for at most the time start, and logs
// the warnings of a check that succeeds. Flag is the flag that names the store.
func await(ctx context.Context, name, flag string, start time.Duration, check func(context.Context) ([]string, error), log *slog.Logger) error {
	const pause = 250 * time.Millisecond
	deadline := time.Now().Add(start)
	for {
		warnings, err := check(ctx)
		if err == nil {
			for _, w := range warnings {
				log.Warn(flag + ": " + w)
			}
		}
		if !errors.Is(err, lockstore.ErrUnavailable) {
			return err
		}
		err = fmt.Errorf("cannot use %s (tried for %v, -%s-start): %w", name, start, flag, err)
		if !time.Now().Before(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}
