//go:build postgres

package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
)

// A storage is the settings of the PostgreSQL that keeps the seats.
type storage struct {
	url string
}

// readStorage reads the settings.
func readStorage(env func(string) string) (storage, error) {
	s := storage{url: env("POSTGRES_URL")}
	if s.url == "" {
		return s, errors.New("POSTGRES_URL is not set: it names the PostgreSQL that keeps the seats. Without it every copy of a function would sell them by itself")
	}
	return s, nil
}

// onePerCopy limits the function to one connection, unless the URL has a limit: a
// copy of a function answers one request at a time, and there may be hundreds of
// copies.
func onePerCopy(url string) string {
	switch {
	case strings.Contains(url, "pool_max_conns="):
		return url
	case strings.Contains(url, "?"):
		return url + "&pool_max_conns=1"
	}
	return url + "?pool_max_conns=1"
}

// open connects to PostgreSQL before the first request, creates missing tables,
// and checks that it is configured to keep bookings. It returns no error if
// PostgreSQL cannot be reached, since that may change before the first request.
func (s storage) open(ctx context.Context, events []venue.Event, log *slog.Logger) (lockstore.LockStore, error) {
	pool, err := pgstore.Pool(onePerCopy(s.url))
	if err != nil {
		return nil, fmt.Errorf("POSTGRES_URL: %w", err)
	}
	store := pgstore.New(pool)
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	warnings, err := store.Check(ctx)
	if err == nil {
		_, err = store.Migrate(ctx)
	}
	if away(err) {
		log.Error("cannot reach PostgreSQL; each request tries again", "error", err)
		return store, nil
	}
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		log.Warn("postgres: " + w)
	}
	return store, openEvents(ctx, store.Open, events)
}
