// Local serves Seatlock on this machine: the handlers of functions/booking on
// net/http. It reads the settings and puts the parts together. It must not know what
// is sold or how seats are kept.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"github.com/redis/go-redis/v9/logging"

	"seatlock/functions/booking"
	"seatlock/functions/settings"
	"seatlock/functions/venue"
	"seatlock/local/live"
	"seatlock/local/web"
	"seatlock/lockstore"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	logging.Disable()            // the Redis client's own lines: the caller of each failed request reports it
	spare := make([]byte, spareHeap)
	defer runtime.KeepAlive(spare)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	if err == nil {
		return
	}
	if _, ok := errors.AsType[*settings.Error](err); ok {
		fmt.Fprintf(os.Stderr, "seatlock: %v; -h explains every flag\n", err)
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, "seatlock:", err)
	os.Exit(1)
}

// spareHeap is the size in bytes of memory that nothing uses, and that the system thus
// never provides. It counts for the garbage collector, which therefore runs whenever as
// much was allocated. Without it that would be 4 MB at most: many times a second under
// load, if the events are small.
const spareHeap = 16 << 20

const usage = `usage: go run ./local [flags]

Serves the API and the page on this machine. A flag goes before its environment
variable, and that before the default.
`

// run does what the arguments ask for. A server runs until the context ends.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	s, err := settings.Parse(args, getenv)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return settings.PrintUsage(stdout)
	}
	if err != nil {
		return err
	}
	log := logger(s.Telemetry, stderr)
	switch {
	case s.Events.Check != "":
		return checkEvents(s.Events, stdout)
	case s.Events.Import != "":
		return importPlan(s.Events, stdout)
	}
	if s.File.Forget != "" {
		return forget(ctx, s, log, stdout)
	}
	events, err := readEvents(s.Events)
	if err != nil {
		return err
	}
	switch {
	case s.File.Export && s.File.Path != "":
		return printFile(s.File, events, stdout)
	case s.File.Export:
		return printRosters(ctx, s, events, log, stdout)
	case s.Redis.Audit || s.Redis.Rebuild:
		return inspectRedis(ctx, s.Redis, events, log, stdout)
	case s.Postgres.Migrate:
		return migratePostgres(ctx, s.Postgres, log, stdout)
	}
	store, err := open(ctx, s, events, log)
	if err != nil {
		return err
	}
	return errors.Join(serveEvents(ctx, s, events, store, log, stdout), store.close())
}

// readEvents reads the event file or, without one, returns the default event.
func readEvents(s settings.Events) ([]venue.Event, error) {
	d := venue.Defaults{LockTTL: s.LockTTL, SeatLimit: s.SeatLimit}
	if s.File != "" {
		return venue.ReadFile(s.File, d)
	}
	e, err := venue.Grid(s.Rows, s.RowSeats, d)
	if err != nil {
		return nil, s.Wrong("seats", err)
	}
	return []venue.Event{e}, nil
}

// serveEvents serves the events from the store until the context ends.
func serveEvents(ctx context.Context, s settings.Runner, events []venue.Event, store openStore, log *slog.Logger, stdout io.Writer) error {
	seen, measured := openTelemetry(s.Telemetry, events, store.LockStore, log)
	pages := web.New(web.Config{FrameAncestors: s.Server.FrameAncestors})
	homeKey := keyOfThisRun(s)
	if homeKey != "" {
		s.Access.OperatorKeys = []string{homeKey}
	}
	policy, err := openAccess(ctx, s.Access, log)
	if err != nil {
		return err
	}
	pay, err := openPayments(ctx, s, events, measured, store, seen.metrics, log)
	if err != nil {
		return err
	}
	policy.desk.Pay = pay.Payments != nil
	api, err := booking.New(booking.Config{
		Store: measured, Events: events, Access: policy.Policy, Logger: log, Zstd: compressZstd,
		Payments: pay.Payments, ReturnTo: s.Server.Origins, PublicURL: s.Access.PublicURL,
	})
	if err != nil {
		return err
	}
	pay.api = api
	seen.events = api
	file := &eventFile{settings: s.Events, store: measured, api: api, sold: seen.sell, log: log, events: events}
	if pay.Payments != nil {
		file.payable = pay.CheckEvent
	}
	metricsURL, stop, err := seen.serveMetrics(api)
	if err != nil {
		return err
	}
	defer stop()
	l, url, err := listen(s.Server, policy.Proxies, log)
	if err != nil {
		return err
	}
	var watching sync.WaitGroup
	watched, unwatch := context.WithCancel(ctx)
	watching.Go(func() { file.follow(watched) })
	watching.Go(func() { warnOfOthers(watched, store.LockStore, eventIDs(events), log) })
	if pay.Payments != nil {
		watching.Go(func() { pay.Work(watched, api.EventIDs) })
	}
	defer watching.Wait()
	defer unwatch()
	following, disconnect := context.WithCancel(context.WithoutCancel(ctx)) // goes on during -drain-delay
	hub := live.New(following, live.Config{
		API:     api,
		Origins: s.Server.Origins,
		Places:  viewerPlaces(s.Server),
		Client:  policy.Proxies.Client,
		Grace:   s.Server.Drain - s.Server.DrainDelay,
		Log:     log,
	})
	leave := func(context.Context) {
		disconnect()
		hub.Wait()
	}
	defer leave(ctx)
	seen.metrics.Viewers(hub.ViewerCount)
	printKey(stdout, homeKey, url)
	log.Info("serving: open the url to see the seats", "url", url, "events", eventList(events), "store", store.description, "users", identifiedBy(s.Access), "metrics", cmp.Or(metricsURL, "off"))
	limited := newLimits(s.Server, policy.Policy, l.Addr(), log).handler(policy.handler(pay.handler(pages.Handler(hub.Handler(api.Routes())))))
	if !isLoopback(l.Addr()) && !s.Access.Closed() {
		log.Warn("everybody who can connect can act for every user: other machines can reach this address, and nobody signs in; see -auth-issuer and AUTH_BACKEND_KEY", "addr", l.Addr().String())
	}
	h := headers(s.Server, closing(seen.handler(limited, policy.Proxies)))
	return serve(ctx, s.Server, l, h, ending{unready: seen.stop, sockets: leave}, log)
}

// eventList names the events for the start-up line, or only the first of many.
func eventList(events []venue.Event) string {
	const most = 10
	var list []string
	for i, e := range events {
		if i == most {
			list = append(list, fmt.Sprintf("and %d more", len(events)-most))
			break
		}
		list = append(list, fmt.Sprintf("%s (%d seats, locks of %v)", e.ID, len(e.Seats), e.LockTTL))
	}
	return strings.Join(list, ", ")
}

func eventIDs(events []venue.Event) []lockstore.EventID {
	var ids []lockstore.EventID
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}
