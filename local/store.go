package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"seatlock/lockstore"
)

// An openStore is a store ready for use.
type openStore struct {
	lockstore.LockStore
	kept  string       // where seats are and what they survive, for the start-up line
	close func() error // after the last answer
}

// openStore opens the store that the settings name.
func (s settings) openStore(ctx context.Context) (openStore, error) {
	switch {
	case s.data.file != "":
		return s.data.open(ctx, s.events)
	case s.postgres.url != "":
		return s.postgres.open(ctx, s.events, s.log)
	case s.redis.url != "":
		store, client, err := s.redis.open(ctx, s.events, s.log)
		if err != nil {
			return openStore{}, err
		}
		return openStore{store, "redis: seats are shared with every process that uses it, and as durable as it is", client.Close}, nil
	}
	return openStore{new(lockstore.Memory), "memory: seats are forgotten when this stops", func() error { return nil }}, nil
}

// awaited is what check says of a store, which is asked again while it is away,
// for as long as start.
func awaited(ctx context.Context, start time.Duration, check func(context.Context) ([]string, error)) (warnings []string, err error) {
	const again = 250 * time.Millisecond
	deadline := time.Now().Add(start)
	for {
		warnings, err = check(ctx)
		if !errors.Is(err, lockstore.ErrUnavailable) || !time.Now().Before(deadline) {
			return warnings, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(again):
		}
	}
}

// oneStore refuses more than one of the flags that say where seats are kept.
func (s settings) oneStore() error {
	var given []string
	for _, store := range []struct{ flag, value string }{
		{"-data", s.data.file},
		{"-redis", s.redis.url},
		{"-postgres", s.postgres.url},
	} {
		if store.value != "" {
			given = append(given, store.flag)
		}
	}
	if len(given) > 1 {
		return usage("%s: seats are kept in one place, so give one of them", strings.Join(given, " and "))
	}
	return nil
}
