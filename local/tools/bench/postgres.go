package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/pgstore/pgtest"
)

// database is a PostgreSQL of its own for one row, set up as it comes, and as
// many connections to it as there are callers.
type database struct {
	*pgtest.Server
	store *pgstore.Store
	dir   string // for files
	event int    // the newest
}

// startPostgres starts a PostgreSQL that ends with the context.
func startPostgres(ctx context.Context) (*database, error) {
	server, err := pgtest.Start()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "seatlock-bench-")
	if err != nil {
		server.Close()
		return nil, err
	}
	pool, err := pgstore.Pool(server.URL("postgres") + "&pool_max_conns=" + strconv.Itoa(callers))
	if err != nil {
		server.Close()
		return nil, err
	}
	context.AfterFunc(ctx, func() {
		pool.Close()
		server.Close()
		os.RemoveAll(dir)
	})
	d := &database{Server: server, store: pgstore.New(pool), dir: dir}
	if _, err := d.store.Migrate(ctx); err != nil {
		return nil, err
	}
	if _, err := d.Exec(ctx, "postgres", "CREATE TABLE bench (seat int PRIMARY KEY, who text)"); err != nil {
		return nil, err
	}
	return d, connectAll(ctx, pool)
}

// connectAll makes every connection of the pool.
func connectAll(ctx context.Context, pool *pgxpool.Pool) error {
	var conns []*pgxpool.Conn
	defer func() {
		for _, c := range conns {
			c.Release()
		}
	}()
	for range pool.Config().MaxConns {
		c, err := pool.Acquire(ctx)
		if err != nil {
			return err
		}
		conns = append(conns, c)
	}
	return nil
}

// newEvent is an event of which nobody has had a seat.
func (d *database) newEvent(ctx context.Context, seats int) (*lockstore.Event, error) {
	m, err := house(seats)
	if err != nil {
		return nil, err
	}
	d.event++
	ev, err := lockstore.NewEvent(lockstore.EventID("bench"+strconv.Itoa(d.event)), m.Event.Seats, time.Hour, 0)
	if err != nil {
		return nil, err
	}
	return ev, d.store.Open(ctx, ev)
}

var tps = regexp.MustCompile(`tps = ([0-9.]+)`)

// pgbench returns how many times a second as many connections as there are
// callers insert a row that is not there, each with a prepared statement.
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
		return 0, fmt.Errorf("pgbench says %q", out)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

// freshSeats is how many seats a round has: more than it locks.
const freshSeats = 20_000

// postgresLock compares Lock, with all that it keeps, with the bare statement.
func postgresLock(ctx context.Context) (result, error) {
	d, err := startPostgres(ctx)
	if err != nil {
		return result{}, err
	}
	base, ours, ratio, err := sideBySide(
		func() (float64, error) { return d.pgbench(ctx) },
		func() (float64, error) { return d.oneEvent(ctx) },
	)
	return result{perSecond(base), perSecond(ours), fmt.Sprintf("%.2f", ratio), ratio >= 0.5}, err
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
// there are callers, which have nothing to queue for.
func oneEventOrMany(ctx context.Context) (result, error) {
	d, err := startPostgres(ctx)
	if err != nil {
		return result{}, err
	}
	base, ours, ratio, err := sideBySide(
		func() (float64, error) { return d.manyEvents(ctx) },
		func() (float64, error) { return d.oneEvent(ctx) },
	)
	return result{perSecond(base), perSecond(ours), fmt.Sprintf("%.2f", ratio), ratio >= 0.8}, err
}

// manyEvents is a round of locks of which each caller's are in an event of its own.
func (d *database) manyEvents(ctx context.Context) (float64, error) {
	var events []*lockstore.Event
	for range callers {
		ev, err := d.newEvent(ctx, freshSeats/callers)
		if err != nil {
			return 0, err
		}
		events = append(events, ev)
	}
	var locks atomic.Int64
	errs := make([]error, callers)
	var all sync.WaitGroup
	began := time.Now()
	for i, ev := range events {
		all.Go(func() {
			for n := 0; time.Since(began) < round && n < len(ev.Seats); n++ {
				if _, err := d.store.Lock(ctx, ev, ev.Seats[n:n+1], lockstore.UserID("user"+strconv.Itoa(n))); err != nil {
					errs[i] = err
					return
				}
				locks.Add(1)
			}
		})
	}
	all.Wait()
	return float64(locks.Load()) / time.Since(began).Seconds(), errors.Join(errs...)
}

// postgresList lists 50,000 seats, 20,000 booked and 5,000 locked, again and again.
func postgresList(ctx context.Context) (result, error) {
	d, err := startPostgres(ctx)
	if err != nil {
		return result{}, err
	}
	ev, err := d.newEvent(ctx, 50_000)
	if err != nil {
		return result{}, err
	}
	if err := sellHalf(ctx, d.store, ev); err != nil {
		return result{}, err
	}
	var took, unchanged []time.Duration
	for began := time.Now(); time.Since(began) < 3*time.Second; {
		start := time.Now()
		snap, err := d.store.List(ctx, ev, "")
		if err != nil {
			return result{}, err
		}
		if len(snap.Seats) != 25_000 {
			return result{}, fmt.Errorf("%d seats are taken, not 25,000", len(snap.Seats))
		}
		took = append(took, time.Since(start))
		start = time.Now()
		if snap, err = d.store.List(ctx, ev, snap.Version); err != nil || snap.Full {
			return result{}, errors.Join(err, errors.New("a list of changes was none"))
		}
		unchanged = append(unchanged, time.Since(start))
	}
	p50 := quantile(took, 0.5)
	return result{
		base:   "unchanged: " + millis(quantile(unchanged, 0.5)),
		ours:   "p50 " + millis(p50),
		figure: "p99 " + millis(quantile(took, 0.99)),
		ok:     p50 <= 30*time.Millisecond,
	}, nil
}
