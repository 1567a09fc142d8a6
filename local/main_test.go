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
	"seatlock/functions/settings"
	"seatlock/lockstore/storetest/faults"
)

// TestMain runs the runner instead of the tests if SEATLOCK_TEST_MAIN is set, so
// that a test can start it as a process.
func TestMain(m *testing.M) {
	if os.Getenv("SEATLOCK_TEST_MAIN") != "" {
		main()
		return
	}
	apitest.Load() // now, not in a test with a fake clock
	os.Exit(m.Run())
}

// program returns a command that starts the runner as a process.
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

// starting starts the runner in this process on a free port, with the variables
// as its environment. await waits until it serves and returns its url; stop ends it
// as Ctrl-C does and returns the error of run.
func starting(t *testing.T, env variables, args ...string) (await func() (url string), out *faults.Log, stop func() error) {
	t.Helper()
	return startingInto(t, io.Discard, env, args...)
}

// servingInto starts the runner as servingWith does, with its standard output.
func servingInto(t *testing.T, stdout io.Writer, env variables, args ...string) (url string) {
	t.Helper()
	await, _, _ := startingInto(t, stdout, env, args...)
	return await()
}

func startingInto(t *testing.T, stdout io.Writer, env variables, args ...string) (await func() (url string), out *faults.Log, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	running, over := context.WithCancel(context.Background())
	out = new(faults.Log)
	ended := make(chan error, 1)
	go func() {
		defer over()
		ended <- run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), env.get, stdout, out)
	}()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { stop() })
	return func() string {
		t.Helper()
		url, err := out.URL(running)
		if err != nil {
			t.Fatalf("the runner ended before it served: %v, %v", stop(), err)
		}
		return url
	}, out, stop
}

// servingWith starts the runner as starting does, and waits until it serves.
func servingWith(t *testing.T, env variables, args ...string) (url string, out *faults.Log, stop func() error) {
	t.Helper()
	await, out, stop := starting(t, env, args...)
	return await(), out, stop
}

// serving is servingWith without an environment.
func serving(t *testing.T, args ...string) (url string, out *faults.Log, stop func() error) {
	t.Helper()
	return servingWith(t, nil, args...)
}

// variables are an environment.
type variables map[string]string

func (v variables) get(name string) string { return v[name] }

// get returns the body of a GET that must succeed.
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

func TestStartAndStopAreLogged(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		url, out, stop := serving(t, "-seats", "2x3", "-lock-ttl", "90s", "-log", format)
		if body := get(t, url+"/seats"); strings.Count(body, "seatId") != 6 {
			t.Errorf("the list is %s, want 6 seats", body)
		}
		if err := stop(); err != nil {
			t.Errorf("the runner ended with %v", err)
		}
		for _, want := range []string{"default (6 seats, locks of 1m30s)", "memory", "stopped"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the %s log does not have %q:\n%s", format, want, out)
			}
		}
		if _, err := http.Get(url); err == nil {
			t.Error("the runner answers after it has ended")
		}
	}
}

func TestFlagsGoBeforeTheEnvironment(t *testing.T) {
	env := variables{"SEATS": "1x7", "LOCK_TTL": "7s", "SEAT_LIMIT": "3", "LOG_FORMAT": "json"}
	url, out, _ := servingWith(t, env, "-lock-ttl", "8s")
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
		t.Errorf("GET /events answers %.300s", events)
	}
	if !strings.Contains(out.String(), "seats, locks of") {
		t.Errorf("the log: %s", out)
	}
}

