package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"seatlock/functions/booking"
	"seatlock/functions/settings"
	"seatlock/functions/venue"
	"seatlock/lockstore/pgstore"
)

// migrateTime bounds how long a migration may take, including the wait for
// another process that is migrating the same database.
const migrateTime = 5 * time.Minute

// openPostgres connects to PostgreSQL, creates missing tables and functions, and checks
// the settings of the server.
func openPostgres(ctx context.Context, s settings.Postgres, events []venue.Event, log *slog.Logger) (openStore, error) {
	pool, err := pgstore.Pool(s.URL)
	if err != nil {
		return openStore{}, s.Wrong("postgres", err)
	}
	store := pgstore.New(pool)
	if err := preparePostgres(ctx, s, store, events, log); err != nil {
		pool.Close()
		return openStore{}, err
	}
	closePool := func() error {
		pool.Close()
		return nil
	}
	return openStore{store, "postgres: seats are shared with every process that uses it, and kept when this stops or crashes", closePool}, nil
}

// preparePostgres waits for PostgreSQL for as long as the settings say, and creates
// missing tables and functions.
func preparePostgres(ctx context.Context, s settings.Postgres, store *pgstore.Store, events []venue.Event, log *slog.Logger) error {
	if err := await(ctx, "PostgreSQL", "postgres", s.Start, store.Check, log); err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, migrateTime)
	defer cancel()
	changed, err := store.Migrate(bounded)
	if err != nil {
		return err
	}
	if changed {
		log.Info("postgres: created the tables and functions that were missing")
	}
	return booking.OpenEvents(ctx, events, store.Open, log)
}

// migratePostgres migrates the database. It is a command of its own so that the role that
// serves need not own the schema.
func migratePostgres(ctx context.Context, s settings.Postgres, log *slog.Logger, out io.Writer) error {
	store, err := openPostgres(ctx, s, nil, log)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "the database has everything that this version needs")
	return store.close()
}
