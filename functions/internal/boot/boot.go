// Package boot runs one of the API's calls as a Lambda function: it reads the
// settings from the environment, connects to the store once, and gives the call
// to Lambda. It must not know what the call does.
package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/internal/lambdahttp"
	"seatlock/functions/telemetry"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// bundled is the event file in the zip.
const bundled = "events.json"

// pingTime is the longest time that the start waits for the store.
const pingTime = 2 * time.Second

// Main runs the function that answers with the call that pick chooses. It never
// returns. If a setting is wrong, it exits with status 1 and one line.
func Main(pick func(*booking.API) telemetry.Handler) {
	log := slog.New(telemetry.LogHandler(lambdacontext.NewLogHandler()))
	adapter, err := start(context.Background(), os.Getenv, log, pick)
	if err != nil {
		fmt.Fprintln(os.Stderr, "seatlock:", err)
		os.Exit(1)
	}
	lambda.Start(adapter)
}

// settings are the environment, checked.
type settings struct {
	storage  storage
	events   []venue.Event
	basePath string
	watch    watchSettings
}

// start assembles the function.
func start(ctx context.Context, env func(string) string, log *slog.Logger, pick func(*booking.API) telemetry.Handler) (*lambdahttp.Adapter, error) {
	s, err := read(env)
	if err != nil {
		return nil, err
	}
	store, err := s.storage.open(ctx, s.events, log)
	if err != nil {
		return nil, err
	}
	api, err := booking.New(booking.Config{Store: telemetry.Store(store, nil), Events: s.events, Logger: log})
	if err != nil {
		return nil, err
	}
	return &lambdahttp.Adapter{
		Handler:  s.watch.handler(pick(api), log),
		BasePath: s.basePath,
		Logger:   log,
		Identify: func(ctx context.Context, subject string) context.Context {
			return access.WithCaller(ctx, lockstore.UserID(subject))
		},
	}, nil
}

// read reads the settings.
func read(env func(string) string) (settings, error) {
	s := settings{basePath: env("BASE_PATH")}
	var err error
	if s.storage, err = readStorage(env); err != nil {
		return s, err
	}
	d := venue.Defaults{LockTTL: time.Minute}
	err = errors.Join(
		parse(env, "SEAT_LIMIT", &d.SeatLimit, strconv.Atoi),
		parse(env, "LOCK_TTL", &d.LockTTL, time.ParseDuration),
		s.watch.read(env),
	)
	if err != nil {
		return s, err
	}
	if d.LockTTL < time.Millisecond || d.LockTTL > lockstore.MaxLockTTL {
		return s, fmt.Errorf("LOCK_TTL %v: a lock lasts from 1ms to %v", d.LockTTL, lockstore.MaxLockTTL)
	}
	if d.SeatLimit < 0 {
		return s, fmt.Errorf("SEAT_LIMIT %d: it is a number of seats, or 0 for no limit", d.SeatLimit)
	}
	if s.basePath != "" && (s.basePath[0] != '/' || s.basePath[len(s.basePath)-1] == '/') {
		return s, fmt.Errorf("BASE_PATH %q: it begins with a slash and does not end with one", s.basePath)
	}
	s.events, err = events(env, d)
	return s, err
}

// parse reads one variable into a value, if it is set.
func parse[T any](env func(string) string, name string, into *T, read func(string) (T, error)) error {
	text := env(name)
	if text == "" {
		return nil
	}
	value, err := read(text)
	if err != nil {
		return fmt.Errorf("%s %q: %w", name, text, err)
	}
	*into = value
	return nil
}

// events reads the event file.
func events(env func(string) string, d venue.Defaults) ([]venue.Event, error) {
	file := env("EVENTS_FILE")
	if file == "" {
		file = filepath.Join(env("LAMBDA_TASK_ROOT"), bundled)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the event file (%s in the zip, or the one that EVENTS_FILE names): %w", bundled, err)
	}
	defer f.Close()
	return venue.ReadEvents(file, f, d)
}

// away reports whether the error is of a store that cannot be reached, as opposed
// to one that must not be used.
func away(err error) bool {
	return errors.Is(err, lockstore.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)
}

// openEvents opens the events in the store. It returns an error only for an event
// that the store has with other seats: the rest is tried again by each request.
func openEvents(ctx context.Context, open func(context.Context, *lockstore.Event) error, events []venue.Event) error {
	for _, e := range events {
		if err := open(ctx, e.Event); errors.Is(err, lockstore.ErrOtherSeats) {
			return fmt.Errorf("event %s: %w", e.ID, err)
		}
	}
	return nil
}
