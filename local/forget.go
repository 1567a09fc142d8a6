package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"seatlock/functions/settings"
	"seatlock/lockstore"
)

// A forgetter is a store that can remove an event without knowing its layout.
type forgetter interface {
	// Booked returns how many seats of the event are booked, and whether the store has
	// anything of it.
	Booked(ctx context.Context, id lockstore.EventID) (booked int, known bool, err error)
	Forget(ctx context.Context, id lockstore.EventID) error
}

// forget removes the event that the settings name from the store that they name.
func forget(ctx context.Context, s settings.Runner, log *slog.Logger, out io.Writer) (err error) {
	id := lockstore.EventID(s.File.Forget)
	if invalid, ok := errors.AsType[*lockstore.InvalidError](id.Check()); ok {
		return s.File.Wrong("forget", errors.New(invalid.Problem))
	}
	if s.File.Path != "" {
		if _, err := os.Stat(s.File.Path); err != nil {
			return err // opening the store would create the file
		}
	}
	store, err := open(ctx, s, nil, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	f, ok := store.LockStore.(forgetter)
	if !ok {
		return fmt.Errorf("event %s: this store cannot remove events", id)
	}
	booked, known, err := f.Booked(ctx, id)
	switch {
	case err != nil:
		return fmt.Errorf("event %s: %w", id, err)
	case !known:
		return fmt.Errorf("the store has no event %s", id)
	case booked > 0 && !s.File.Yes:
		return fmt.Errorf("event %s has booked seats (%d); add -yes to remove it", id, booked)
	}
	if err := f.Forget(ctx, id); err != nil {
		return fmt.Errorf("event %s was not removed, or only in part; run the same command again to finish: %w", id, err)
	}
	fmt.Fprintf(out, "event %s removed; seats of it that were booked: %d\n", id, booked)
	return nil
}
