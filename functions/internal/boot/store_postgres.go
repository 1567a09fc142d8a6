//go:build postgres

package boot

import (
	"context"
	"log/slog"
	"strings"

	"seatlock/functions/settings"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
)

// A storage is the PostgreSQL that keeps the seats.
type storage struct{ settings.Postgres }

// onePerCopy limits a function to one connection, unless the URL says otherwise: a copy
// of it answers one request at a time, and there may be hundreds of copies.
func onePerCopy(url string) string {
	switch {
	case strings.Contains(url, "pool_max_conns="):
		return url
	case strings.Contains(url, "?"):
		return url + "&pool_max_conns=1"
	}
	return url + "?pool_max_conns=1"
}

// open connects to PostgreSQL before the first request, creates what is missing there,
// and checks that the database can be relied on. If it is unavailable, the requests try
// again.
func (s storage) open(ctx context.Context, events []venue.Event, log *slog.Logger) (lockstore.LockStore, error) {
	pool, err := pgstore.Pool(onePerCopy(s.URL))
	if err != nil {
		return nil, s.Wrong("postgres", err)
	}
	store := pgstore.New(pool)
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	warnings, err := store.Check(ctx)
	if err == nil {
		_, err = store.Migrate(ctx)
	}
	if unavailable(err) {
		log.Error("PostgreSQL is unavailable; each request tries again", "error", err)
		return store, nil
	}
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		log.Warn("postgres: " + w)
	}
	return store, openEvents(ctx, store.Open, events, log)
}