// TestRequestsUnderWayAreAnswered stops the runner in the middle of a request.
func TestRequestsUnderWayAreAnswered(t *testing.T) {
	url, out, stop := serving(t)
	const body = `{"seatId":"A1","userId":"ann"}`
	c := send(t, url, fmt.Sprintf("POST /lock HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body)))
	buf := make([]byte, 1024)
	n, err := c.Read(buf)
	if err != nil || !strings.Contains(string(buf[:n]), "100 Continue") { // the handler is waiting for the body
		t.Fatalf("the first answer is %q, %v, want 100 Continue", buf[:n], err)
	}
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	for !strings.Contains(out.String(), "stopping") {
		time.Sleep(time.Millisecond)
	}
	io.WriteString(c, body)
	answer, err := io.ReadAll(c)
	if err != nil || !strings.Contains(string(answer), `"status":"locked"`) {
		t.Errorf("the answer is %q, %v", answer, err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the runner ended with %v", err)
	}
}

// TestBadStarts checks that a start that fails prints one line that says what is
// wrong, with status 2 for wrong settings and 1 for everything else.
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
		text   string
	}{
		{"a port in use", nil, []string{"-addr", taken.Addr().String()}, 1, "cannot serve on " + taken.Addr().String()},
		{"an address that is none", nil, []string{"-addr", "here"}, 1, "cannot serve on here"},
		{"an unknown flag", nil, []string{"-port", "80"}, 2, "-port"},
		{"a flag without its value", nil, []string{"-addr"}, 2, "-addr"},
		{"an argument", nil, []string{"8080"}, 2, `"8080" is not a flag`},
		{"a bad duration", nil, []string{"-lock-ttl", "60"}, 2, "-lock-ttl 60: must be"},
		{"a lock of no time", nil, []string{"-lock-ttl", "0s"}, 2, "-lock-ttl 0s: must be a duration from 1ms"},
		{"a bad duration in the environment", []string{"LOCK_TTL=soon"}, nil, 2, "LOCK_TTL soon: must be"},
		{"a negative limit", nil, []string{"-seat-limit", "-1"}, 2, "-seat-limit -1: must be"},
		{"a bad grid", nil, []string{"-seats", "10by10"}, 2, "-seats 10by10: must be ROWSxSEATS, such as 10x10"},
		{"too large a grid", nil, []string{"-seats", "1000x1000"}, 2, "200000"},
		{"a bad log format", nil, []string{"-log", "xml"}, 2, "-log xml"},
		{"no event file", nil, []string{"-events", "nowhere.json"}, 1, "nowhere.json"},
		{"a bad event file", nil, []string{"-events", badFile}, 1, "bad.json:2:"},
		{"a bad Redis URL", nil, []string{"-redis", "localhost:6379"}, 2, "-redis"},
		{"a bad number of replicas", []string{"REDIS_WAIT=-1", "REDIS_URL=redis://127.0.0.1:1"}, nil, 2, "REDIS_WAIT -1: must be"},
		{"a negative number of viewers", nil, []string{"-max-viewers", "-1"}, 2, "-max-viewers -1"},
		{"an audit of nothing", nil, []string{"-redis-audit"}, 2, "-redis-audit: needs -redis"},
		{"an issuer without an audience", nil, []string{"-auth-issuer", "https://login.example"}, 2, "needs -auth-audience"},
		{"an audience without an issuer", []string{"AUTH_AUDIENCE=shop"}, nil, 2, "needs -auth-issuer"},
		{"an issuer without TLS", nil, []string{"-auth-issuer", "http://login.example", "-auth-audience", "shop"}, 2, "https"},
		{"a key that can be guessed", []string{"AUTH_BACKEND_KEY=secret"}, nil, 2, "AUTH_BACKEND_KEY: must have 32 characters"},
		{"private lists without a way to sign in", nil, []string{"-private"}, 2, "nobody could call"},
		{"buyers who sign in and nobody who confirms", nil, []string{"-auth-issuer", "https://login.example", "-auth-audience", "shop"}, 2, "nobody could confirm a booking: set AUTH_BACKEND_KEY"},
		{"a rate below nothing", nil, []string{"-rate", "-1"}, 2, "-rate -1"},
		{"a number of proxies", nil, []string{"-trust-proxy", "1"}, 2, "-trust-proxy 1: must be the address"},
		{"a certificate without its key", nil, []string{"-tls-cert", badFile}, 2, "-tls-key"},
		{"a certificate that is none", nil, []string{"-tls-cert", badFile, "-tls-key", badFile}, 1, "cannot serve HTTPS with -tls-cert " + badFile},
		{"an origin with a path", nil, []string{"-cors-origin", "https://shop.example/"}, 2, "-cors-origin https://shop.example/"},
		{"an origin without a scheme", []string{"CORS_ORIGIN=shop.example"}, nil, 2, "CORS_ORIGIN shop.example: must be"},
		{"no connections", nil, []string{"-max-connections", "0"}, 2, "-max-connections 0"},
		{"a drain below nothing", nil, []string{"-drain", "-1s"}, 2, "-drain -1s"},
		{"a delay that leaves nothing of the drain", nil, []string{"-drain", "5s", "-drain-delay", "5s"}, 2, "-drain-delay 5s: must be shorter than -drain, which is 5s"},
		{"a delay below nothing", []string{"DRAIN_DELAY=-1s"}, nil, 2, "DRAIN_DELAY -1s: must be"},
		{"an unknown level", nil, []string{"-log-level", "loud"}, 2, "-log-level loud"},
		{"a port for metrics in use", nil, []string{"-addr", "127.0.0.1:0", "-metrics-addr", taken.Addr().String()}, 1, "cannot serve metrics on " + taken.Addr().String()},
		{"metrics where buyers are", nil, []string{"-addr", "127.0.0.1:1", "-metrics-addr", "127.0.0.1:1"}, 2, "must differ from -addr"},
		{"a grid beside an event file", nil, []string{"-events", "events/theatre.json", "-seats", "2x2"}, 2, "-seats"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			cmd := program(t, c.env, c.args...)
			cmd.Stdout, cmd.Stderr = &out, &out
			_ = cmd.Run() // its status is checked below
			if got := cmd.ProcessState.ExitCode(); got != c.status {
				t.Errorf("status %d, want %d", got, c.status)
			}
			if explains := strings.HasSuffix(out.String(), "; -h explains every flag\n"); explains != (c.status == 2) {
				t.Errorf("with status %d the runner printed\n%s", c.status, out.String())
			}
			if line := out.String(); strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "seatlock: ") || !strings.Contains(line, c.text) {
				t.Errorf("the runner printed\n%s want one line with %q", line, c.text)
			}
		})
	}
}

