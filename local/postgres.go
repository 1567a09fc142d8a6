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
	"seatlock/lockstore/pgstore"
)

// postgresSettings are the flags about PostgreSQL, checked.
type postgresSettings struct {
	url     string        // empty: seats are kept elsewhere
	start   time.Duration // how long to wait for PostgreSQL at the start
	migrate bool
}

// migrateTime bounds how long the tables may take to be made, another program
// that makes them included.
const migrateTime = 30 * time.Second

var postgresFlags = []cli.Flag{
	&cli.StringFlag{Name: "postgres", Usage: "keep seats in the PostgreSQL database at `URL`, such as postgres://seatlock@localhost/seatlock", Sources: cli.EnvVars("POSTGRES_URL")},
	&cli.DurationFlag{Name: "postgres-start", Value: 5 * time.Second, Usage: "wait for `DURATION` at the start if PostgreSQL is away", Sources: cli.EnvVars("POSTGRES_START")},
	&cli.BoolFlag{Name: "postgres-migrate", Usage: "do not serve; make the tables and functions in the database, or change them to what this version needs"},
}

func settlePostgres(c *cli.Command) (postgresSettings, error) {
	p := postgresSettings{url: c.String("postgres"), start: c.Duration("postgres-start"), migrate: c.Bool("postgres-migrate")}
	switch {
	case p.url == "" && p.migrate:
		return p, usage("-postgres-migrate is about a database, and -postgres does not say which")
	case p.start < 0:
		return p, usage("-postgres-start %v: it is how long to wait, or 0s not to", p.start)
	}
	return p, nil
}

// open connects to PostgreSQL, makes what is missing there, and looks whether it
// can be relied on.
func (p postgresSettings) open(ctx context.Context, events []venue.Event, log *slog.Logger) (openStore, error) {
	pool, err := pgstore.Pool(p.url)
	if err != nil {
		return openStore{}, usage("-postgres: %w", err)
	}
	store := pgstore.New(pool)
	if err := p.check(ctx, store, events, log); err != nil {
		pool.Close()
		return openStore{}, err
	}
	closePool := func() error {
		pool.Close()
		return nil
	}
	return openStore{store, "postgres: seats are shared with every process that uses it, and kept when this stops or crashes", closePool}, nil
}

// check waits for PostgreSQL, for as long as the settings say.
func (p postgresSettings) check(ctx context.Context, s *pgstore.Store, events []venue.Event, log *slog.Logger) error {
	warnings, err := awaited(ctx, p.start, s.Check)
	if errors.Is(err, lockstore.ErrUnavailable) {
		return fmt.Errorf("cannot use PostgreSQL (tried for %v, -postgres-start): %w", p.start, err)
	}
	if err != nil {
		return err
	}
	for _, w := range warnings {
		log.Warn("postgres: " + w)
	}
	bounded, cancel := context.WithTimeout(ctx, migrateTime)
	defer cancel()
	changed, err := s.Migrate(bounded)
	if err != nil {
		return err
	}
	if changed {
		log.Info("postgres: made the tables and functions that were missing")
	}
	for _, e := range events {
		if err := s.Open(ctx, e.Event); err != nil {
			return fmt.Errorf("event %s: %w", e.ID, err)
		}
	}
	return nil
}

// makeTables does what a role may that owns the schema, and says so.
func (p postgresSettings) makeTables(ctx context.Context, out io.Writer, log *slog.Logger) error {
	store, err := p.open(ctx, nil, log)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "the database has all that this version needs")
	return store.close()
}
