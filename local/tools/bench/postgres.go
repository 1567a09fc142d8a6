package main

import (
	"context"
	"iter"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"seatlock/local/tools/internal/testbed"
	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/pgstore/pgtest"
)

// A database is the PostgreSQL of one row, with the settings of initdb, and a store
// that has as many connections as there are callers.
type database struct {
	*pgtest.Server
	store  *pgstore.Store
	dir    string
	events int // how many were made
}

// onPostgres starts a PostgreSQL for a row.
func onPostgres(measure func(context.Context, *database) (result, error)) func(context.Context, *testbed.Bed) (result, error) {
	return func(ctx context.Context, bed *testbed.Bed) (result, error) {
		server, err := bed.Postgres()
		if err != nil {
			return result{}, err
		}
		dir, err := bed.Folder()
		if err != nil {
			return result{}, err
		}
		pool, err := pgstore.Pool(server.URL("postgres") + "&pool_max_conns=" + strconv.Itoa(callers))
		if err != nil {
			return result{}, err
		}
		bed.OnClose(pool.Close)
		d := &database{Server: server, store: pgstore.New(pool), dir: dir}
		if _, err := d.store.Migrate(ctx); err != nil {
			return result{}, err
		}
		if _, err := d.Exec(ctx, "postgres", "CREATE TABLE bench (seat int PRIMARY KEY, who text)"); err != nil {
			return result{}, err
		}
		if err := connectAll(ctx, pool); err != nil {
			return result{}, err
		}
		return measure(ctx, d)
	}
}

// connectAll opens every connection of the pool.
func connectAll(ctx context.Context, pool *pgxpool.Pool) error {
	for range pool.Config().MaxConns {
		c, err := pool.Acquire(ctx)
		if err != nil {
			return err
		}
		defer c.Release()
	}
	return nil
}

// newEvent returns an event none of whose seats anybody has had.
func (d *database) newEvent(ctx context.Context, seats int) (*lockstore.Event, error) {
	d.events++
	ev := newEvent(lockstore.EventID("bench"+strconv.Itoa(d.events)), seats, 0)
	return ev, d.store.Open(ctx, ev)
}

// freshSeats is the number of seats of a round: more than it locks.
const freshSeats = 20_000

// postgresLock compares Lock, with all its bookkeeping, with the bare statement.
func postgresLock(ctx context.Context, d *database) (result, error) {
	c, err := sideBySide(
		func() (float64, error) { return d.pgbench(ctx) },
		func() (float64, error) { return d.oneEvent(ctx) },
	)
	return c.atLeast(3), err
}

// oneEvent is a round of locks in one event.
func (d *database) oneEvent(ctx context.Context) (float64, error) {
	ev, err := d.newEvent(ctx, freshSeats)
	if err != nil {
		return 0, err
	}
	return lockAll(ctx, d.store, ev, callers, 1)
}

// oneEventOrMany compares sales of one event with sales of as many events as
// there are callers, which share no lock.
func oneEventOrMany(ctx context.Context, d *database) (result, error) {
	c, err := sideBySide(
		func() (float64, error) { return d.manyEvents(ctx) },
		func() (float64, error) { return d.oneEvent(ctx) },
	)
	return c.atLeast(0.8), err
}

// manyEvents is a round of locks in which each caller has an event of its own.
func (d *database) manyEvents(ctx context.Context) (float64, error) {
	var events []*lockstore.Event
	for range callers {
		ev, err := d.newEvent(ctx, freshSeats/callers)
		if err != nil {
			return 0, err
		}
		events = append(events, ev)
	}
	return parallel(ctx, callers, round, func(worker int, turns iter.Seq[int]) error {
		ev, n := events[worker], 0
		for range turns {
			if n == len(ev.Seats) {
				return errTooFewSeats
			}
			if _, err := d.store.Do(ctx, ev, lockstore.Lock(user(n), ev.Seats[n])); err != nil {
				return err
			}
			n++
		}
		return nil
	})
}

// loneCaller compares the time of a lock by a single caller with that of the bare
// statement.
func loneCaller(ctx context.Context, d *database) (result, error) {
	const locks = 500
	c, err := sideBySide(
		func() (float64, error) {
			took, err := d.inserts(ctx, locks)
			return float64(quantile(took, 0.5)), err
		},
		func() (float64, error) {
			ev, err := d.newEvent(ctx, locks)
			if err != nil {
				return 0, err
			}
			var took []time.Duration
			for i, seat := range ev.Seats {
				start := time.Now()
				if _, err := d.store.Do(ctx, ev, lockstore.Lock(user(i), seat)); err != nil {
					return 0, err
				}
				took = append(took, time.Since(start))
			}
			return float64(quantile(took, 0.5)), nil
		},
	)
	return c.atMost(1.9, micros), err
}
