package functions_test

import (
	"strings"
	"testing"
	"time"

	"seatlock/lockstore/pgstore/pgtest"
	"seatlock/lockstore/storetest/faults"
)

// TestFunctionsOnPostgreSQL sells seats with the functions as they are
// built for PostgreSQL, each with a connection of its own.
func TestFunctionsOnPostgreSQL(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.Unsafe...)
	proxy := faults.NewProxy(t, server.Addr)
	functions := sell(t, func(name string) []string { return built(t, name, "postgres") },
		"POSTGRES_URL="+strings.Replace(server.URL("postgres"), server.Addr, proxy.Addr, 1))

	lock := functions["lock"]
	// The proxy closes the function's connections while it is frozen.
	if err := lock.Freeze(); err != nil {
		t.Fatal(err)
	}
	proxy.Cut()
	proxy.Restore()
	time.Sleep(1100 * time.Millisecond) // the pool tests a connection that was idle for a second
	if err := lock.Thaw(); err != nil {
		t.Fatal(err)
	}
	lock.post("/lock", "A1", "ann", 200, `"locked"`)

	rows, err := server.Exec(t.Context(), "postgres", "SELECT FROM pg_stat_activity WHERE application_name = 'seatlock'")
	if err != nil || rows == 0 || rows > int64(len(functions)) {
		t.Errorf("%d functions have %d connections, %v, want at most one each", len(functions), rows, err)
	}
}

// TestFunctionWithoutPostgreSQL checks that a function starts even if it cannot
// reach PostgreSQL, and ends with one line if the setting is missing or wrong.
func TestFunctionWithoutPostgreSQL(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.Unsafe...)
	proxy := faults.NewProxy(t, server.Addr)
	proxy.Cut()
	program := built(t, "lock", "postgres")
	f := start(t, program, "POSTGRES_URL="+strings.Replace(server.URL("postgres"), server.Addr, proxy.Addr, 1), "EVENTS_FILE="+eventFile(t)).up()
	f.post("/lock", "A1", "ann", 503, `"code":"store_unavailable"`)
	proxy.Restore()
	for range 20 { // the first request that reaches PostgreSQL creates the tables
		if got := f.ask("POST", "/lock", "", `{"seatId":"A1","userId":"ann"}`); got.StatusCode == 200 {
			break
		}
	}
	f.post("/lock", "A1", "ann", 200, `"locked"`)
	f.Kill() // its log is complete after this
	if !strings.Contains(f.log.String(), "PostgreSQL is unavailable") {
		t.Errorf("the log does not say that PostgreSQL is unavailable: %s", f.log)
	}
	for _, c := range []struct{ url, want string }{{"", "POSTGRES_URL is not set"}, {"nonsense", "POSTGRES_URL: PostgreSQL URL"}} {
		said := start(t, program, "POSTGRES_URL="+c.url, "EVENTS_FILE="+eventFile(t)).fails()
		if !strings.Contains(said, c.want) || strings.Count(said, "\n") != 1 {
			t.Errorf("POSTGRES_URL=%s: the output is %q, want one line with %q", c.url, said, c.want)
		}
	}
}
