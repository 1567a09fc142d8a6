// Package metrics counts what goes on, for Prometheus. It is told of requests
// and store calls by functions/watch, and asks for the rest when somebody looks.
// How many series there are is settled by the event file and by the tables of
// calls and codes: nothing that a client sends makes another.
package metrics

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"seatlock/functions/booking"
	"seatlock/functions/telemetry"
	"seatlock/lockstore"
)

// latencies are bounds of buckets, in seconds: from what memory takes to what
// nobody waits for.
var latencies = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// Metrics are the numbers of one program.
type Metrics struct {
	registry *prometheus.Registry
	calls    map[string]call
	events   map[lockstore.EventID]event
	store    map[string]operation
	viewers  atomic.Pointer[func() int]
}

// call is what is counted of one of the API's calls.
type call struct {
	codes map[string]prometheus.Counter
	took  prometheus.Observer
}

// event is what is counted of one event.
type event struct {
	locked, confirmed, released, lapsed prometheus.Counter
	conflicts                           map[string]prometheus.Counter
}

// operation is what is counted of one of the store's calls.
type operation struct {
	results map[string]prometheus.Counter
	took    prometheus.Observer
}

// conflicts are the codes of requests that others' or the user's own seats
// stood in the way of.
var conflicts = []lockstore.Reason{lockstore.SeatLocked, lockstore.SeatBooked, lockstore.LockNotHeld, lockstore.LockExpired, lockstore.OverSeatLimit}

// New makes Metrics for the events.
func New(events []lockstore.EventID) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		calls:    make(map[string]call),
		events:   make(map[lockstore.EventID]event),
		store:    make(map[string]operation),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.countRequests()
	m.countSeats(events)
	m.countStore()
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "seatlock_viewers", Help: "Pages that follow an event live."}, m.watching),
		build())
	return m
}

// Every series is there from the start, at 0: what appears with its first
// request has no increase that Prometheus could see.

func (m *Metrics) countRequests() {
	total := m.counter("seatlock_requests_total", "Requests by call and by what came of them: ok, not_modified, or the code of the refusal.", "call", "code")
	took := m.histogram("seatlock_request_duration_seconds", "From the header of a request to the end of its answer, by call.", "call")
	for _, name := range append(booking.Calls(), telemetry.Other) {
		c := call{make(map[string]prometheus.Counter), took.WithLabelValues(name)}
		for _, code := range append(booking.Codes(), telemetry.OK, telemetry.NotModified, telemetry.Other) {
			c.codes[code] = total.WithLabelValues(name, code)
		}
		m.calls[name] = c
	}
}

func (m *Metrics) countSeats(ids []lockstore.EventID) {
	locked := m.counter("seatlock_locked_seats_total", "Seats in locks that were granted, by event. A lock that is asked for again counts again.", "event")
	confirmed := m.counter("seatlock_confirmed_seats_total", "Seats in confirms that succeeded, by event. One that is asked for again counts again.", "event")
	released := m.counter("seatlock_released_seats_total", "Seats in releases that succeeded, by event, whether the user had a lock on them or not.", "event")
	lapsed := m.counter("seatlock_lapsed_seats_total", "Seats whose buyer came to confirm when the lock had run out, by event. Who never came back is not in it.", "event")
	refused := m.counter("seatlock_conflicts_total", "Requests that seats stood in the way of, by event and code.", "event", "code")
	for _, id := range ids {
		name := string(id)
		e := event{
			locked:    locked.WithLabelValues(name),
			confirmed: confirmed.WithLabelValues(name),
			released:  released.WithLabelValues(name),
			lapsed:    lapsed.WithLabelValues(name),
			conflicts: make(map[string]prometheus.Counter),
		}
		for _, reason := range conflicts {
			e.conflicts[string(reason)] = refused.WithLabelValues(name, string(reason))
		}
		m.events[id] = e
	}
}

func (m *Metrics) countStore() {
	total := m.counter("seatlock_store_calls_total", "Calls of the store by operation and result: ok, conflict, refused, canceled, unavailable, outcome_unknown, failed.", "operation", "result")
	took := m.histogram("seatlock_store_call_duration_seconds", "How long the store took, by operation. Waiting for changes is not in it.", "operation")
	for _, name := range telemetry.Operations {
		o := operation{results: make(map[string]prometheus.Counter)}
		if name != "wait" {
			o.took = took.WithLabelValues(name)
		}
		for _, result := range telemetry.Results {
			o.results[result] = total.WithLabelValues(name, result)
		}
		m.store[name] = o
	}
}

func (m *Metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: latencies}, labels)
	m.registry.MustRegister(h)
	return h
}

// Request is a [telemetry.Report].
func (m *Metrics) Request(_ context.Context, o *telemetry.Outcome) {
	c, known := m.calls[o.Call]
	if !known {
		c = m.calls[telemetry.Other]
	}
	n := c.codes[o.Code]
	if n == nil {
		n = c.codes[telemetry.Other]
	}
	n.Inc()
	if o.Status == http.StatusSwitchingProtocols {
		return // how long somebody watched is no latency
	}
	c.took.Observe(o.Took.Seconds())
	if e, known := m.events[o.Event]; known {
		e.count(o)
	}
}

func (e event) count(o *telemetry.Outcome) {
	seats := float64(o.Seats)
	switch {
	case o.Code == telemetry.OK && o.Call == "lock":
		e.locked.Add(seats)
	case o.Code == telemetry.OK && o.Call == "confirm":
		e.confirmed.Add(seats)
	case o.Code == telemetry.OK && o.Call == "release":
		e.released.Add(seats)
	case o.Status == http.StatusConflict:
		if o.Code == string(lockstore.LockExpired) {
			e.lapsed.Add(seats)
		}
		if n := e.conflicts[o.Code]; n != nil {
			n.Inc()
		}
	}
}

// StoreCall is a [telemetry.StoreReport].
func (m *Metrics) StoreCall(name, result string, took time.Duration) {
	o := m.store[name]
	o.results[result].Inc()
	if o.took != nil {
		o.took.Observe(took.Seconds())
	}
}

// Viewers has the number of pages that follow an event live asked of count,
// whenever somebody looks. Nobody does at nil Metrics.
func (m *Metrics) Viewers(count func() int) {
	if m != nil {
		m.viewers.Store(&count)
	}
}

func (m *Metrics) watching() float64 {
	if count := m.viewers.Load(); count != nil {
		return float64((*count)())
	}
	return 0
}

// build tells of this program.
func build() prometheus.Collector {
	version, revision := "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "seatlock_build_info",
		Help:        "1, with what the program was built of.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision, "goversion": runtime.Version()},
	})
	g.Set(1)
	return g
}

// Handler answers Prometheus at /metrics.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.InstrumentMetricHandler(m.registry, promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ErrorHandling:       promhttp.ContinueOnError, // what one part cannot tell is no reason to tell nothing
		MaxRequestsInFlight: 4,
		EnableOpenMetrics:   true,
	})))
	return mux
}
