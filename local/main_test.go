package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"seatlock/functions/booking/apitest"
	"seatlock/lockstore/storetest/faults"
)

// TestMain lets a test run the program itself: this binary, asked to be it.
func TestMain(m *testing.M) {
	if os.Getenv("SEATLOCK_TEST_MAIN") != "" {
		main()
		return
	}
	apitest.Load() // before a test that lives by a fake clock does
	os.Exit(m.Run())
}

// program is the runner as a process of its own.
func program(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Env = append(append(os.Environ(), "SEATLOCK_TEST_MAIN=1"), env...)
	return cmd
}

// starting starts the runner in this process, on a free port. Await waits until
// it serves; stop ends it as Ctrl-C does and returns what run returned.
func starting(t *testing.T, args ...string) (await func() (url string), out *faults.Log, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	running, over := context.WithCancel(context.Background())
	out = new(faults.Log)
	ended := make(chan error, 1)
	go func() {
		defer over()
		ended <- run(ctx, append([]string{"local", "-addr", "127.0.0.1:0"}, args...), io.Discard, out)
	}()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { stop() })
	return func() string {
		t.Helper()
		url, err := out.URL(running)
		if err != nil {
			t.Fatalf("it ended at once: %v, %v", stop(), err)
		}
		return url
	}, out, stop
}

// serving is starting, and waiting until it serves.
func serving(t *testing.T, args ...string) (url string, out *faults.Log, stop func() error) {
	t.Helper()
	await, out, stop := starting(t, args...)
	return await(), out, stop
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%s: %s %v %s", url, resp.Status, err, body)
	}
	return string(body)
}

func TestServesSaysWhatAndStops(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		url, out, stop := serving(t, "-seats", "2x3", "-lock-ttl", "90s", "-log", format)
		if body := get(t, url+"/seats"); strings.Count(body, "seatId") != 6 {
			t.Errorf("seats: %s", body)
		}
		if err := stop(); err != nil {
			t.Errorf("it stopped with %v", err)
		}
		for _, want := range []string{"default (6 seats, locks of 1m30s)", "memory", "stopped"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the %s log does not say %q:\n%s", format, want, out)
			}
		}
		if _, err := http.Get(url); err == nil {
			t.Error("it still answers after it stopped")
		}
	}
}

func TestFlagsGoBeforeTheEnvironment(t *testing.T) {
	t.Setenv("SEATS", "1x7")
	t.Setenv("LOCK_TTL", "7s")
	t.Setenv("SEAT_LIMIT", "3")
	t.Setenv("LOG_FORMAT", "json")
	url, out, _ := serving(t, "-lock-ttl", "8s")
	events := get(t, url+"/events")
	for _, want := range []string{`"seatCount":7`, `"lockSeconds":8,`, `"seatLimit":3`} {
		if !strings.Contains(events, want) {
			t.Errorf("%s is not in %s", want, events)
		}
	}
	if !strings.HasPrefix(out.String(), "{") {
		t.Errorf("the log is not JSON: %s", out)
	}
}

func TestEventFile(t *testing.T) {
	url, out, _ := serving(t, "-events", "events/theatre.json")
	events := get(t, url+"/events")
	if !strings.Contains(events, `"sections":[{"name":"Stalls"`) {
		t.Errorf("events: %.300s", events)
	}
	if !strings.Contains(out.String(), "seats, locks of") {
		t.Errorf("log: %s", out)
	}
}

