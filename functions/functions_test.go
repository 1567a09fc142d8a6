// Package functions_test runs the Lambda functions as they are deployed: the real
// programs, built with release flags, with a Runtime API and a store that the test
// starts.
package functions_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seatlock/functions/booking/apitest"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/faults"
)

// eventFile writes an event file with one event.
func eventFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "events.json")
	text := `{"events":[{"id":"gala","seats":["A1","A2","A3","A4"]}]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestFunctions sells seats on Redis.
func TestFunctions(t *testing.T) {
	t.Parallel()
	sell(t, func(name string) []string { return built(t, name) }, "REDIS_URL=redis://"+redistest.New(t).Addr)
}

// sell sells seats with the functions, which share only a store, and returns them.
func sell(t *testing.T, command func(name string) []string, store string) map[string]*function {
	t.Helper()
	apitest.Load() // loading may take longer than a lock lasts
	events := eventFile(t)
	functions := make(map[string]*function)
	for _, name := range []string{"lock", "confirm", "release", "list", "operate"} {
		functions[name] = start(t, command(name), store, "EVENTS_FILE="+events, "LOCK_TTL=2s").up()
	}
	lock, confirm, release, list := functions["lock"], functions["confirm"], functions["release"], functions["list"]

	lock.post("/lock", "A1", "ann", 200, `"status":"locked"`)
	lock.post("/lock", "A1", "ben", 409, `"code":"seat_locked"`)
	confirm.post("/confirm", "A1", "ben", 409, `"code":"lock_not_held"`)
	confirm.post("/confirm", "A1", "ann", 200, `"status":"booked"`)
	lock.post("/lock", "A2", "ben", 200, `"status":"locked"`)
	release.post("/release", "A2", "ben", 200, `"status":"available"`)
	lock.post("/lock", "A3", "cat", 200, `"status":"locked"`)
	time.Sleep(2100 * time.Millisecond) // the lock has expired
	confirm.post("/confirm", "A3", "cat", 409, `"code":"lock_expired"`)
	lock.post("/lock", "A3", "ann", 200, `"status":"locked"`)

	answer := list.ask("GET", "/seats", "", "")
	var seats struct {
		Counts  map[string]int `json:"counts"`
		Version string         `json:"version"`
	}
	if err := json.Unmarshal([]byte(answer.Body), &seats); err != nil || seats.Counts["booked"] != 1 || seats.Counts["locked"] != 1 {
		t.Errorf("GET /seats: %s, %v, want 1 seat booked and 1 locked", answer.Body, err)
	}
	if delta := list.ask("GET", "/seats", "since="+seats.Version, ""); delta.StatusCode != 200 || !strings.Contains(delta.Body, `"full":false`) {
		t.Errorf("GET /seats?since=%s: %d %s, want 200 with the changes", seats.Version, delta.StatusCode, delta.Body)
	}
	if all := list.ask("GET", "/events", "", ""); all.StatusCode != 200 || !strings.Contains(all.Body, `"eventId":"gala"`) {
		t.Errorf("GET /events: %d %s, want 200 with gala", all.StatusCode, all.Body)
	}
	operate := functions["operate"]
	for path, body := range map[string]string{"/cancel": `{"seatId":"A1","userId":"ann"}`, "/block": `{"seatId":"A4","reason":"camera"}`} {
		if got := operate.operate("POST", path, body); got.StatusCode != 200 {
			t.Errorf("POST %s: %d %s, want 200", path, got.StatusCode, got.Body)
		}
	}
	for path, want := range map[string]string{"/journal": `"kind":"cancel","seatIds":["A1"]`, "/bookings": `"seatId":"A4","status":"blocked"`} {
		if got := operate.operate("GET", path, ""); got.StatusCode != 200 || !strings.Contains(got.Body, want) || !strings.Contains(got.Body, `"eventId":"gala"`) {
			t.Errorf("GET %s: %d %s, want 200 with %s", path, got.StatusCode, got.Body, want)
		}
	}
	if got := operate.operate("POST", "/refund", `{"seatId":"A4","userId":"ann"}`); got.StatusCode != 404 {
		t.Errorf("POST /refund to the function of operators: %d %s, want 404", got.StatusCode, got.Body)
	}
	if got := operate.ask("POST", "/unblock", "", `{"seatId":"A4"}`); got.StatusCode != 403 {
		t.Errorf("POST /unblock by the back end: %d %s, want 403", got.StatusCode, got.Body)
	}
	if wrong := list.ask("POST", "/seats", "", "{}"); wrong.StatusCode != 405 {
		t.Errorf("POST /seats: %d %s, want 405", wrong.StatusCode, wrong.Body)
	}
	return functions
}

// TestFunctionSurvivesPanic checks that a request whose handler panics is answered, and
// that the next event is too.
func TestFunctionSurvivesPanic(t *testing.T) {
	t.Parallel()
	f := start(t, built(t, "testdata/panics"),
		"REDIS_URL=redis://"+redistest.New(t).Addr, "EVENTS_FILE="+eventFile(t)).up()
	if got := f.ask("GET", "/seats", "panic", ""); got.StatusCode != 500 || !strings.Contains(got.Body, `"code":"internal"`) {
		t.Errorf("after a panic: %d %s, want 500 internal", got.StatusCode, got.Body)
	}
	if got := f.ask("GET", "/seats", "", ""); got.StatusCode != 200 {
		t.Errorf("the next event: %d %s, want 200", got.StatusCode, got.Body)
	}
	if a := f.invoke([]byte(`{"version":"1.0"}`)); a.path != "error" || !strings.Contains(string(a.body), "PayloadFormatVersion") {
		t.Errorf("a payload of another format: %s %s, want an error about PayloadFormatVersion", a.path, a.body)
	}
	f.Kill() // its log is complete after this
	if log := f.log.String(); !strings.Contains(log, "on request") || !strings.Contains(log, "request-1") {
		t.Errorf("the log lacks the panic or its request: %s", log)
	}
}

// TestFunctionThaws checks that a function works after a freeze. Lambda freezes
// a function between events, for seconds or hours, and its connections may be
// dead afterwards.
func TestFunctionThaws(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	proxy := faults.NewProxy(t, server.Addr)
	f := start(t, built(t, "lock"), "REDIS_URL=redis://"+proxy.Addr, "EVENTS_FILE="+eventFile(t)).up()
	freeze := func(meanwhile func()) {
		t.Helper()
		if err := f.Freeze(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		meanwhile()
		if err := f.Thaw(); err != nil {
			t.Fatal(err)
		}
	}
	f.post("/lock", "A1", "ann", 200, `"locked"`)

	freeze(func() {})
	f.post("/lock", "A2", "ann", 200, `"locked"`)

	freeze(func() { proxy.Cut(); proxy.Restore() }) // the proxy has closed the connections
	f.post("/lock", "A3", "ann", 200, `"locked"`)

	freeze(func() { proxy.Inject(func() faults.Fault { return faults.Fault{Lost: true} }) }) // a firewall drops their packets
	f.post("/lock", "A4", "ann", 503, `"code":"outcome_unknown"`)
	proxy.Inject(nil)
	f.post("/lock", "A4", "ann", 200, `"locked"`)
	f.post("/lock", "A4", "ben", 409, `"seat_locked"`)
}

// TestFunctionWithoutRedis checks that a function starts even if it cannot
// reach Redis.
func TestFunctionWithoutRedis(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	proxy := faults.NewProxy(t, server.Addr)
	proxy.Cut()
	f := start(t, built(t, "lock"), "REDIS_URL=redis://"+proxy.Addr, "EVENTS_FILE="+eventFile(t)).up()
	f.post("/lock", "A1", "ann", 503, `"code":"`)
	proxy.Restore()
	f.post("/lock", "A1", "ann", 200, `"locked"`)
	f.Kill() // its log is complete after this
	if !strings.Contains(f.log.String(), "Redis is unavailable") {
		t.Errorf("the log does not say that Redis is unavailable: %s", f.log)
	}
}

