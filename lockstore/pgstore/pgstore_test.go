package pgstore_test

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest"
)

// server is one for all tests to which nothing is to happen.
var server = sync.OnceValues(func() (*pgtest.Server, error) { return pgtest.Start(pgtest.Unsafe...) })

func TestMain(m *testing.M) {
	status := m.Run()
	if s, err := server(); err == nil {
		s.Close()
	}
	os.Exit(status)
}

// TestContract runs the suite on a server, on a database of its own.
func TestContract(t *testing.T) {
	s, _ := newStore(t)
	storetest.RunInRealTime(t, func(*testing.T) lockstore.LockStore { return s })
}

// newDatabase makes an empty database, and returns the server that has it and
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

// newStore is a store on an empty database, and the database's URL.
func newStore(t testing.TB) (*pgstore.Store, string) {
	t.Helper()
	srv, name := newDatabase(t)
	return storeAt(t, srv.URL(name)), srv.URL(name)
}

// storeAt is a store on a pool of its own.
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