// TestRequestsUnderWayAreAnswered stops the runner in the middle of a request.
func TestRequestsUnderWayAreAnswered(t *testing.T) {
	url, out, stop := serving(t)
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const body = `{"seatId":"A1","userId":"ann"}`
	fmt.Fprintf(c, "POST /lock HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body))
	buf := make([]byte, 1024)
	n, err := c.Read(buf)
	if err != nil || !strings.Contains(string(buf[:n]), "100 Continue") { // the handler is waiting for the body
		t.Fatalf("%v %q", err, buf[:n])
	}
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	for !strings.Contains(out.String(), "stopping") {
		time.Sleep(time.Millisecond)
	}
	io.WriteString(c, body)
	answer, err := io.ReadAll(c)
	if err != nil || !strings.Contains(string(answer), `"status":"locked"`) {
		t.Errorf("%v %q", err, answer)
	}
	if err := <-ended; err != nil {
		t.Errorf("it stopped with %v", err)
	}
}

// TestBadStarts: one line that says what is wrong, and status 2 for a bad
// call, 1 for everything else.
func TestBadStarts(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() }) // after the parallel cases
	badFile := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(badFile, []byte("{\"events\":[\n {\"id\":\"a\",\"seats\":[\"A1\",\"A1\"]}]}"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name   string
		env    []string
		args   []string
		status int
		says   string
	}{
		{"a port in use", nil, []string{"-addr", taken.Addr().String()}, 1, "cannot serve on " + taken.Addr().String()},
		{"an address that is none", nil, []string{"-addr", "here"}, 1, "cannot serve on here"},
		{"an unknown flag", nil, []string{"-port", "80"}, 2, "-port"},
		{"a flag without its value", nil, []string{"-addr"}, 2, "-addr"},
		{"an argument", nil, []string{"8080"}, 2, `"8080" is not a flag`},
		{"a bad duration", nil, []string{"-lock-ttl", "60"}, 2, "lock-ttl"},
		{"a lock of no time", nil, []string{"-lock-ttl", "0s"}, 2, "a lock lasts from 1ms"},
		{"a bad duration in the environment", []string{"LOCK_TTL=soon"}, nil, 2, "LOCK_TTL"},
		{"a negative limit", nil, []string{"-seat-limit", "-1"}, 2, "-seat-limit -1"},
		{"a bad grid", nil, []string{"-seats", "10by10"}, 2, "rows x seats"},
		{"too large a grid", nil, []string{"-seats", "1000x1000"}, 2, "200000"},
		{"a bad log format", nil, []string{"-log", "xml"}, 2, "-log xml"},
		{"no event file", nil, []string{"-events", "nowhere.json"}, 1, "nowhere.json"},
		{"a bad event file", nil, []string{"-events", badFile}, 1, "bad.json:2:"},
		{"a bad Redis URL", nil, []string{"-redis", "localhost:6379"}, 2, "-redis"},
		{"a bad number of replicas", []string{"REDIS_WAIT=-1", "REDIS_URL=redis://127.0.0.1:1"}, nil, 2, "-redis-wait -1"},
		{"a negative number of viewers", nil, []string{"-max-viewers", "-1"}, 2, "-max-viewers -1"},
		{"an audit of nothing", nil, []string{"-redis-audit"}, 2, "-redis does not say which"},
		{"an issuer without an audience", nil, []string{"-auth-issuer", "https://login.example"}, 2, "needs -auth-audience"},
		{"an audience without an issuer", []string{"AUTH_AUDIENCE=shop"}, nil, 2, "needs -auth-issuer"},
		{"an issuer that anybody on the way can be", nil, []string{"-auth-issuer", "http://login.example", "-auth-audience", "shop"}, 2, "https"},
		{"a key that can be guessed", []string{"AUTH_BACKEND_KEY=secret"}, nil, 2, "AUTH_BACKEND_KEY has 6 characters"},
		{"lists for nobody", nil, []string{"-private"}, 2, "nobody could call"},
		{"a rate below nothing", nil, []string{"-rate", "-1"}, 2, "-rate -1"},
		{"a number of proxies below nothing", nil, []string{"-trust-proxy", "-1"}, 2, "-trust-proxy -1"},
		{"a certificate without its key", nil, []string{"-tls-cert", badFile}, 2, "-tls-key"},
		{"a certificate that is none", nil, []string{"-tls-cert", badFile, "-tls-key", badFile}, 1, "cannot serve HTTPS with -tls-cert " + badFile},
		{"an origin with a path", nil, []string{"-cors-origin", "https://shop.example/"}, 2, "-cors-origin https://shop.example/"},
		{"an origin without a scheme", []string{"CORS_ORIGIN=shop.example"}, nil, 2, "-cors-origin shop.example"},
		{"no connections", nil, []string{"-max-connections", "0"}, 2, "-max-connections 0"},
		{"a drain below nothing", nil, []string{"-drain", "-1s"}, 2, "-drain -1s"},
		{"a delay that leaves nothing of the drain", nil, []string{"-drain", "5s", "-drain-delay", "5s"}, 2, "a part of -drain, which is 5s"},
		{"a delay below nothing", []string{"DRAIN_DELAY=-1s"}, nil, 2, "-drain-delay -1s"},
		{"an unknown level", nil, []string{"-log-level", "loud"}, 2, "-log-level loud"},
		{"a port for metrics in use", nil, []string{"-addr", "127.0.0.1:0", "-metrics-addr", taken.Addr().String()}, 1, "cannot serve metrics on " + taken.Addr().String()},
		{"metrics where buyers are", nil, []string{"-addr", "127.0.0.1:1", "-metrics-addr", "127.0.0.1:1"}, 2, "another address than -addr"},
		{"a grid beside an event file", nil, []string{"-events", "events/theatre.json", "-seats", "2x2"}, 2, "-seats"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			cmd := program(t, c.env, c.args...)
			cmd.Stdout, cmd.Stderr = &out, &out
			_ = cmd.Run() // its status is looked at
			if got := cmd.ProcessState.ExitCode(); got != c.status {
				t.Errorf("status %d, want %d", got, c.status)
			}
			if line := out.String(); strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "seatlock: ") || !strings.Contains(line, c.says) {
				t.Errorf("it said\n%s want one line with %q", line, c.says)
			}
		})
	}
}

func TestHelpExplainsEveryFlag(t *testing.T) {
	out, err := program(t, nil, "-h").Output()
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range regexp.MustCompile(`--([a-z-]+) .*\[\$([A-Z_]+)\]`).FindAllStringSubmatch(string(out), -1) {
		if row := fmt.Sprintf("| `-%s` | `%s` |", flag[1], flag[2]); !strings.Contains(string(readme), row) {
			t.Errorf("the README's configuration has no row %s", row)
		}
	}
	for _, want := range []string{
		"-addr", "$ADDR", "-seats", "$SEATS", "-events", "$EVENTS_FILE", "-lock-ttl", "$LOCK_TTL",
		"-seat-limit", "$SEAT_LIMIT", "-log", "$LOG_FORMAT", "127.0.0.1:8080", "10x10", "1m0s",
		"-redis", "$REDIS_URL", "-redis-wait", "$REDIS_WAIT", "-redis-start", "$REDIS_START", "-redis-allow-eviction", "-redis-audit", "-redis-rebuild",
		"-auth-issuer", "-auth-audience", "-private", "-rate", "-trust-proxy", "-tls-cert", "-tls-key", "-cors-origin", "-max-connections", "-drain", "-drain-delay",
		"-log-level", "-log-users", "-metrics-addr",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the help does not say %s:\n%s", want, out)
		}
	}
}
