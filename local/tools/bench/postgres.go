package main

import (
	"context"
	"fmt"
	"iter"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"seatlock/local/tools/internal/testbed"
	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/pgstore/pgtest"
)

// A database is the PostgreSQL of one row, as initdb makes it, with a store that
// has as many connections as there are callers.
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

// connectAll makes every connection of the pool.
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

// newEvent returns an event of which nobody has had a seat.
func (d *database) newEvent(ctx context.Context, seats int) (*lockstore.Event, error) {
	d.events++
	ev := newEvent(lockstore.EventID("bench"+strconv.Itoa(d.events)), seats, 0)
	return ev, d.store.Open(ctx, ev)
}

var tps = regexp.MustCompile(`tps = ([0-9.]+)`)

// pgbench returns how often a second as many connections as there are callers
// insert a new row, each with a prepared statement.
func (d *database) pgbench(ctx context.Context) (float64, error) {
	program, err := pgtest.Program("pgbench")
	if err != nil {
		return 0, err
	}
	host, port, err := net.SplitHostPort(d.Addr)
	if err != nil {
		return 0, err
	}
	script := filepath.Join(d.dir, "insert.sql")
	text := "\\set seat random(1, 2000000000)\nINSERT INTO bench VALUES (:seat, 'user') ON CONFLICT DO NOTHING;\n"
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		return 0, err
	}
	out, err := exec.CommandContext(ctx, program, "-h", host, "-p", port, "-U", pgtest.Superuser, "-n",
		"-c", strconv.Itoa(callers), "-j", "2", "-t", "60", "-M", "prepared", "-f", script, "postgres").CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w\n%s", err, out)
	}
	found := tps.FindSubmatch(out)
	if found == nil {
		return 0, fmt.Errorf("pgbench printed %q", out)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

// freshSeats is how many seats a round has: more than it locks.
const freshSeats = 20_000

// postgresLock compares Lock, with all that it keeps, with the bare statement.
func postgresLock(ctx context.Context, d *database) (result, error) {
	c, err := sideBySide(
		func() (float64, error) { return d.pgbench(ctx) },
		func() (float64, error) { return d.oneEvent(ctx) },
	)
	return c.atLeast(0.5), err
}

// oneEvent is a round of locks in one event.
func (d *database) oneEvent(ctx context.Context) (float64, error) {
	ev, err := d.newEvent(ctx, freshSeats)
	if err != nil {
		return 0, err
	}
	return lockAll(ctx, d.store, ev, 1)
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

// postgresList measures a full list, and one of no changes.
func postgresList(ctx context.Context, d *database) (result, error) {
	ev, err := halfTaken(ctx, d.store)
	if err != nil {
		return result{}, err
	}
	took, err := listTimes(ctx, d.store, ev, "", 3*time.Second)
	if err != nil {
		return result{}, err
	}
	snap, err := d.store.List(ctx, ev, "")
	if err != nil {
		return result{}, err
	}
	unchanged, err := listTimes(ctx, d.store, ev, snap.Version, time.Second)
	if err != nil {
		return result{}, err
	}
	p50 := quantile(took, 0.5)
	return result{
		base:   "unchanged: " + millis(quantile(unchanged, 0.5)),
		ours:   "p50 " + millis(p50),
		figure: "p99 " + millis(quantile(took, 0.99)),
		ok:     p50 <= 30*time.Millisecond,
	}, nil
}
