package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/booking"
	"seatlock/functions/telemetry"
	"seatlock/functions/telemetry/metrics"
	"seatlock/lockstore"
)

// scrape asks as Prometheus does.
func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// tells holds metrics to lines that must be in them.
func tells(t *testing.T, metrics string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(metrics, "\n"+line+"\n") {
			t.Errorf("%s is not in\n%s", line, regexp.MustCompile(`(?m)^(#|go_|.*_bucket).*\n|.* 0\n`).ReplaceAllString(metrics, ""))
		}
	}
}

// own counts the series of Seatlock's own.
func own(text string) int { return strings.Count(text, "\nseatlock_") }

// TestSeriesAreSettled: a million odd requests make no series, and take no
// memory.
func TestSeriesAreSettled(t *testing.T) {
	m := metrics.New([]lockstore.EventID{"gala", "fair"})
	before := own(scrape(t, m))
	used := func() uint64 {
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	heap := used()
	const many = 1_000_000
	for n := range many {
		odd := fmt.Sprint("odd", n)
		m.Request(t.Context(), &telemetry.Outcome{
			Call: odd, Code: odd, Event: lockstore.EventID(odd), User: lockstore.UserID(odd), Seats: n, Status: 100 + n%500, Took: time.Duration(n),
		})
	}
	text := scrape(t, m)
	if after := own(text); after != before {
		t.Errorf("%d series became %d", before, after)
	}
	if strings.Contains(text, "odd") {
		t.Errorf("a client's words are in the metrics: %s", text)
	}
	if want := fmt.Sprintf(`seatlock_requests_total{call="other",code="other"} %v`, float64(many)); !strings.Contains(text, want) {
		t.Errorf("%s is not in the metrics", want)
	}
	if grown := int64(used()) - int64(heap); grown > 4<<20 {
		t.Errorf("a million odd requests take %d bytes", grown)
	}
	runtime.KeepAlive(m)
}

// TestSeriesOfAnEvent: as many as the README says, for the calls that it names.
func TestSeriesOfAnEvent(t *testing.T) {
	count := func(events int) int {
		var ids []lockstore.EventID
		for n := range events {
			ids = append(ids, lockstore.EventID(fmt.Sprint("event", n)))
		}
		m := metrics.New(ids)
		m.Seats(ids, func(context.Context, lockstore.EventID) (booking.Counts, error) { return booking.Counts{}, nil })
		return own(scrape(t, m))
	}
	none, one, ten := count(0), count(1), count(10)
	t.Logf("%d series, and %d an event", none, one-none)
	if ten-none != 10*(one-none) {
		t.Errorf("no event makes %d series, one %d, ten %d", none, one, ten)
	}
	readme, err := os.ReadFile("../../../local/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, told, _ := strings.Cut(string(readme), "\n`call` is ")
	told, _, _ = strings.Cut(told, "\n\n")
	if says := fmt.Sprintf("there are some %d, and %d for each event", none/10*10, one-none); !strings.Contains(told, says) {
		t.Errorf("the README does not say that %s, but: %s", says, told)
	}
	for _, call := range append(booking.Calls(), telemetry.Other) {
		if !strings.Contains(told, "`"+call+"`") {
			t.Errorf("the README does not name the call %s: %s", call, told)
		}
	}
}

// TestWatchingIsNoLatency: a socket that was open for an hour is one request, and
// says nothing of how long requests take.
func TestWatchingIsNoLatency(t *testing.T) {
	m := metrics.New(nil)
	m.Viewers(func() int { return 7 })
	m.Request(t.Context(), &telemetry.Outcome{Call: "other", Code: "ok", Status: 101, Took: time.Hour})
	m.StoreCall("wait", "ok", time.Hour)
	text := scrape(t, m)
	tells(t, text,
		`seatlock_requests_total{call="other",code="ok"} 1`,
		`seatlock_request_duration_seconds_count{call="other"} 0`,
		`seatlock_store_calls_total{operation="wait",result="ok"} 1`,
		`seatlock_viewers 7`,
	)
	if strings.Contains(text, `duration_seconds_count{operation="wait"}`) {
		t.Error("waiting is among the durations")
	}
}

// TestEventsThatCannotBeCounted are left out, told of, and hold nobody up.
func TestEventsThatCannotBeCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ids := []lockstore.EventID{"good", "bad", "slow", "late"}
		m := metrics.New(ids)
		m.Seats(ids, func(ctx context.Context, id lockstore.EventID) (booking.Counts, error) {
			switch id {
			case "bad":
				return booking.Counts{}, errors.New("as asked")
			case "slow":
				<-ctx.Done()
				return booking.Counts{}, ctx.Err()
			}
			return booking.Counts{Available: 1, Locked: 2, Booked: 3}, nil
		})
		began := time.Now()
		text := scrape(t, m)
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("it took %v", took)
		}
		tells(t, text,
			`seatlock_seats{event="good",state="available"} 1`,
			`seatlock_seats{event="good",state="locked"} 2`,
			`seatlock_seats{event="good",state="booked"} 3`,
			`seatlock_uncounted_events 3`,
		)
		if strings.Count(text, "\nseatlock_seats{") != 3 {
			t.Errorf("seats are told of that were not counted: %s", text)
		}
	})
}

// TestStoreIsCounted through a store that is watched.
func TestStoreIsCounted(t *testing.T) {
	ev, err := lockstore.NewEvent("gala", []lockstore.SeatID{"A1"}, time.Minute, 0)
	if err != nil {
		t.Fatal(err)
	}
	m := metrics.New(nil)
	s := telemetry.Store(new(lockstore.Memory), m.StoreCall)
	for range 3 {
		if _, err := s.Lock(t.Context(), ev, []lockstore.SeatID{"A1"}, "ann"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Lock(t.Context(), ev, []lockstore.SeatID{"A1"}, "ben"); err == nil {
		t.Fatal("it is sold twice")
	}
	text := scrape(t, m)
	tells(t, text,
		`seatlock_store_calls_total{operation="lock",result="ok"} 3`,
		`seatlock_store_calls_total{operation="lock",result="conflict"} 1`,
		`seatlock_store_call_duration_seconds_count{operation="lock"} 4`,
	)
}

// TestRequestsCostLittle: counting is on the path of every lock.
func TestRequestsCostLittle(t *testing.T) {
	m := metrics.New([]lockstore.EventID{"gala"})
	o := &telemetry.Outcome{Call: "lock", Code: "ok", Event: "gala", Seats: 2, Status: 200, Took: time.Millisecond}
	if n := testing.AllocsPerRun(1000, func() { m.Request(context.Background(), o); m.StoreCall("lock", "ok", time.Millisecond) }); n > 0 {
		t.Errorf("counting a request makes %v allocations", n)
	}
}