func TestHelpExplainsEveryFlag(t *testing.T) {
	out, err := program(t, nil, "-h").Output()
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	help := strings.Join(strings.Fields(string(out)), " ")
	declared := make(map[string]bool)
	for _, s := range settings.ForRunner() {
		declared[s.Flag] = true
		row := "\n|"
		block := []string{"(no flag)"} // the help of a setting: flag, placeholder, variable, default, text
		if s.Flag == "" {
			row += " |"
		} else {
			row += " `-" + s.Flag + "` |"
			block[0] = "-" + s.Flag
		}
		usage := s.Usage
		if parts := strings.Split(usage, "`"); len(parts) == 3 {
			block = append(block, parts[1])
			usage = strings.Join(parts, "")
		}
		if s.Env == "" {
			row += " |"
		} else {
			row += " `" + s.Env + "` |"
			block = append(block, "$"+s.Env)
		}
		if s.Default == "" {
			row += " | "
		} else {
			row += " `" + s.Default + "`"
		}
		if s.Default != "" && s.Default != "false" {
			block = append(block, "default "+s.Default)
		}
		if want := strings.Join(append(block, usage), " "); !strings.Contains(help, want) {
			t.Errorf("the help does not have %q:\n%s", want, out)
		}
		if !strings.Contains(string(readme), row) {
			t.Errorf("the README's configuration has no row that begins with %s", row)
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `-([a-z-]+)` \\|").FindAllStringSubmatch(string(readme), -1) {
		if !declared[row[1]] {
			t.Errorf("the README's configuration has a row for -%s, which is no flag", row[1])
		}
	}
	for line := range strings.Lines(string(out)) {
		if len(line) > 81 {
			t.Errorf("a line of the help is longer than 80 characters: %s", line)
		}
	}
}
