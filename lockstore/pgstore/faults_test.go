package pgstore_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest/faults"
)

// TestFaults runs the suite of faults on a server of its own.
func TestFaults(t *testing.T) {
	t.Parallel()
	srv := pgtest.New(t, pgtest.Unsafe...)
	migrated(t, srv.URL("postgres"))
	faults.Run(t, faults.Backend{
		Addr: srv.Addr,
		Store: func(t *testing.T, addr string) lockstore.LockStore {
			// One connection: what the server sends next on it is the answer to the next call.
			return storeAt(t, strings.Replace(srv.URL("postgres"), srv.Addr, addr, 1)+"&pool_max_conns=1")
		},
		Kill:    srv.Kill,
		Restart: srv.Restart,
		Keeps:   true,
		Notices: true,
		Silent:  silent,
	})
}

// silent returns a store on a database that never answers.
func silent(t *testing.T) lockstore.LockStore {
	c, err := pgxpool.ParseConfig("postgres://user@192.0.2.1/seats?sslmode=disable&pool_max_conns=2")
	if err != nil {
		t.Fatal(err)
	}
	c.ConnConfig.DialFunc = func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, there) }()
		return here, nil
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pgstore.New(pool)
}

// TestWaitsForNobodyTooLong checks that a call for seats that a transaction holds
// without end fails with ErrUnavailable, and that other seats are not affected.
func TestWaitsForNobodyTooLong(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 3)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1", "A2"))
	tx, err := admin(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT FROM seatlock.seat WHERE place = 1 FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	if err := do(t, s, ev, lockstore.Confirm(ann, "A1", "A2")); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("Confirm of a row that somebody keeps: %v, want ErrUnavailable", err)
	}
	wantSeats(t, mustList(t, s, ev, ""), "A1 locked", "A2 locked")
	if err := do(t, s, ev, lockstore.Lock("bob", "A2")); !errors.Is(err, lockstore.SeatLocked) {
		t.Errorf("Lock of a row that somebody keeps: %v, want that it is locked", err)
	}
	if _, err := tx.Exec(t.Context(), `INSERT INTO seatlock.seat (event, place, name, holder, since, until)
		SELECT event, 2, 'A3', holder, since, until FROM seatlock.seat WHERE place = 1`); err != nil {
		t.Fatal(err)
	}
	if err := do(t, s, ev, lockstore.Lock("bob", "A3")); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("Lock of a row that somebody is making: %v, want ErrUnavailable", err)
	}
	if err := do(t, s, ev, lockstore.Confirm(ann, "A1")); err != nil {
		t.Errorf("Confirm of another: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := do(t, s, ev, lockstore.Confirm(ann, "A2")); err != nil {
		t.Error(err)
	}
}

// TestUndoneCallsAreMadeAgain checks that the caller does not notice if the database
// undoes its transaction for the sake of another.
func TestUndoneCallsAreMadeAgain(t *testing.T) {
	s, url := newStore(t)
	ev := newEvent(t, 3)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	ctl := admin(t, url)
	// Under this isolation, a transaction that waited for a row that changed fails.
	// A pool of pgstore.Pool would not use it.
	pool, err := pgxpool.New(t.Context(), url+"&default_transaction_isolation=repeatable%20read")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	strict := pgstore.New(pool)
	tx, err := ctl.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "UPDATE seatlock.seat SET until = 'infinity' WHERE place = 0"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- do(t, strict, ev, lockstore.Release(ann, "A1")) }()
	look := admin(t, url)
	for waiting := 0; waiting == 0; time.Sleep(time.Millisecond) {
		if err := look.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if len(ended) > 0 {
			t.Fatalf("Release did not wait: %v", <-ended)
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, lockstore.SeatBooked) {
		t.Errorf("Release of what was booked meanwhile: %v, want SeatBooked", err)
	}
}