// TestFunctionRefusesSettings checks that a function with a wrong setting ends
// with one line that names it.
func TestFunctionRefusesSettings(t *testing.T) {
	t.Parallel()
	program := built(t, "lock")
	redis := "REDIS_URL=redis://" + redistest.New(t).Addr
	good := "EVENTS_FILE=" + eventFile(t)
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte(`{"events":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		env  []string
		want string
	}{
		{[]string{good}, "REDIS_URL is not set"},
		{[]string{good, "REDIS_URL=nonsense"}, "REDIS_URL: "},
		{[]string{redis, "LAMBDA_TASK_ROOT=" + t.TempDir()}, "EVENTS_FILE"},
		{[]string{redis, "EVENTS_FILE=" + broken}, "broken.json"},
		{[]string{redis, good, "LOCK_TTL=soon"}, "LOCK_TTL soon: must be"},
		{[]string{redis, good, "LOCK_TTL=0s"}, "LOCK_TTL 0s: must be"},
		{[]string{redis, good, "SEAT_LIMIT=-1"}, "SEAT_LIMIT -1: must be"},
		{[]string{redis, good, "REDIS_WAIT=x"}, "REDIS_WAIT x: must be"},
		{[]string{redis, good, "REDIS_WAIT=-1"}, "REDIS_WAIT -1: must be"},
		{[]string{redis, good, "BASE_PATH=tickets"}, "BASE_PATH tickets: must"},
		{[]string{redis, good, "METRICS_NAMESPACE=a:b"}, "METRICS_NAMESPACE a:b: must be"},
		{[]string{redis, good, "LOG_USERS=perhaps"}, "LOG_USERS perhaps: must be"},
	} {
		said := start(t, program, append([]string{"REDIS_URL=", "EVENTS_FILE="}, c.env...)...).fails()
		if !strings.Contains(said, c.want) || strings.Count(said, "\n") != 1 {
			t.Errorf("%q: the output is %q, want one line with %q", c.env, said, c.want)
		}
	}
}

// TestBundledEvents checks that a function finds the event file of its zip,
// which is beside the program.
func TestBundledEvents(t *testing.T) {
	t.Parallel()
	root := filepath.Dir(eventFile(t))
	f := start(t, built(t, "list"),
		"REDIS_URL=redis://"+redistest.New(t).Addr, "LAMBDA_TASK_ROOT="+root).up()
	if got := f.ask("GET", "/seats", "eventId=gala", ""); got.StatusCode != 200 {
		t.Errorf("GET /seats?eventId=gala: %d %s, want 200", got.StatusCode, got.Body)
	}
}
