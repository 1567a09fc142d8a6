package functions_test

import (
	"strings"
	"testing"
	"time"

	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest/faults"
)

// TestFunctionsOnPostgreSQL sells seats with the four functions as they are
// built for PostgreSQL, each with a connection of its own.
func TestFunctionsOnPostgreSQL(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.Unsafe...)
	proxy := faults.NewProxy(t, server.Addr)
	functions := sell(t, func(name string) []string { return built(t, name, "postgres") },
		"POSTGRES_URL="+strings.Replace(server.URL("postgres"), server.Addr, proxy.Addr, 1))

	lock := functions["lock"]
	// Frozen meanwhile, and the other end has hung up.
	if err := lock.Freeze(); err != nil {
		t.Fatal(err)
	}
	proxy.Cut()
	proxy.Restore()
	time.Sleep(1100 * time.Millisecond) // from then on a connection is tried first
	if err := lock.Thaw(); err != nil {
		t.Fatal(err)
	}
	lock.post("/lock", "A4", "ann", 200, `"locked"`)

	rows, err := server.Exec(t.Context(), "postgres", "SELECT FROM pg_stat_activity WHERE application_name = 'seatlock'")
	if err != nil || rows == 0 || rows > int64(len(functions)) {
		t.Errorf("%d functions have %d connections, %v", len(functions), rows, err)
	}
}

// TestFunctionWithoutPostgreSQL: one that is away is no reason not to start, and
// a wrong setting is told in one line.
func TestFunctionWithoutPostgreSQL(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.Unsafe...)
	proxy := faults.NewProxy(t, server.Addr)
	proxy.Cut()
	program := built(t, "lock", "postgres")
	f := start(t, program, "POSTGRES_URL="+strings.Replace(server.URL("postgres"), server.Addr, proxy.Addr, 1), "EVENTS_FILE="+eventFile(t)).up()
	f.post("/lock", "A1", "ann", 503, `"code":"store_unavailable"`)
	proxy.Restore()
	for range 20 { // its tables are made by the first request that reaches it
		if got := f.ask("POST", "/lock", "", `{"seatId":"A1","userId":"ann"}`); got.StatusCode == 200 {
			break
		}
	}
	f.post("/lock", "A1", "ann", 200, `"locked"`)
	f.Kill() // all that it said has been read then
	if !strings.Contains(f.log.String(), "PostgreSQL is unavailable") {
		t.Errorf("the log is %s", f.log)
	}
	for _, c := range []struct{ url, want string }{{"", "POSTGRES_URL is not set"}, {"nonsense", "POSTGRES_URL: PostgreSQL URL"}} {
		said := start(t, program, "POSTGRES_URL="+c.url, "EVENTS_FILE="+eventFile(t)).fails()
		if !strings.Contains(said, c.want) || strings.Count(said, "\n") != 1 {
			t.Errorf("POSTGRES_URL=%s: it says %q, want one line with %s", c.url, said, c.want)
		}
	}
}
