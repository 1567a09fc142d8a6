package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v3"

	"seatlock/functions/venue"
	"seatlock/lockstore/boltstore"
)

// dataSettings are the flags about the file, checked.
type dataSettings struct {
	file   string // empty: seats are kept elsewhere
	export bool
}

var dataFlags = []cli.Flag{
	&cli.StringFlag{Name: "data", Usage: "keep seats in `FILE`, which is made if it is not there; whatever is answered outlives a crash", Sources: cli.EnvVars("DATA_FILE")},
	&cli.BoolFlag{Name: "export", Usage: "do not serve; print who booked what in the file of -data, as CSV; it may be in use meanwhile"},
}

func settleData(c *cli.Command) (dataSettings, error) {
	d := dataSettings{file: c.String("data"), export: c.Bool("export")}
	if d.export && d.file == "" {
		return d, usage("-export prints what is in a file, and -data does not say which")
	}
	return d, nil
}

// open opens the file for the events.
func (d dataSettings) open(ctx context.Context, events []venue.Event) (openStore, error) {
	store, err := boltstore.Open(d.file)
	if errors.Is(err, boltstore.ErrInUse) {
		return openStore{}, fmt.Errorf("%w; one file is for one process (-redis and -postgres are for many)", err)
	}
	if err != nil {
		return openStore{}, err
	}
	for _, e := range events {
		if err := store.Open(ctx, e.Event); err != nil {
			return openStore{}, errors.Join(fmt.Errorf("%s: event %s: %w", d.file, e.ID, err), store.Close())
		}
	}
	kept := fmt.Sprintf("file %s: every answer is on the disk first, and outlives a crash and a loss of power; for this process alone", d.file)
	return openStore{store, kept, store.Close}, nil
}

// printBookings writes who booked what, a line each.
func (d dataSettings) printBookings(out io.Writer) error {
	bookings, err := boltstore.Bookings(d.file)
	if errors.Is(err, boltstore.ErrInUse) {
		return fmt.Errorf("%w, and sells faster than the file can be read: try again", err)
	}
	if err != nil {
		return err
	}
	w := csv.NewWriter(out)
	err = w.Write([]string{"event", "seat", "user", "booked"})
	for _, b := range bookings {
		err = errors.Join(err, w.Write([]string{string(b.Event), string(b.Seat), string(b.User), b.Since.UTC().Format("2006-01-02T15:04:05.000Z07:00")}))
	}
	w.Flush()
	return errors.Join(err, w.Error())
}
