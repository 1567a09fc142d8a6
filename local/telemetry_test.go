package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"seatlock/lockstore/storetest/faults"
)

// promtool runs Prometheus' promtool with the input.
func promtool(t *testing.T, stdin string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "promtool", args...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

var metricsInLog = regexp.MustCompile(`metrics"?[=:]"?(http://[^\s"]+)`)

// servingMetrics starts the runner with metrics and returns their URL too.
func servingMetrics(t *testing.T, args ...string) (url, metricsURL string, out *faults.Log) {
	t.Helper()
	return servingMetricsWith(t, nil, args...)
}

// servingMetricsWith is servingMetrics with an environment.
func servingMetricsWith(t *testing.T, env variables, args ...string) (url, metricsURL string, out *faults.Log) {
	t.Helper()
	url, out, _ = servingWith(t, env, append([]string{"-metrics-addr", "127.0.0.1:0"}, args...)...)
	found := metricsInLog.FindStringSubmatch(out.String())
	if found == nil {
		t.Fatalf("the log does not have the URL of the metrics: %s", out)
	}
	return url, found[1], out
}

// wantMetrics checks that the metrics contain the lines. A line that ends with a space
// matches any value.
func wantMetrics(t *testing.T, metrics string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(metrics, "\n"+line) || !strings.HasSuffix(line, " ") && !strings.Contains(metrics, "\n"+line+"\n") {
			t.Errorf("%s is not in\n%s", line, regexp.MustCompile(`(?m)^(#|go_|.*_bucket).*\n|.* 0\n`).ReplaceAllString(metrics, ""))
		}
	}
}

// TestMetrics checks that the metrics count what callers were answered.
func TestMetrics(t *testing.T) {
	url, metricsURL, _ := servingMetrics(t, "-seats", "2x3", "-seat-limit", "4")
	post := func(path, body string, want int) {
		t.Helper()
		resp, err := http.Post(url+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s %s: %s, want %d", path, body, resp.Status, want)
		}
	}
	post("/lock", `{"seatIds":["A1","A2","A3"],"userId":"ann"}`, 200)
	post("/lock", `{"seatIds":["A3","B1"],"userId":"ben"}`, 409)
	post("/confirm", `{"seatId":"A1","userId":"ann"}`, 200)
	post("/release", `{"seatId":"A2","userId":"ann"}`, 200)
	post("/lock", `{"seatId":"A1","userId":"ben"}`, 409)
	post("/lock", `{"seatIds":["B1","B2","B3"],"userId":"ann"}`, 409)
	post("/lock", `{"seatId":"Z1","userId":"ann"}`, 404)
	post("/lock", `{"seatId":"A1"}`, 400)
	post("/lock/A1", `{}`, 404)
	get(t, url+"/seats")
	get(t, url+"/")
	scrape := get(t, metricsURL)
	wantMetrics(t, scrape,
		`seatlock_requests_total{call="lock",code="ok"} 1`,
		`seatlock_requests_total{call="lock",code="seat_locked"} 1`,
		`seatlock_requests_total{call="lock",code="seat_booked"} 1`,
		`seatlock_requests_total{call="lock",code="seat_limit"} 1`,
		`seatlock_requests_total{call="lock",code="unknown_seat"} 1`,
		`seatlock_requests_total{call="lock",code="bad_request"} 1`,
		`seatlock_requests_total{call="lock",code="internal"} 0`,
		`seatlock_requests_total{call="confirm",code="ok"} 1`,
		`seatlock_requests_total{call="release",code="ok"} 1`,
		`seatlock_requests_total{call="list",code="ok"} 1`,
		`seatlock_requests_total{call="other",code="not_found"} 1`,
		`seatlock_requests_total{call="other",code="ok"} 1`,
		`seatlock_request_duration_seconds_count{call="lock"} 6`,
		`seatlock_locked_seats_total{event="default"} 3`,
		`seatlock_confirmed_seats_total{event="default"} 1`,
		`seatlock_released_seats_total{event="default"} 1`,
		`seatlock_conflicts_total{code="seat_locked",event="default"} 1`,
		`seatlock_conflicts_total{code="seat_limit",event="default"} 1`,
		`seatlock_seats{event="default",state="available"} 4`,
		`seatlock_seats{event="default",state="locked"} 1`,
		`seatlock_seats{event="default",state="booked"} 1`,
		`seatlock_uncounted_events 0`,
		`seatlock_store_calls_total{operation="lock",result="ok"} 1`,
		`seatlock_store_calls_total{operation="lock",result="conflict"} 3`,
		`seatlock_store_calls_total{operation="lock",result="refused"} 1`,
		`seatlock_store_call_duration_seconds_count{operation="confirm"} 1`,
		`seatlock_viewers 0`,
		`go_goroutines `,
		`process_resident_memory_bytes `,
	)
	for _, user := range []string{"ann", "ben"} {
		if strings.Contains(scrape, `"`+user+`"`) {
			t.Errorf("the metrics name the user %s", user)
		}
	}
	if resp, err := http.Get(url + "/metrics"); err != nil || resp.StatusCode != 404 {
		t.Errorf("/metrics at the address for buyers: %v, %v, want 404", resp, err)
	}
}

