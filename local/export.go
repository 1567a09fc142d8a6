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

// An export writes booked and blocked seats as a table, one seat a line.
type export struct {
	*sheet.Writer
	events map[lockstore.EventID]*venue.Event
}

// newExport returns an export that adds the section, row, number and category to seats of
// the given events, and leaves them empty for other events.
func newExport(events []venue.Event, out io.Writer) (export, error) {
	e := export{sheet.NewWriter(out), make(map[lockstore.EventID]*venue.Event)}
	for i := range events {
		e.events[events[i].ID] = &events[i]
	}
	return e, e.Row("event", "seat", "section", "row", "number", "category", "status", "user", "reference", "since")
}

func (e export) seat(event lockstore.EventID, h lockstore.Holding) error {
	var at venue.Where
	if known := e.events[event]; known != nil {
		at = known.Where(h.Seat)
	}
	since := ""
	if !h.Since.IsZero() {
		since = h.Since.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	}
	return e.Row(string(event), string(h.Seat), at.Section, at.Row, at.Number, at.Category, h.Status.String(), string(h.User), string(h.Ref), since)
}

// printFile exports a file of seats, which another process may be using.
func printFile(s settings.File, events []venue.Event, out io.Writer) error {
	bookings, err := boltstore.Bookings(s.Path)
	if err != nil {
		return err
	}
	e, err := newExport(events, out)
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
	e, err := newExport(events, out)
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
