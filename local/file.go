package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"seatlock/functions/booking"
	"seatlock/functions/settings"
	"seatlock/functions/sheet"
	"seatlock/functions/venue"
	"seatlock/lockstore/boltstore"
)

// openFile opens the file of seats for the events.
func openFile(ctx context.Context, s settings.File, events []venue.Event, log *slog.Logger) (openStore, error) {
	store, err := boltstore.Open(s.Path)
	if errors.Is(err, boltstore.ErrInUse) {
		return openStore{}, fmt.Errorf("%w; only one process can use a file (-redis and -postgres are for several)", err)
	}
	if err != nil {
		return openStore{}, err
	}
	if err := booking.OpenEvents(ctx, events, store.Open, log); err != nil {
		return openStore{}, errors.Join(fmt.Errorf("%s: %w", s.Path, err), store.Close())
	}
	description := fmt.Sprintf("file %s: every answer is on the disk first, and outlives a crash and a loss of power; for this process alone", s.Path)
	return openStore{store, description, store.Close}, nil
}

// printBookings writes who booked what in the file, and what is blocked, one seat a line.
func printBookings(s settings.File, out io.Writer) error {
	bookings, err := boltstore.Bookings(s.Path)
	if err != nil {
		return err
	}
	w := sheet.NewWriter(out)
	err = w.Row("event", "seat", "status", "user", "reference", "since")
	for _, b := range bookings {
		since := b.Since.UTC().Format("2006-01-02T15:04:05.000Z07:00")
		err = errors.Join(err, w.Row(string(b.Event), string(b.Seat), b.Status.String(), string(b.User), string(b.Ref), since))
	}
	return errors.Join(err, w.Flush())
}
