// Program local serves Seatlock on this machine: the handlers of
// functions/booking on net/http. It reads the settings and puts the parts
// together; what it sells and how seats are kept is none of its business.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9/logging"
	"github.com/urfave/cli/v3"

	"seatlock/functions/booking"
	"seatlock/functions/venue"
	"seatlock/local/web"
	"seatlock/lockstore"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	logging.Disable()            // the Redis client's own lines: every failure is told by whom it befalls
	err := run(ctx, os.Args, os.Stdout, os.Stderr)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "seatlock:", err)
	if errors.Is(err, errUsage) {
		os.Exit(2)
	}
	os.Exit(1)
}

// errUsage is every error in how the program was called.
var errUsage = errors.New("-h explains every flag")

func usage(format string, args ...any) error {
	return fmt.Errorf("%w; %w", fmt.Errorf(format, args...), errUsage)
}

// settings are the flags, checked.
type settings struct {
	addr     string
	events   []venue.Event
	log      *slog.Logger
	data     dataSettings
	redis    redisSettings
	postgres postgresSettings
	guard    guardSettings
	server   serverSettings
	watch    watchSettings
	live     liveSettings
}

// run serves until the context ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flagsRead := false
	cmd := &cli.Command{
		Name:            "local",
		Usage:           "lock, confirm, release and list seats over HTTP, on this machine",
		UsageText:       "go run ./local [flags]\n\nA flag goes before its environment variable, and that before the default.",
		HideHelpCommand: true,
		Writer:          stdout,
		ErrWriter:       stderr,
		ExitErrHandler:  func(context.Context, *cli.Command, error) {}, // main says it and exits
		OnUsageError:    func(_ context.Context, _ *cli.Command, err error, _ bool) error { return err },
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "addr", Value: "127.0.0.1:8080", Usage: "serve on `HOST:PORT`; port 0 takes a free one", Sources: cli.EnvVars("ADDR")},
			&cli.StringFlag{Name: "seats", Value: "10x10", Usage: "without -events: one event, default, of `ROWSxSEATS`", Sources: cli.EnvVars("SEATS")},
			&cli.StringFlag{Name: "events", Usage: "sell the events that `FILE` describes (JSON; see the README)", Sources: cli.EnvVars("EVENTS_FILE")},
			&cli.DurationFlag{Name: "lock-ttl", Value: time.Minute, Usage: "how long a lock lasts, as `DURATION` such as 90s or 10m, where the event file does not say", Sources: cli.EnvVars("LOCK_TTL")},
			&cli.IntFlag{Name: "seat-limit", Usage: "the most seats one user may have in one event, as `NUMBER`, where the event file does not say; 0 is no limit", Sources: cli.EnvVars("SEAT_LIMIT")},
			&cli.StringFlag{Name: "log", Value: "text", Usage: "log to standard error in `FORMAT` text or json", Sources: cli.EnvVars("LOG_FORMAT")},
		}, slices.Concat(watchFlags, dataFlags, redisFlags, postgresFlags, guardFlags, serverFlags, liveFlags)...),
		Action: func(ctx context.Context, c *cli.Command) error {
			flagsRead = true
			s, err := settle(c, stderr)
			if err != nil {
				return err
			}
			return start(ctx, s, stdout)
		},
	}
	err := cmd.Run(ctx, args)
	if err != nil && !flagsRead {
		return usage("%w", err)
	}
	return err
}

