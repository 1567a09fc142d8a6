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
	server := pgtest.New(t, pgtest.Unsafe...)
	proxy := faults.NewProxy(t, server.Addr)
	dir := t.TempDir()
	env := []string{"POSTGRES_URL=" + strings.Replace(server.URL("postgres"), server.Addr, proxy.Addr, 1), "EVENTS_FILE=" + eventFile(t)}
	functions := make(map[string]*function)
	for _, name := range []string{"lock", "confirm", "release", "list"} {
		functions[name] = start(t, []string{build(t, dir, "amd64", name, "postgres")}, env...).up()
	}
	lock, confirm, release, list := functions["lock"], functions["confirm"], functions["release"], functions["list"]
	lock.post("/lock", "A1", "ann", 200, `"status":"locked"`)
	lock.post("/lock", "A1", "ben", 409, `"code":"seat_locked"`)
	confirm.post("/confirm", "A1", "ben", 409, `"code":"lock_not_held"`)
	confirm.post("/confirm", "A1", "ann", 200, `"status":"booked"`)
	lock.post("/lock", "A2", "ben", 200, `"status":"locked"`)
	release.post("/release", "A2", "ben", 200, `"status":"available"`)
	if got := list.ask("GET", "/seats", "", ""); got.StatusCode != 200 || !strings.Contains(got.Body, `"counts":{"available":3,"locked":0,"booked":1}`) {
		t.Errorf("the list is %d %s", got.StatusCode, got.Body)
	}

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
	lock.post("/lock", "A3", "ann", 200, `"locked"`)

	rows, err := server.Exec(t.Context(), "postgres", "SELECT FROM pg_stat_activity WHERE application_name = 'seatlock'")
	if err != nil || rows == 0 || rows > int64(len(functions)) {
		t.Errorf("%d functions have %d connections, %v", len(functions), rows, err)
	}
}

// TestFunctionWithoutPostgreSQL: one that is away is no reason not to start, and
// a wrong setting is told in one line.
func TestFunctionWithoutPostgreSQL(t *testing.T) {
	server := pgtest.New(t, pgtest.Unsafe...)
	proxy := faults.NewProxy(t, server.Addr)
	proxy.Cut()
	program := build(t, t.TempDir(), "amd64", "lock", "postgres")
	f := start(t, []string{program}, "POSTGRES_URL="+strings.Replace(server.URL("postgres"), server.Addr, proxy.Addr, 1), "EVENTS_FILE="+eventFile(t)).up()
	f.post("/lock", "A1", "ann", 503, `"code":"store_unavailable"`)
	proxy.Restore()
	for range 20 { // its tables are made by the first request that reaches it
		if got := f.ask("POST", "/lock", "", `{"seatId":"A1","userId":"ann"}`); got.StatusCode == 200 {
			break
		}
	}
	f.post("/lock", "A1", "ann", 200, `"locked"`)
	f.Kill() // all that it said has been read then
	if !strings.Contains(f.log.String(), "cannot reach PostgreSQL") {
		t.Errorf("the log is %s", f.log)
	}
	for _, c := range []struct{ url, want string }{{"", "POSTGRES_URL is not set"}, {"nonsense", "POSTGRES_URL: PostgreSQL URL"}} {
		said := start(t, []string{program}, "POSTGRES_URL="+c.url, "EVENTS_FILE="+eventFile(t)).fails()
		if !strings.Contains(said, c.want) || strings.Count(said, "\n") != 1 {
			t.Errorf("POSTGRES_URL=%s: it says %q, want one line with %s", c.url, said, c.want)
		}
	}
}
