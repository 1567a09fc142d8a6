package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/settings"
	"seatlock/functions/telemetry"
	"seatlock/functions/telemetry/metrics"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// logger returns the log. It adds the request's id to lines about a request.
func logger(s settings.Telemetry, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.LogLevel}
	if s.LogJSON {
		return slog.New(telemetry.LogHandler(slog.NewJSONHandler(w, options)))
	}
	return slog.New(telemetry.LogHandler(slog.NewTextHandler(w, options)))
}

// An observer reports requests to the log and to Prometheus, and the program's
// health to load balancers.
type observer struct {
	*health
	settings settings.Telemetry
	log      *slog.Logger
	metrics  *metrics.Metrics // nil without -metrics-addr
}

// openTelemetry returns an observer of the events, and the store wrapped so that the
// observer measures its calls.
func openTelemetry(s settings.Telemetry, events []venue.Event, store lockstore.LockStore, log *slog.Logger) (*observer, lockstore.LockStore) {
	o := &observer{settings: s, log: log}
	if s.MetricsAddr != "" {
		o.metrics = metrics.New(booking.Calls(), eventIDs(events))
		store = telemetry.Store(store, o.metrics.StoreCall)
	}
	o.health = newHealth(store, log)
	return o, store
}

// sell replaces the events that are counted.
func (o *observer) sell(ids []lockstore.EventID) {
	if o.metrics != nil {
		o.metrics.Events(ids)
	}
}

// handler reports the requests of next, and answers load balancers.
func (o *observer) handler(next telemetry.Handler, proxies access.Proxies) http.Handler {
	if o.settings.LogAddresses {
		answer := next
		next = func(w http.ResponseWriter, r *http.Request) telemetry.Outcome {
			outcome := answer(w, r)
			outcome.Client = proxies.Client(r)
			return outcome
		}
	}
	reports := []telemetry.Report{telemetry.Log(o.log, o.settings.LogUsers), telemetry.Audit(o.log, o.settings.LogUsers)}
	if o.metrics != nil {
		reports = append(reports, o.metrics.Request)
	}
	return o.health.handler(telemetry.Observe(next, telemetry.RandomID, reports...))
}

// serveMetrics answers Prometheus at the url until stop is called. It does
// nothing without -metrics-addr.
func (o *observer) serveMetrics(api *booking.API) (url string, stop func(), err error) {
	if o.metrics == nil {
		return "", func() {}, nil
	}
	o.metrics.Seats(api.EventIDs, api.Count)
	o.metrics.Outdated(api.Outdated)
	l, err := net.Listen("tcp", o.settings.MetricsAddr)
	if err != nil {
		return "", nil, fmt.Errorf("cannot serve metrics on %s (-metrics-addr chooses another): %w", o.settings.MetricsAddr, err)
	}
	srv := &http.Server{
		Handler:           o.metrics.Handler(o.log),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       5 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          telemetry.ServerLog(o.log),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			o.log.Error("metrics are no longer served", "error", err)
		}
	}()
	stop = func() {
		// A request under way has a second to get the last numbers.
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			_ = srv.Close()
		}
		<-ended
	}
	return "http://" + l.Addr().String() + "/metrics", stop, nil
}
