package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"seatlock/functions/booking"
	"seatlock/functions/settings"
	"seatlock/functions/venue"
	"seatlock/lockstore/boltstore"
)

// openFile opens the file of seats for the events.
func openFile(ctx context.Context, s settings.File, events []venue.Event, log *slog.Logger) (openStore, error) {
	store, err := boltstore.Open(s.Path)
	if errors.Is(err, boltstore.ErrInUse) {
		return openStore{}, fmt.Errorf("%w; only one process can use a file (several can share -redis or -postgres)", err)
	}
	if err != nil {
		return openStore{}, err
	}
	if err := booking.OpenEvents(ctx, events, store.Open, log); err != nil {
		return openStore{}, errors.Join(fmt.Errorf("%s: %w", s.Path, err), store.Close())
	}
	description := fmt.Sprintf("file %s: every change is on the disk before it is answered, and survives a crash and a loss of power; for one process only", s.Path)
	return openStore{store, description, store.Close}, nil
}
