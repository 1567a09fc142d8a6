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

	"github.com/urfave/cli/v3"

	"seatlock/functions/booking"
	"seatlock/functions/telemetry"
	"seatlock/functions/telemetry/metrics"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// watchSettings are the flags about what is told of what goes on, checked.
type watchSettings struct {
	users       bool   // in the log
	metricsAddr string // empty: nobody asks for metrics
}

var watchFlags = []cli.Flag{
	&cli.StringFlag{Name: "log-level", Value: "info", Usage: "log what is of `LEVEL` debug (every request), info, warn (refused requests) or error (failures here) and above", Sources: cli.EnvVars("LOG_LEVEL")},
	&cli.BoolFlag{Name: "log-users", Usage: "name users in the log", Sources: cli.EnvVars("LOG_USERS")},
	&cli.StringFlag{Name: "metrics-addr", Usage: "serve /metrics for Prometheus on `HOST:PORT`, which only it should reach; port 0 takes a free one", Sources: cli.EnvVars("METRICS_ADDR")},
}

func settleWatch(c *cli.Command) (watchSettings, error) {
	w := watchSettings{users: c.Bool("log-users"), metricsAddr: c.String("metrics-addr")}
	if w.metricsAddr != "" && w.metricsAddr == c.String("addr") {
		if _, port, err := net.SplitHostPort(w.metricsAddr); err != nil || port != "0" {
			return w, usage("-metrics-addr %s: it is another address than -addr, which buyers reach", w.metricsAddr)
		}
	}
	return w, nil
}

// logger makes the log, whose lines have the id of the request that they are about.
func logger(format, level string, w io.Writer) (*slog.Logger, error) {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	least, ok := levels[level]
	if !ok {
		return nil, usage("-log-level %s: it is debug, info, warn or error", level)
	}
	options := &slog.HandlerOptions{Level: least}
	switch format {
	case "text":
		return slog.New(telemetry.LogHandler(slog.NewTextHandler(w, options))), nil
	case "json":
		return slog.New(telemetry.LogHandler(slog.NewJSONHandler(w, options))), nil
	}
	return nil, usage("-log %s: it is text or json", format)
}

// A watcher sees what goes on, and tells the log, Prometheus and load balancers.
type watcher struct {
	*health
	settings watchSettings
	log      *slog.Logger
	metrics  *metrics.Metrics // nil: nobody asks
}

// open makes a watcher of what is done with the events, and returns the store
// through which it sees that.
func (w watchSettings) open(events []venue.Event, store lockstore.LockStore, log *slog.Logger) (*watcher, lockstore.LockStore) {
	made := &watcher{settings: w, log: log}
	if w.metricsAddr != "" {
		made.metrics = metrics.New(booking.Calls(), eventIDs(events))
		store = telemetry.Store(store, made.metrics.StoreCall)
	}
	made.health = newHealth(store, events[0].Event, log)
	return made, store
}

func eventIDs(events []venue.Event) []lockstore.EventID {
	var ids []lockstore.EventID
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

// handler returns next, observed, and with the answers for load balancers.
func (w *watcher) handler(next telemetry.Handler) http.Handler {
	reports := []telemetry.Report{telemetry.Log(w.log, w.settings.users)}
	if w.metrics != nil {
		reports = append(reports, w.metrics.Request)
	}
	return w.health.handler(telemetry.Observe(next, telemetry.RandomID, reports...))
}

// serveMetrics answers Prometheus until stop is called, and returns where. It
// does nothing without -metrics-addr.
func (w *watcher) serveMetrics(api *booking.API, events []venue.Event) (url string, stop func(), err error) {
	if w.metrics == nil {
		return "", func() {}, nil
	}
	w.metrics.Seats(eventIDs(events), api.Count)
	l, err := net.Listen("tcp", w.settings.metricsAddr)
	if err != nil {
		return "", nil, fmt.Errorf("cannot serve metrics on %s (-metrics-addr chooses another): %w", w.settings.metricsAddr, err)
	}
	srv := &http.Server{
		Handler:           w.metrics.Handler(w.log),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       5 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(w.log.Handler(), slog.LevelWarn),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			w.log.Error("metrics are served no more", "error", err)
		}
	}()
	stop = func() {
		// Who asks now gets the last numbers.
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			_ = srv.Close() // whoever still reads has had a second
		}
		<-ended
	}
	return "http://" + l.Addr().String() + "/metrics", stop, nil
}
