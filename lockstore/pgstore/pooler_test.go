package pgstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/pgstore/pgtest"
)

// TestServerDiesBehindPooler checks that a call has an unknown outcome if the server
// behind a pooler is killed in the middle of it, whatever the pooler answers.
func TestServerDiesBehindPooler(t *testing.T) {
	t.Parallel()
	srv := pgtest.New(t, pgtest.Unsafe...)
	s, ev := migrated(t, behindPooler(t, srv, "postgres")), newEvent(t, 40)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	ctl := admin(t, srv.URL("postgres"))
	ended := callThatWaits(t, ctl, s, ev, func() lockstore.Op { return lockstore.Confirm(ann, "A1") })
	srv.Kill()
	// On a slow machine the call may end before the server does.
	if err := <-ended; !errors.Is(err, lockstore.ErrOutcomeUnknown) && (err == nil || !strings.Contains(err.Error(), lockTimeout)) {
		t.Errorf("Confirm while the server is killed: %v, want ErrOutcomeUnknown", err)
	}
	if err := srv.Restart(); err != nil {
		t.Fatal(err)
	}
	within(t, soon, s, ev)
	if err := do(t, s, ev, lockstore.Confirm(ann, "A1")); err != nil {
		t.Errorf("the call again: %v", err)
	}
}

// TestPoolerKeepsSessionsAsTheyWere checks that the session settings that this program
// makes do not reach other clients of a pooler.
func TestPoolerKeepsSessionsAsTheyWere(t *testing.T) {
	t.Parallel()
	srv, name := newDatabase(t)
	url := behindPooler(t, srv, name)
	s := migrated(t, url)
	if err := crowd(t, s, newEvent(t, 40), ann); err != nil {
		t.Fatal(err)
	}
	c := admin(t, url)
	for _, setting := range []string{"tcp_user_timeout", "tcp_keepalives_idle", "idle_in_transaction_session_timeout"} {
		var direct, pooled string
		if err := admin(t, srv.URL(name)).QueryRow(t.Context(), "SHOW "+setting).Scan(&direct); err != nil {
			t.Fatal(err)
		}
		if err := c.QueryRow(t.Context(), "SHOW "+setting).Scan(&pooled); err != nil {
			t.Fatal(err)
		}
		if pooled != direct {
			t.Errorf("%s is %s for a client of the pooler, want %s", setting, pooled, direct)
		}
	}
}

// behindPooler returns the URL of a database of a server behind a PgBouncer.
func behindPooler(t *testing.T, srv *pgtest.Server, database string) string {
	t.Helper()
	return strings.Replace(srv.URL(database), srv.Addr, pgtest.NewPooler(t, srv), 1) + "&default_query_exec_mode=cache_describe"
}

// lockTimeout is the code of the error of a call that waited too long for a row.
const lockTimeout = "55P03"

// callThatWaits carries out the operation that op returns, whose rows a transaction of
// ctl holds, and returns once the server makes it wait. The channel gets what the call
// returns. On a slow machine the operation may be too late before it waits; then
// callThatWaits asks op for another.
func callThatWaits(t *testing.T, ctl *pgx.Conn, s *pgstore.Store, ev *lockstore.Event, op func() lockstore.Op) <-chan error {
	t.Helper()
	tx, err := ctl.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) }) // the server may be gone
	if _, err := tx.Exec(t.Context(), "SELECT FROM seatlock.seat FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	var ended chan error
	begin := func() {
		ended = make(chan error, 1)
		made := op()
		go func() { ended <- do(t, s, ev, made) }()
	}
	begin()
	for waiting := 0; waiting == 0; time.Sleep(time.Millisecond) {
		if err := tx.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE NOT granted").Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		if len(ended) > 0 {
			if err := <-ended; !errors.Is(err, lockstore.ErrTooLate) {
				t.Fatalf("the call did not wait: %v", err)
			}
			begin()
			waiting = 0
		}
	}
	return ended
}