// TestMetricsOfLapses checks the metrics of seats that were confirmed too late.
func TestMetricsOfLapses(t *testing.T) {
	url, metricsURL, _ := servingMetrics(t, "-lock-ttl", "20ms")
	for _, seat := range []string{"A1", "A2"} {
		if status, _, body := call(t, url+"/lock", seat, "ann"); status != 200 {
			t.Fatal(body)
		}
	}
	for !strings.Contains(get(t, url+"/seats"), `"locked":0`) && t.Context().Err() == nil { // until the locks expire
		time.Sleep(time.Millisecond)
	}
	time.Sleep(2 * time.Millisecond) // in the very millisecond of its end a lock may be live or over
	for _, seat := range []string{"A1", "A2"} {
		if status, _, body := call(t, url+"/confirm", seat, "ann"); status != 409 {
			t.Fatal(body)
		}
	}
	scrape := get(t, metricsURL)
	wantMetrics(t, scrape,
		`seatlock_lapsed_seats_total{event="default"} 2`,
		`seatlock_conflicts_total{code="lock_expired",event="default"} 2`,
	)
}

// TestPrometheusReadsMetrics checks that Prometheus accepts the metrics.
func TestPrometheusReadsMetrics(t *testing.T) {
	faults.Need(t, "promtool", "Prometheus has not read the metrics")
	_, metricsURL, _ := servingMetrics(t)
	promtool(t, get(t, metricsURL), "check", "metrics")
}

// TestMetricsOfRefusals checks that refused requests are counted by reason, and that
// requests of load balancers are not counted.
func TestMetricsOfRefusals(t *testing.T) {
	url, metricsURL, _ := servingMetricsWith(t, variables{"AUTH_BACKEND_KEY": strings.Repeat("k", 32)}, "-private", "-rate", "0.001")
	if status, _, body := call(t, url+"/lock", "A1", "ann"); status != 401 {
		t.Errorf("the lock: %d %s, want 401", status, body)
	}
	if status, _, body := call(t, url+"/lock", "A1", "ann"); status != 429 {
		t.Errorf("the lock: %d %s, want 429", status, body)
	}
	for range 20 { // -private and -rate do not apply to these
		get(t, url+"/healthz")
		get(t, url+"/readyz")
	}
	scrape := get(t, metricsURL)
	wantMetrics(t, scrape,
		`seatlock_requests_total{call="lock",code="unauthenticated"} 1`,
		`seatlock_requests_total{call="lock",code="rate_limited"} 1`,
		`seatlock_requests_total{call="other",code="ok"} 0`,
		`seatlock_store_calls_total{operation="lock",result="ok"} 0`,
	)
}

