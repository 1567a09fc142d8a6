package telemetry_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"

	"seatlock/functions/telemetry"
)

// seen sends a request to h, and returns the outcome that is reported and the answer.
func seen(t *testing.T, h telemetry.Handler) (telemetry.Outcome, *httptest.ResponseRecorder) {
	t.Helper()
	var got []telemetry.Outcome
	w := httptest.NewRecorder()
	report := func(_ context.Context, o *telemetry.Outcome) { got = append(got, *o) }
	func() {
		defer func() { _ = recover() }() // like a server
		telemetry.Observe(h, telemetry.RandomID, report).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	}()
	if len(got) != 1 {
		t.Fatalf("the request is reported %d times", len(got))
	}
	return got[0], w
}

// plain returns a Handler that returns an empty Outcome.
func plain(h http.HandlerFunc) telemetry.Handler {
	return func(w http.ResponseWriter, r *http.Request) (o telemetry.Outcome) {
		h(w, r)
		return o
	}
}

// TestOutcomes checks that a report has what the handler returned, and what was
// measured.
func TestOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			handler telemetry.Handler
			want    telemetry.Outcome
		}{
			"nothing is returned": {plain(func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, "four")
			}), telemetry.Outcome{Call: "other", Code: "ok", Status: 200, Bytes: 4}},
			"nothing is written": {plain(func(http.ResponseWriter, *http.Request) {}), telemetry.Outcome{Call: "other", Code: "ok", Status: 200}},
			"a call": {func(w http.ResponseWriter, _ *http.Request) telemetry.Outcome {
				time.Sleep(time.Second)
				w.WriteHeader(201)
				w.WriteHeader(500)
				return telemetry.Outcome{Call: "lock", Event: "gala", Seats: 3, User: "ann"}
			}, telemetry.Outcome{Call: "lock", Code: "ok", Event: "gala", Seats: 3, User: "ann", Status: 201, Took: time.Second}},
			"a refusal": {func(w http.ResponseWriter, _ *http.Request) telemetry.Outcome {
				w.WriteHeader(409)
				return telemetry.Outcome{Code: "seat_locked"}
			}, telemetry.Outcome{Call: "other", Code: "seat_locked", Status: 409}},
			"a refusal without a code": {plain(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(403)
			}), telemetry.Outcome{Call: "other", Code: "other", Status: 403}},
			"what the client has": {plain(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(304)
			}), telemetry.Outcome{Call: "other", Code: "not_modified", Status: 304}},
			"hints before the answer": {plain(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(103)
				w.WriteHeader(404)
			}), telemetry.Outcome{Call: "other", Code: "other", Status: 404}},
			"a connection taken over": {plain(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(101)
			}), telemetry.Outcome{Call: "other", Code: "ok", Status: 101}},
			"a panic": {func(w http.ResponseWriter, _ *http.Request) telemetry.Outcome {
				panic("some panic")
			}, telemetry.Outcome{Call: "other", Code: "internal", Status: 500}},
		} {
			if got, _ := seen(t, c.handler); got != c.want {
				t.Errorf("%s is reported as\n%+v, want\n%+v", name, got, c.want)
			}
		}
	})
}

// TestNotObserved checks that a handler works without Observe, and that the request
// then has no id.
func TestNotObserved(t *testing.T) {
	h := telemetry.Handler(func(w http.ResponseWriter, r *http.Request) (o telemetry.Outcome) {
		if id := telemetry.ID(r.Context()); id != "" {
			t.Errorf("the request has the id %q, want none", id)
		}
		w.WriteHeader(204)
		return o
	})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != 204 {
		t.Errorf("status %d, want 204", w.Code)
	}
}

// TestAnswersCanDoWhatTheServerCan checks that a handler can set deadlines and take
// over the connection.
func TestAnswersCanDoWhatTheServerCan(t *testing.T) {
	srv := httptest.NewServer(telemetry.Observe(plain(func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Error(err)
		}
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(c, "taken over\n")
		c.Close()
	}), telemetry.RandomID))
	defer srv.Close()
	c, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if line, err := bufio.NewReader(c).ReadString('\n'); line != "taken over\n" {
		t.Errorf("%q %v", line, err)
	}
}

// TestContextOfTheRequest checks that a handler gets the values and the cancellation of
// the request's context.
func TestContextOfTheRequest(t *testing.T) {
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "kept"))
	r := httptest.NewRequest("GET", "/", nil).WithContext(ctx)
	telemetry.Observe(plain(func(_ http.ResponseWriter, r *http.Request) {
		child, end := context.WithTimeout(r.Context(), time.Hour)
		defer end()
		if child.Value(key{}) != "kept" || telemetry.ID(child) == "" {
			t.Error("values are lost")
		}
		cancel()
		<-child.Done()
	}), telemetry.RandomID).ServeHTTP(httptest.NewRecorder(), r)
}

