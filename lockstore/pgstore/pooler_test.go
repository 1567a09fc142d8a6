package pgstore_test

import (
	"strings"
	"testing"

	"seatlock/lockstore"
	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest"
)

// TestContractBehindPooler runs the suite behind a PgBouncer that gives each
// transaction whatever connection is free: nothing may be kept in a session.
func TestContractBehindPooler(t *testing.T) {
	srv, name := newDatabase(t)
	addr := pgtest.NewPooler(t, srv)
	s := storeAt(t, strings.Replace(srv.URL(name), srv.Addr, addr, 1)+"&default_query_exec_mode=cache_describe")
	storetest.RunInRealTime(t, func(*testing.T) lockstore.LockStore { return s })
}
