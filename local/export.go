package main

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"seatlock/functions/settings"
	"seatlock/functions/sheet"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
)

// An export writes seats that are booked or blocked as a table, one a line.
type export struct{ *sheet.Writer }

func newExport(out io.Writer) (export, error) {
	e := export{sheet.NewWriter(out)}
	return e, e.Row("event", "seat", "status", "user", "reference", "since")
}

func (e export) seat(event lockstore.EventID, h lockstore.Holding) error {
	since := ""
	if !h.Since.IsZero() {
		since = h.Since.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	}
	return e.Row(string(event), string(h.Seat), h.Status.String(), string(h.User), string(h.Ref), since)
}

// printFile exports a file of seats, which a process may be using.
func printFile(s settings.File, out io.Writer) error {
	bookings, err := boltstore.Bookings(s.Path)
	if err != nil {
		return err
	}
	e, err := newExport(out)
	for _, b := range bookings {
		err = errors.Join(err, e.seat(b.Event, lockstore.Holding{Seat: b.Seat, Status: b.Status, User: b.User, Ref: b.Ref, Since: b.Since}))
	}
	return errors.Join(err, e.Flush())
}

// printRosters exports the events from Redis or PostgreSQL.
func printRosters(ctx context.Context, s settings.Runner, events []venue.Event, log *slog.Logger, out io.Writer) (err error) {
	store, err := open(ctx, s, events, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	e, err := newExport(out)
	if err != nil {
		return err
	}
	for _, ev := range events {
		_, holdings := store.Roster(ctx, ev.Event, lockstore.Filter{})
		for h, err := range holdings {
			if err == nil && h.Status != lockstore.Locked {
				err = e.seat(ev.ID, h)
			}
			if err != nil {
				return errors.Join(err, e.Flush())
			}
		}
	}
	return e.Flush()
}