func TestIDs(t *testing.T) {
	made := regexp.MustCompile("^[0-9a-f]{32}$")
	for _, c := range []struct {
		brought []string
		taken   bool
	}{
		{nil, false},
		{[]string{""}, false},
		{[]string{"01F8MECHZX3TBDSZ7XRADM79XE"}, true},
		{[]string{"4bf92f35-77b3-4da6-a3ce_929d.0e0e:4736"}, true},
		{[]string{strings.Repeat("a", 64)}, true},
		{[]string{strings.Repeat("a", 65)}, false},
		{[]string{"one", "another"}, false},
		{[]string{"a b"}, false},
		{[]string{"a\nlevel=ERROR"}, false},
		{[]string{`a"b`}, false},
		{[]string{"a=b"}, false},
		{[]string{"é"}, false},
		{[]string{"\x1b[31m"}, false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		if c.brought != nil {
			r.Header["X-Request-Id"] = c.brought
		}
		w := httptest.NewRecorder()
		inside := ""
		telemetry.Observe(plain(func(_ http.ResponseWriter, r *http.Request) { inside = telemetry.ID(r.Context()) }), telemetry.RandomID).ServeHTTP(w, r)
		got := w.Header().Get("X-Request-Id")
		if got != inside {
			t.Errorf("%q: the answer has the id %q, the log %q", c.brought, got, inside)
		}
		if c.taken && got != c.brought[0] || !c.taken && !made.MatchString(got) {
			t.Errorf("a request with the ids %q gets the id %q", c.brought, got)
		}
	}
	first, second := telemetry.RandomID(t.Context()), telemetry.RandomID(t.Context())
	if first == second {
		t.Errorf("RandomID returned %s twice", first)
	}
}

// TestLogHandler checks the rules of slog.Handler.
func TestLogHandler(t *testing.T) {
	var out bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return telemetry.LogHandler(slog.NewJSONHandler(&out, nil))
	}, func(t *testing.T) map[string]any {
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		return line
	})
}

// TestEveryLineOfARequestHasItsID checks that lines with a request's context have
// its id, even from a logger with attributes, and that others have none.
func TestEveryLineOfARequestHasItsID(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(telemetry.LogHandler(slog.NewTextHandler(&out, nil)))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Request-Id", "this-one")
	telemetry.Observe(plain(func(_ http.ResponseWriter, r *http.Request) {
		log.InfoContext(r.Context(), "first")
		log.With("part", "b").InfoContext(r.Context(), "second")
	}), telemetry.RandomID).ServeHTTP(httptest.NewRecorder(), r)
	log.Info("of no request")
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "request=this-one") == strings.Contains(line, "of no request") {
			t.Errorf("the log says %s", line)
		}
	}
}

// logged reports outcomes to a log at the level, and returns its lines.
func logged(level slog.Level, users bool, outcomes ...telemetry.Outcome) []string {
	var out bytes.Buffer
	report := telemetry.Log(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level})), users)
	for _, o := range outcomes {
		report(context.Background(), &o)
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestLogLines(t *testing.T) {
	locked := telemetry.Outcome{Call: "lock", Code: "ok", Event: "gala", Seats: 2, User: "ann", Status: 200, Bytes: 150, Took: 1234567 * time.Nanosecond}
	taken := telemetry.Outcome{Call: "lock", Code: "seat_locked", Event: "gala", Seats: 1, User: "ann", Status: 409}
	wrong := telemetry.Outcome{Call: "lock", Code: "bad_request", Status: 400}
	broken := telemetry.Outcome{Call: "list", Code: "store_unavailable", Status: 503}
	forged := telemetry.Outcome{Call: "lock", Code: "bad_request", Status: 400, User: "ann\nlevel=ERROR"}
	for _, c := range []struct {
		name  string
		level slog.Level
		users bool
		of    telemetry.Outcome
		want  string // after the time; empty: no line
	}{
		{"a request", slog.LevelDebug, false, locked, "level=DEBUG msg=request call=lock code=ok status=200 ms=1.235 bytes=150 event=gala seats=2"},
		{"a request, at info", slog.LevelInfo, false, locked, ""},
		{"a user, if asked for", slog.LevelDebug, true, locked, "level=DEBUG msg=request call=lock code=ok status=200 ms=1.235 bytes=150 event=gala seats=2 user=ann"},
		{"a conflict, which is no failure", slog.LevelInfo, false, taken, ""},
		{"a refusal", slog.LevelInfo, false, wrong, `level=WARN msg="request refused" call=lock code=bad_request status=400 ms=0 bytes=0`},
		{"a refusal, at error", slog.LevelError, false, wrong, ""},
		{"a failure, which is logged elsewhere", slog.LevelInfo, false, broken, ""},
		{"a user that is none", slog.LevelInfo, true, forged, `level=WARN msg="request refused" call=lock code=bad_request status=400 ms=0 bytes=0`},
	} {
		got := strings.Join(logged(c.level, c.users, c.of), "\n")
		_, got, _ = strings.Cut(got, " ") // the time
		if got != c.want {
			t.Errorf("%s is logged as\n%s, want\n%s", c.name, got, c.want)
		}
	}
}

// TestRefusalsDoNotFillTheDisk checks that only a few of many refusals in a second are
// logged, that other codes are not affected, and that a later line has the number left
// out.
func TestRefusalsDoNotFillTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		report := telemetry.Log(slog.New(slog.NewTextHandler(&out, nil)), false)
		for range 1000 {
			report(t.Context(), &telemetry.Outcome{Call: "lock", Code: "rate_limited", Status: 429})
		}
		report(t.Context(), &telemetry.Outcome{Call: "lock", Code: "forbidden", Status: 403})
		time.Sleep(time.Second)
		report(t.Context(), &telemetry.Outcome{Call: "lock", Code: "rate_limited", Status: 429})
		if lines := strings.Count(out.String(), "\n"); lines != 22 {
			t.Errorf("the log has %d lines, want 22", lines)
		}
		if !strings.Contains(out.String(), "code=forbidden") || !strings.HasSuffix(out.String(), "missed=980\n") {
			t.Errorf("the log: %s", out.String())
		}
	})
}