// exchange sends the request on a connection of its own and returns everything that it
// receives.
func exchange(t *testing.T, url, request string) string {
	t.Helper()
	answer, err := io.ReadAll(send(t, url, request))
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// TestRequestIDs checks that a request's id is in its answer and in every log
// line about it.
func TestRequestIDs(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		url, out, stop := serving(t, "-log", format, "-log-level", "debug")
		answer := exchange(t, url, lockRequest(good, "Content-Type: application/json", "X-Request-Id: of-the-shop", "Connection: close"))
		if !strings.Contains(answer, "\r\nX-Request-Id: of-the-shop\r\n") {
			t.Errorf("the answer is %s", answer)
		}
		answer = exchange(t, url, lockRequest(`{}`, "Content-Type: application/json", `X-Request-Id: a" level=ERROR msg="forged`, "Connection: close"))
		made := regexp.MustCompile(`\r\nX-Request-Id: ([0-9a-f]{32})\r\n`).FindStringSubmatch(answer)
		if made == nil {
			t.Fatalf("the answer is %s", answer)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		for id, what := range map[string]string{"of-the-shop": `"?code"?[=:]"?ok`, made[1]: `"?code"?[=:]"?bad_request`} {
			if !regexp.MustCompile(what + `.*"?request"?[=:]"?` + id).MatchString(out.String()) {
				t.Errorf("the %s log has no line with %s and the id %s:\n%s", format, what, id, out)
			}
		}
		if strings.Contains(out.String(), "forged") {
			t.Errorf("the log has an id that is not valid: %s", out)
		}
	}
}

// TestLogNamesNobody checks that the log names users only with -log-users, at
// any level.
func TestLogNamesNobody(t *testing.T) {
	for _, users := range []bool{false, true} {
		args := []string{"-log-level", "debug", "-seat-limit", "1"}
		if users {
			args = append(args, "-log-users")
		}
		url, out, stop := serving(t, args...)
		for _, path := range []string{"/lock", "/lock", "/confirm", "/release"} {
			for _, seat := range []string{"A1", "A2", "Z9", "-", "\n"} {
				call(t, url+path, seat, "Hildegard")
			}
		}
		call(t, url+"/lock", "A1", "Hildegard\x00")
		call(t, url+"/Hildegard", "A1", "Hildegard")
		if err := stop(); err != nil {
			t.Error(err)
		}
		if named := strings.Contains(out.String(), "Hildegard"); named != users {
			t.Errorf("with -log-users=%v the log names the user: %v\n%s", users, named, out)
		}
		if lines := strings.Count(out.String(), "call="); lines < 20 {
			t.Errorf("the log has %d lines of requests, want at least 20", lines)
		}
	}
}

// TestUsersCannotForgeLines checks that a user id in the log cannot add lines or
// fields.
func TestUsersCannotForgeLines(t *testing.T) {
	for format, want := range map[string]string{"text": `user="eve\" level=ERROR msg=\"forged"`, "json": `"user":"eve\" level=ERROR msg=\"forged"`} {
		url, out, stop := serving(t, "-log-users", "-log-level", "debug", "-log", format)
		call(t, url+"/lock", "A1", `eve" level=ERROR msg="forged`)
		if err := stop(); err != nil {
			t.Error(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("the %s log: %s", format, out)
		}
	}
}

// TestLogLevels checks that each level logs its own lines and those above it.
func TestLogLevels(t *testing.T) {
	for level, want := range map[string]string{
		"debug": "DEBUG INFO WARN",
		"info":  "INFO WARN",
		"warn":  "WARN",
		"error": "",
	} {
		var out bytes.Buffer
		addr := "127.0.0.1:" + faults.FreePort()
		cmd := program(t, []string{"LOG_LEVEL=" + level}, "-addr", addr)
		cmd.Stderr = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for {
			if resp, err := http.Get("http://" + addr + "/seats"); err == nil {
				resp.Body.Close()
				break
			}
			if t.Context().Err() != nil {
				t.Fatal("the runner does not serve")
			}
		}
		if resp, err := http.Get("http://" + addr + "/nowhere"); err == nil {
			resp.Body.Close()
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		var got []string
		for _, l := range []string{"DEBUG", "INFO", "WARN", "ERROR"} {
			if strings.Contains(out.String(), "level="+l) {
				got = append(got, l)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("at %s the log has %q, want %s:\n%s", level, got, want, out.String())
		}
	}
}
