// Package metrics counts requests, seats and store calls for Prometheus.
//
// Package telemetry reports requests and store calls; everything else is counted when
// Prometheus asks. The number of series depends only on the events, the calls and the
// codes: clients cannot create more.
package metrics

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"seatlock/functions/problem"
	"seatlock/functions/telemetry"
	"seatlock/lockstore"
)

// latencies are the bounds of histogram buckets in seconds, from the time of the
// fastest store to a client's patience.
var latencies = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// Metrics are the metrics of one program.
type Metrics struct {
	registry *prometheus.Registry
	calls    map[string]call
	sold     sold
	events   atomic.Pointer[map[lockstore.EventID]event] // replaced, never changed
	store    map[string]operation
	viewers  atomic.Pointer[func() int]
}

// A call has the metrics of one call of the API.
type call struct {
	codes map[string]prometheus.Counter
	took  prometheus.Observer
}

// An event has the metrics of one event.
type event struct {
	locked, confirmed, released, cancelled, lapsed prometheus.Counter
	conflicts                                      map[string]prometheus.Counter
}

// An operation has the metrics of one operation of the store.
type operation struct {
	results map[string]prometheus.Counter
	took    prometheus.Observer
}

// conflicts are the codes of requests that failed because of the state of seats.
var conflicts = []problem.Kind{problem.SeatLocked, problem.SeatBooked, problem.SeatBlocked, problem.LockNotHeld, problem.LockExpired, problem.NotBooked, problem.SeatLimit}

// New returns Metrics with series for these calls of the API and these events.
func New(calls []string, events []lockstore.EventID) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		calls:    make(map[string]call),
		store:    make(map[string]operation),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.countRequests(calls)
	m.countSeats()
	m.Events(events)
	m.countStore()
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "seatlock_viewers", Help: "Connections that follow an event live."}, m.viewerCount),
		build())
	return m
}

// Every series exists from the start, at 0. Otherwise Prometheus would miss the first
// increase of each.

func (m *Metrics) countRequests(calls []string) {
	total := m.counter("seatlock_requests_total", "Requests by call and code: ok, not_modified, or the code of the refusal.", "call", "code")
	took := m.histogram("seatlock_request_duration_seconds", "From the header of a request to the end of its answer, by call.", "call")
	for _, name := range append(slices.Clone(calls), telemetry.Other) {
		c := call{make(map[string]prometheus.Counter), took.WithLabelValues(name)}
		for _, code := range append(problem.Codes(), telemetry.OK, telemetry.NotModified, telemetry.Other) {
			c.codes[code] = total.WithLabelValues(name, code)
		}
		m.calls[name] = c
	}
}

// sold are the counters of all events.
type sold struct{ locked, confirmed, released, cancelled, lapsed, refused *prometheus.CounterVec }

func (m *Metrics) countSeats() {
	m.sold.locked = m.counter("seatlock_locked_seats_total", "Seats in locks that were granted, by event. A repeated request counts again.", "event")
	m.sold.confirmed = m.counter("seatlock_confirmed_seats_total", "Seats in confirms that succeeded, by event. A repeated request counts again.", "event")
	m.sold.released = m.counter("seatlock_released_seats_total", "Seats that releases gave back, by event.", "event")
	m.sold.cancelled = m.counter("seatlock_cancelled_seats_total", "Seats whose bookings were cancelled, by event. A move cancels none.", "event")
	m.sold.lapsed = m.counter("seatlock_lapsed_seats_total", "Seats whose buyer tried to confirm after the lock had expired, by event. Buyers who never came back are not counted.", "event")
	m.sold.refused = m.counter("seatlock_conflicts_total", "Requests refused because of the state of seats, by event and code.", "event", "code")
}

// Events replaces the events that are counted. It keeps the counts of earlier events.
func (m *Metrics) Events(ids []lockstore.EventID) {
	events := make(map[lockstore.EventID]event)
	for _, id := range ids {
		name := string(id)
		e := event{
			locked:    m.sold.locked.WithLabelValues(name),
			confirmed: m.sold.confirmed.WithLabelValues(name),
			released:  m.sold.released.WithLabelValues(name),
			cancelled: m.sold.cancelled.WithLabelValues(name),
			lapsed:    m.sold.lapsed.WithLabelValues(name),
			conflicts: make(map[string]prometheus.Counter),
		}
		for _, reason := range conflicts {
			e.conflicts[string(reason)] = m.sold.refused.WithLabelValues(name, string(reason))
		}
		events[id] = e
	}
	m.events.Store(&events)
}

func (m *Metrics) countStore() {
	total := m.counter("seatlock_store_calls_total", "Calls of the store by operation and result: ok, conflict, refused, canceled, unavailable, outcome_unknown, failed.", "operation", "result")
	took := m.histogram("seatlock_store_call_duration_seconds", "Duration of the store's calls, by operation. Waiting for changes is not included.", "operation")
	for _, name := range telemetry.Operations() {
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
		return // the duration of a connection is not a latency
	}
	c.took.Observe(o.Took.Seconds())
	if e, known := (*m.events.Load())[o.Event]; known {
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
	case o.Code == telemetry.OK && o.Call == "cancel":
		e.cancelled.Add(float64(o.Changed))
	case o.Status == http.StatusConflict:
		if o.Code == string(lockstore.LockExpired) {
			e.lapsed.Add(seats)
		}
		if n := e.conflicts[o.Code]; n != nil {
			n.Inc()
		}
	}
}

// StoreCall is a [telemetry.StoreReport]. It ignores operations and results that
// have no series.
func (m *Metrics) StoreCall(name, result string, took time.Duration) {
	o := m.store[name]
	n := o.results[result]
	if n == nil {
		return
	}
	n.Inc()
	if o.took != nil {
		o.took.Observe(took.Seconds())
	}
}

// Viewers makes the result of count, the number of connections that follow an
// event live, a metric. It does nothing if m is nil.
func (m *Metrics) Viewers(count func() int) {
	if m != nil {
		m.viewers.Store(&count)
	}
}

// Outdated adds a metric of the number of events that the store keeps with another seat
// map.
func (m *Metrics) Outdated(events func() []lockstore.EventID) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Name: "seatlock_outdated_events", Help: "Events whose seat map in the store differs from this program's."},
		func() float64 { return float64(len(events())) }))
}

func (m *Metrics) viewerCount() float64 {
	if count := m.viewers.Load(); count != nil {
		return float64((*count)())
	}
	return 0
}

// build returns a metric with the version of this program.
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
		Help:        "Always 1; the labels describe the build.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision, "goversion": runtime.Version()},
	})
	g.Set(1)
	return g
}

// Handler returns a handler that answers Prometheus at /metrics.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.InstrumentMetricHandler(m.registry, promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ErrorHandling:       promhttp.ContinueOnError, // one failing collector must not hide the others
		MaxRequestsInFlight: 4,
		EnableOpenMetrics:   true,
	})))
	return mux
}