// settle checks the flags and reads the event file.
func settle(c *cli.Command, stderr io.Writer) (settings, error) {
	if c.Args().Present() {
		return settings{}, usage("%q is not a flag", c.Args().First())
	}
	log, err := logger(c.String("log"), c.String("log-level"), stderr)
	if err != nil {
		return settings{}, err
	}
	d := venue.Defaults{LockTTL: c.Duration("lock-ttl"), SeatLimit: c.Int("seat-limit")}
	if d.LockTTL < time.Millisecond || d.LockTTL > lockstore.MaxLockTTL {
		return settings{}, usage("-lock-ttl %v: a lock lasts from 1ms to %v", d.LockTTL, lockstore.MaxLockTTL)
	}
	if d.SeatLimit < 0 {
		return settings{}, usage("-seat-limit %d: it is a number of seats, or 0 for no limit", d.SeatLimit)
	}
	if c.IsSet("events") && c.IsSet("seats") {
		return settings{}, usage("-events and -seats: the event file says which seats there are, so give one of them")
	}
	data, err := settleData(c)
	if err != nil {
		return settings{}, err
	}
	r, err := settleRedis(c)
	if err != nil {
		return settings{}, err
	}
	p, err := settlePostgres(c)
	if err != nil {
		return settings{}, err
	}
	g, err := settleGuard(c)
	if err != nil {
		return settings{}, err
	}
	srv, err := settleServer(c)
	if err != nil {
		return settings{}, err
	}
	w, err := settleWatch(c)
	if err != nil {
		return settings{}, err
	}
	v, err := settleLive(c)
	if err != nil {
		return settings{}, err
	}
	s := settings{addr: c.String("addr"), log: log, data: data, redis: r, postgres: p, guard: g, server: srv, watch: w, live: v}
	if err := s.oneStore(); err != nil {
		return s, err
	}
	s.events, err = events(c.String("events"), c.String("seats"), d)
	return s, err
}

// events reads the event file, or makes the one event of -seats.
func events(file, grid string, d venue.Defaults) ([]venue.Event, error) {
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("cannot read the event file: %w", err)
		}
		defer f.Close()
		return venue.ReadEvents(file, f, d)
	}
	r, n, _ := strings.Cut(grid, "x")
	rows, err := strconv.Atoi(r)
	if err != nil {
		return nil, usage("-seats %s: it is rows x seats in each, such as 10x10", grid)
	}
	seats, err := strconv.Atoi(n)
	if err != nil {
		return nil, usage("-seats %s: it is rows x seats in each, such as 10x10", grid)
	}
	e, err := venue.Grid(rows, seats, d)
	if err != nil {
		return nil, usage("-seats %s: %w", grid, err)
	}
	return []venue.Event{e}, nil
}

// start does what the settings say.
func start(ctx context.Context, s settings, stdout io.Writer) error {
	switch {
	case s.data.export:
		return s.data.printBookings(stdout)
	case s.redis.audit || s.redis.rebuild:
		return s.redis.inspect(ctx, s.events, s.log, stdout)
	case s.postgres.migrate:
		return s.postgres.makeTables(ctx, stdout, s.log)
	}
	store, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	return errors.Join(serveEvents(ctx, s, store.LockStore, store.kept), store.close())
}

// serveEvents serves the events from the store until the context ends.
func serveEvents(ctx context.Context, s settings, store lockstore.LockStore, kept string) error {
	watched, store := s.watch.open(s.events, store, s.log)
	api, err := booking.New(booking.Config{Store: store, Events: s.events, Access: s.guard.open(ctx, s.log), Logger: s.log})
	if err != nil {
		return err
	}
	metricsURL, stop, err := watched.serveMetrics(api, s.events)
	if err != nil {
		return err
	}
	defer stop()
	l, url, err := s.server.listen(s.addr, s.log)
	if err != nil {
		return err
	}
	watching, sendAway := context.WithCancel(context.WithoutCancel(ctx)) // goes on through -drain-delay
	hub := s.live.open(watching, api, s.server, s.log)
	leave := func(context.Context) {
		sendAway()
		hub.Wait()
	}
	defer leave(ctx)
	watched.metrics.Viewers(hub.ViewerCount)
	s.log.Info("serving: open the url to see the house", "url", url, "events", eventList(s.events), "store", kept, "users", s.guard.believed(), "metrics", cmp.Or(metricsURL, "off"))
	h := s.server.headers(watched.handler(web.Handler(hub.Handler(api.Routes()))))
	return s.server.serve(ctx, l, h, ending{unready: watched.stop, sockets: leave}, s.log)
}

// eventList names the events for the start-up line.
func eventList(events []venue.Event) string {
	var list []string
	for _, e := range events {
		list = append(list, fmt.Sprintf("%s (%d seats, locks of %v)", e.ID, len(e.Seats), e.LockTTL))
	}
	return strings.Join(list, ", ")
}
