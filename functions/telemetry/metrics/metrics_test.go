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
	"seatlock/functions/payment"
	"seatlock/functions/seatlist"
	"seatlock/functions/telemetry"
	"seatlock/functions/telemetry/metrics"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/storetest"
)

// scrape returns the metrics as Prometheus gets them.
func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// has checks that lines are in the metrics.
func has(t *testing.T, metrics string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(metrics, "\n"+line+"\n") {
			t.Errorf("%s is not in\n%s", line, regexp.MustCompile(`(?m)^(#|go_|.*_bucket).*\n|.* 0\n`).ReplaceAllString(metrics, ""))
		}
	}
}

// own counts the series of Seatlock's own.
func own(text string) int { return strings.Count(text, "\nseatlock_") }

// TestSeriesAreBounded checks that a million odd requests create no series and take no
// memory.
func TestSeriesAreBounded(t *testing.T) {
	m := metrics.New(booking.Calls(), []lockstore.EventID{"gala", "fair"})
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
		t.Errorf("there are %d series, want %d as before", after, before)
	}
	if strings.Contains(text, "odd") {
		t.Errorf("a client's words are in the metrics: %s", text)
	}
	if want := fmt.Sprintf(`seatlock_requests_total{call="other",code="other"} %v`, float64(many)); !strings.Contains(text, want) {
		t.Errorf("%s is not in the metrics", want)
	}
	if grown := int64(used()) - int64(heap); grown > 4<<20 {
		t.Errorf("a million odd requests take %d bytes, want at most 4 MiB", grown)
	}
	runtime.KeepAlive(m)
}

// TestSeriesOfAnEvent compares the number of series and the names of the calls
// with the README.
func TestSeriesOfAnEvent(t *testing.T) {
	count := func(events int) int {
		var ids []lockstore.EventID
		for n := range events {
			ids = append(ids, lockstore.EventID(fmt.Sprint("event", n)))
		}
		m := metrics.New(booking.Calls(), ids)
		m.Seats(func() []lockstore.EventID { return ids }, func(context.Context, lockstore.EventID) (seatlist.Counts, error) { return seatlist.Counts{}, nil })
		return own(scrape(t, m))
	}
	none, one, ten := count(0), count(1), count(10)
	t.Logf("%d series, and %d an event", none, one-none)
	if ten-none != 10*(one-none) {
		t.Errorf("there are %d series without events, %d with one and %d with ten, want as many more for each", none, one, ten)
	}
	readme, err := os.ReadFile("../../../local/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, sentence, _ := strings.Cut(string(readme), "\n`call` is ")
	sentence, _, _ = strings.Cut(sentence, "\n\n")
	if want := fmt.Sprintf("there are some %d, and %d for each event", none/10*10, one-none); !strings.Contains(sentence, want) {
		t.Errorf("the README does not have %q, but: %s", want, sentence)
	}
	for _, call := range append(booking.Calls(), telemetry.Other) {
		if !strings.Contains(sentence, "`"+call+"`") {
			t.Errorf("the README does not name the call %s: %s", call, sentence)
		}
	}
}

// TestConnectionsAreNoLatency checks that a WebSocket that was open for an hour counts
// as one request, and does not count in the durations.
func TestConnectionsAreNoLatency(t *testing.T) {
	m := metrics.New(booking.Calls(), nil)
	m.Viewers(func() int { return 7 })
	m.Request(t.Context(), &telemetry.Outcome{Call: "other", Code: "ok", Status: 101, Took: time.Hour})
	m.StoreCall("wait", "ok", time.Hour)
	text := scrape(t, m)
	has(t, text,
		`seatlock_requests_total{call="other",code="ok"} 1`,
		`seatlock_request_duration_seconds_count{call="other"} 0`,
		`seatlock_store_calls_total{operation="wait",result="ok"} 1`,
		`seatlock_viewers 7`,
	)
	if strings.Contains(text, `duration_seconds_count{operation="wait"}`) {
		t.Error("waits are among the durations")
	}
}

// TestEventsThatCannotBeCounted checks that events whose seats cannot be counted are
// left out and reported, and do not delay the others.
func TestEventsThatCannotBeCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ids := []lockstore.EventID{"good", "bad", "slow", "late"}
		m := metrics.New(booking.Calls(), ids)
		m.Seats(func() []lockstore.EventID { return ids }, func(ctx context.Context, id lockstore.EventID) (seatlist.Counts, error) {
			switch id {
			case "bad":
				return seatlist.Counts{}, errors.New("some error")
			case "slow":
				<-ctx.Done()
				return seatlist.Counts{}, ctx.Err()
			}
			return seatlist.Counts{Available: 1, Locked: 2, Booked: 3, Blocked: 4}, nil
		})
		began := time.Now()
		text := scrape(t, m)
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("the scrape took %v, want 2s", took)
		}
		has(t, text,
			`seatlock_seats{event="good",state="available"} 1`,
			`seatlock_seats{event="good",state="locked"} 2`,
			`seatlock_seats{event="good",state="booked"} 3`,
			`seatlock_seats{event="good",state="blocked"} 4`,
			`seatlock_uncounted_events 3`,
		)
		if strings.Count(text, "\nseatlock_seats{") != 4 {
			t.Errorf("seats are reported that were not counted: %s", text)
		}
	})
}

// TestStoreIsCounted checks the metrics of a measured store's calls.
func TestStoreIsCounted(t *testing.T) {
	ev := storetest.Event(t, "gala", time.Minute, 0, "A1")
	m := metrics.New(booking.Calls(), nil)
	s := telemetry.Store(new(memstore.Store), m.StoreCall)
	for range 3 {
		if _, err := s.Do(t.Context(), ev, lockstore.Lock("ann", "A1")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Do(t.Context(), ev, lockstore.Lock("ben", "A1")); err == nil {
		t.Fatal("a locked seat was locked again")
	}
	m.StoreCall("odd", "ok", time.Second) // has no series, and is ignored
	m.StoreCall("lock", "odd", time.Second)
	text := scrape(t, m)
	has(t, text,
		`seatlock_store_calls_total{operation="lock",result="ok"} 3`,
		`seatlock_store_calls_total{operation="lock",result="conflict"} 1`,
		`seatlock_store_call_duration_seconds_count{operation="lock"} 4`,
	)
}

// TestRequestsCostLittle checks that counting a request allocates nothing.
func TestRequestsCostLittle(t *testing.T) {
	m := metrics.New(booking.Calls(), []lockstore.EventID{"gala"})
	o := &telemetry.Outcome{Call: "lock", Code: "ok", Event: "gala", Seats: 2, Status: 200, Took: time.Millisecond}
	if n := testing.AllocsPerRun(1000, func() { m.Request(context.Background(), o); m.StoreCall("lock", "ok", time.Millisecond) }); n > 0 {
		t.Errorf("counting a request makes %v allocations", n)
	}
}

// TestAgeOfCounts checks that the metrics show the age of the last count.
func TestAgeOfCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := metrics.New(booking.Calls(), nil)
		orders := m.Orders()
		time.Sleep(time.Minute)
		orders.Counted(payment.Counts{Late: 3 * time.Second})
		time.Sleep(20 * time.Minute)
		has(t, scrape(t, m), `seatlock_most_overdue_order_seconds 3`, `seatlock_order_count_age_seconds 1200`)
	})
}
