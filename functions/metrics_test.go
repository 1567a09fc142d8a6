package functions_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/faults"
)

// A metricsLine is a line of the embedded metric format.
type metricsLine struct {
	AWS struct {
		Timestamp         int64
		CloudWatchMetrics []directive
	} `json:"_aws"`
	members map[string]any // of the root object
}

// A directive names the members of the line that are metrics, and those that
// are their dimensions.
type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []struct{ Name, Unit string }
}

// units are the CloudWatch units that the functions use.
var units = []string{"Count", "Milliseconds"}

// metricsLines finds the metrics in a function's log and checks each against the
// specification of the format, since CloudWatch silently drops invalid lines.
func metricsLines(t *testing.T, log string) []metricsLine {
	t.Helper()
	var lines []metricsLine
	for text := range strings.Lines(log) {
		if !strings.Contains(text, `"_aws"`) {
			continue
		}
		var line metricsLine
		if err := json.Unmarshal([]byte(text), &line.members); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil || len(line.AWS.CloudWatchMetrics) == 0 {
			t.Fatalf("%v: %s", err, text)
		}
		if aws := line.members["_aws"].(map[string]any); len(aws) != 2 {
			t.Errorf("_aws has the members %v, want only Timestamp and CloudWatchMetrics", aws)
		}
		if age := time.Since(time.UnixMilli(line.AWS.Timestamp)); age < -time.Minute || age > time.Minute {
			t.Errorf("the timestamp %d is %v ago, want now", line.AWS.Timestamp, age)
		}
		for _, of := range line.AWS.CloudWatchMetrics {
			checkDirective(t, of, line.members)
		}
		lines = append(lines, line)
	}
	return lines
}

func checkDirective(t *testing.T, of directive, members map[string]any) {
	t.Helper()
	if len(of.Namespace) == 0 || len(of.Namespace) > 255 || len(of.Dimensions) == 0 || len(of.Metrics) == 0 || len(of.Metrics) > 100 {
		t.Errorf("the directive exceeds a limit or lacks a part: %+v", of)
	}
	for _, set := range of.Dimensions {
		if len(set) == 0 || len(set) > 30 {
			t.Errorf("a set has %d dimensions, want 1 to 30", len(set))
		}
		for _, name := range set {
			if value, ok := members[name].(string); !ok || value == "" || len(value) > 1024 {
				t.Errorf("the dimension %s is %v, want a text of 1 to 1024 bytes", name, members[name])
			}
		}
	}
	for _, m := range of.Metrics {
		if _, ok := members[m.Name].(float64); !ok || !slices.Contains(units, m.Unit) {
			t.Errorf("the metric %s is %v in the unit %s, want a number in one of %q", m.Name, members[m.Name], m.Unit, units)
		}
	}
}

// TestFunctionMetrics checks that each request writes one line of metrics with
// its call, code, event, seats and store calls, and that neither the metrics nor
// the log name users.
func TestFunctionMetrics(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	proxy := faults.NewProxy(t, server.Addr)
	f := start(t, built(t, "lock"),
		"REDIS_URL=redis://"+proxy.Addr, "EVENTS_FILE="+eventFile(t), "METRICS_NAMESPACE=Seatlock/test", "AWS_LAMBDA_LOG_LEVEL=DEBUG").up()
	f.post("/lock", "A1", "Hildegard", 200, `"locked"`)
	f.post("/lock", "A1", "ben", 409, `"seat_locked"`)
	f.post("/lock", "A1", "", 400, `"bad_request"`)
	f.post("/lock", "Z9", "Hildegard", 404, `"unknown_seat"`)
	proxy.Inject(func() faults.Fault { return faults.Fault{Lost: true} })
	f.post("/lock", "A2", "Hildegard", 503, `"outcome_unknown"`)
	proxy.Inject(nil)
	event := httpEvent("POST", "/lock", "", `{"seatIds":["A3","A4"],"userId":"Hildegard"}`)
	event.Headers["x-request-id"] = "of-the-shop"
	if got := f.send(event); got.StatusCode != 200 || got.Headers["X-Request-Id"] == "" || got.Headers["X-Request-Id"] == "of-the-shop" {
		t.Errorf("%d %s %v, want 200 with the X-Request-Id of Lambda", got.StatusCode, got.Body, got.Headers)
	}
	f.Kill() // its log is complete after this

	var got []string
	for _, line := range metricsLines(t, f.log.String()) {
		m := line.members
		if line.AWS.CloudWatchMetrics[0].Namespace != "Seatlock/test" {
			t.Errorf("the namespace is %s, want Seatlock/test", line.AWS.CloudWatchMetrics[0].Namespace)
		}
		if took := m["Duration"].(float64); took <= 0 || took > 10_000 || m["StoreDuration"].(float64) > took {
			t.Errorf("Duration is %v ms and StoreDuration %v ms, want 0 to 10,000 ms and no more than that", took, m["StoreDuration"])
		}
		if m["Requests"] != 1.0 || m["bytes"].(float64) < 50 {
			t.Errorf("the line is %v, want 1 request and at least 50 bytes", m)
		}
		got = append(got, fmt.Sprint(m["request"], " ", m["Call"], " ", m["Code"], " ", m["event"], ": ", m["Seats"], " seats, store ", m["StoreCalls"], " ", m["StoreFailures"]))
	}
	want := []string{
		"request-1 lock ok gala: 1 seats, store 1 0",
		"request-2 lock seat_locked gala: 1 seats, store 1 0",
		"request-3 lock bad_request gala: 0 seats, store 0 0",
		"request-4 lock unknown_seat gala: 1 seats, store 1 0",
		"request-5 lock outcome_unknown gala: 1 seats, store 1 1",
		"request-6 lock ok gala: 2 seats, store 1 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the metrics are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	log := f.log.String()
	if strings.Contains(log, "Hildegard") || !strings.Contains(log, "call=lock code=bad_request") || !regexp.MustCompile(`level=ERROR .*code=outcome_unknown .*request=request-5`).MatchString(log) {
		t.Errorf("the log names a user, or lacks bad_request or outcome_unknown: %s", log)
	}
}

// TestFunctionWithoutMetrics checks that METRICS_NAMESPACE=none turns the metrics
// off, and that LOG_USERS=true adds users to the log.
func TestFunctionWithoutMetrics(t *testing.T) {
	t.Parallel()
	f := start(t, built(t, "lock"),
		"REDIS_URL=redis://"+redistest.New(t).Addr, "EVENTS_FILE="+eventFile(t), "METRICS_NAMESPACE=none", "LOG_USERS=true", "AWS_LAMBDA_LOG_LEVEL=DEBUG").up()
	f.post("/lock", "A1", "Hildegard", 200, `"locked"`)
	f.Kill()
	if log := f.log.String(); len(metricsLines(t, log)) != 0 || !strings.Contains(log, "user=Hildegard") {
		t.Errorf("the log has metrics, or lacks the user: %s", log)
	}
}
