package pgstore_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest"
)

// server is shared by all tests that do not break it.
var server = sync.OnceValues(func() (*pgtest.Server, error) { return pgtest.Start(pgtest.Unsafe...) })

func TestMain(m *testing.M) {
	status := m.Run()
	if s, err := server(); err == nil {
		s.Close()
	}
	os.Exit(status)
}

// TestContract runs the suite on a database, and on one behind a PgBouncer that
// gives each transaction any free connection: nothing may be kept in a
// session. On the former, every full list is built on an earlier one.
func TestContract(t *testing.T) {
	t.Parallel()
	storetest.RunTogetherInRealTime(t, map[string]func(*testing.T) lockstore.LockStore{
		"direct": func(t *testing.T) lockstore.LockStore {
			s, _ := newStore(t)
			pgstore.KeepEveryList(s)
			return s
		},
		"behind_a_pooler": func(t *testing.T) lockstore.LockStore {
			srv, name := newDatabase(t)
			addr := pgtest.NewPooler(t, srv)
			return migrated(t, strings.Replace(srv.URL(name), srv.Addr, addr, 1)+"&default_query_exec_mode=cache_describe")
		},
	})
}

// newDatabase creates an empty database, and returns the server that has it and
// its name.
func newDatabase(t testing.TB) (*pgtest.Server, string) {
	t.Helper()
	pgtest.Need(t)
	srv, err := server()
	if err != nil {
		t.Fatal(err)
	}
	name, err := srv.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return srv, name
}

// newStore returns a store on a database without events, and the database's URL.
func newStore(t testing.TB) (*pgstore.Store, string) {
	t.Helper()
	srv, name := newDatabase(t)
	return migrated(t, srv.URL(name)), srv.URL(name)
}

// migrated returns a store on a pool of its own, whose tables exist.
func migrated(t testing.TB, url string) *pgstore.Store {
	t.Helper()
	s := storeAt(t, url)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for { // as a program does at the start
		_, err := s.Migrate(ctx)
		if err == nil {
			return s
		}
		if !errors.Is(err, lockstore.ErrUnavailable) || ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// storeAt returns a store on a pool of its own.
func storeAt(t testing.TB, url string) *pgstore.Store {
	t.Helper()
	pool, err := pgstore.Pool(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pgstore.New(pool)
}

// admin is a connection to look with, and to do what an operator would.
func admin(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) }) // the server may be gone
	return c
}
