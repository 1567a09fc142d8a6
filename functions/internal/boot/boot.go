// Package boot makes a Lambda function of one of the API's calls: it reads the
// settings from the environment, connects to the store once, and passes the call
// to Lambda. It must not know what the call does.
package boot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/internal/lambdahttp"
	"seatlock/functions/settings"
	"seatlock/functions/telemetry"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// bundled is the event file in the zip, beside the program. EVENTS_FILE may name
// another.
const bundled = "events.json"

// pingTime is the longest time that the start waits for the store.
const pingTime = 2 * time.Second

// Main runs the function that answers with the call that pick returns. It does not
// return. If a setting is wrong, it ends the process with status 1 and one line.
func Main(pick func(*booking.API) telemetry.Handler) {
	run(func(ctx context.Context, log *slog.Logger) (lambda.Handler, error) {
		return start(ctx, os.Getenv, log, paidElsewhere(), pick)
	})
}

// Checkout is Main for the function that takes payments with the provider that open
// returns. It also answers the events of the function's schedule.
func Checkout(open OpenProvider, pick func(*booking.API) telemetry.Handler) {
	run(func(ctx context.Context, log *slog.Logger) (lambda.Handler, error) {
		pay := paidHere(open)
		adapter, err := start(ctx, os.Getenv, log, pay, pick)
		if err != nil {
			return nil, err
		}
		return &scheduled{calls: adapter, payments: pay}, nil
	})
}

// run starts a function.
func run(start func(context.Context, *slog.Logger) (lambda.Handler, error)) {
	log := slog.New(telemetry.LogHandler(lambdacontext.NewLogHandler()))
	handler, err := start(context.Background(), log)
	if err != nil {
		fmt.Fprintln(os.Stderr, "seatlock:", err)
		os.Exit(1)
	}
	lambda.Start(handler)
}

// start connects the parts of a function.
func start(ctx context.Context, getenv func(string) string, log *slog.Logger, pay *payments, pick func(*booking.API) telemetry.Handler) (*lambdahttp.Adapter, error) {
	var s struct {
		storage   storage
		events    settings.Events
		access    settings.GatewayAccess
		gateway   settings.Gateway
		telemetry settings.Telemetry
	}
	s.access.Paid = pay.of
	if err := settings.ReadLambda(getenv, &s.storage, &s.events, pay.read, &s.access, &s.gateway, &s.telemetry); err != nil {
		return nil, err
	}
	events, err := readEvents(s.events, getenv("LAMBDA_TASK_ROOT"))
	if err != nil {
		return nil, err
	}
	store, err := s.storage.open(ctx, events, log)
	if err != nil {
		return nil, err
	}
	gate, err := openGate(s.access)
	if err != nil {
		return nil, err
	}
	c := booking.Config{
		Store: telemetry.Store(store, nil), Events: events, Access: gate.policy, Logger: log,
		SharedSeconds: s.gateway.CacheSeconds, Windows: manyProcesses, PublicURL: s.access.PublicURL,
	}
	if err := pay.open(&c, store, s.telemetry); err != nil {
		return nil, err
	}
	api, err := booking.New(c)
	if err != nil {
		return nil, err
	}
	pay.api = api
	return &lambdahttp.Adapter{
		Handler:  reported(gate.handler(pick(api)), s.telemetry, log),
		BasePath: s.gateway.BasePath,
		Logger:   log,
		Identify: access.WithGatewayClaims,
	}, nil
}

// manyProcesses is the value of booking.Config.Windows, since each copy of a function
// answers few requests and knows little of the others.
const manyProcesses = 16

// readEvents returns the events on sale. Users are known, by the gateway or as guests,
// so the default limit for known users applies.
func readEvents(s settings.Events, root string) ([]venue.Event, error) {
	s.LimitKnown()
	file := cmp.Or(s.File, filepath.Join(root, bundled))
	events, err := venue.ReadFile(file, venue.Defaults{LockTTL: s.LockTTL, SeatLimit: s.SeatLimit})
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w (the file must be %s in the zip, or EVENTS_FILE must name it)", err, bundled)
	}
	return events, err
}

// unavailable reports whether err means that the store cannot be reached, rather than
// that it must not be used.
func unavailable(err error) bool {
	return errors.Is(err, lockstore.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)
}

// openEvents makes the events known to the store. It does not fail if the store cannot
// be reached, since the requests try again.
func openEvents(ctx context.Context, open func(context.Context, *lockstore.Event) error, events []venue.Event, log *slog.Logger) error {
	return booking.OpenEvents(ctx, events, func(ctx context.Context, ev *lockstore.Event) error {
		if err := open(ctx, ev); !unavailable(err) {
			return err
		}
		return nil
	}, log)
}
