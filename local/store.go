package main

import (
	"context"
	"strings"

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
		return s.data.open(ctx, s.seatMaps)
	case s.postgres.url != "":
		return s.postgres.open(ctx, s.seatMaps, s.log)
	case s.redis.url != "":
		store, client, err := s.redis.open(ctx, s.seatMaps, s.log)
		if err != nil {
			return openStore{}, err
		}
		return openStore{store, "redis: seats are shared with every process that uses it, and as durable as it is", client.Close}, nil
	}
	return openStore{new(lockstore.Memory), "memory: seats are forgotten when this stops", func() error { return nil }}, nil
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
