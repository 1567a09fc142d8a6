package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"seatlock/functions/settings"
	"seatlock/functions/venue"
	"seatlock/lockstore/boltstore"
)

// openFile opens the file of seats for the events.
func openFile(ctx context.Context, s settings.File, events []venue.Event) (openStore, error) {
	store, err := boltstore.Open(s.Path)
	if errors.Is(err, boltstore.ErrInUse) {
		return openStore{}, fmt.Errorf("%w; only one process can use a file (-redis and -postgres are for several)", err)
	}
	if err != nil {
		return openStore{}, err
	}
	if err := openEvents(ctx, store.Open, events); err != nil {
		return openStore{}, errors.Join(fmt.Errorf("%s: %w", s.Path, err), store.Close())
	}
	description := fmt.Sprintf("file %s: every answer is on the disk first, and outlives a crash and a loss of power; for this process alone", s.Path)
	return openStore{store, description, store.Close}, nil
}

// printBookings writes who booked what in the file, one booking a line.
func printBookings(s settings.File, out io.Writer) error {
	bookings, err := boltstore.Bookings(s.Path)
	if err != nil {
		return err
	}
	w := csv.NewWriter(out)
	err = w.Write([]string{"event", "seat", "user", "booked"})
	for _, b := range bookings {
		err = errors.Join(err, w.Write([]string{cell(string(b.Event)), cell(string(b.Seat)), cell(string(b.User)), b.Since.UTC().Format("2006-01-02T15:04:05.000Z07:00")}))
	}
	w.Flush()
	return errors.Join(err, w.Error())
}

// cell returns the text for a cell of a table. A spreadsheet runs a cell that begins
// with =, +, - or @, also in their full-width forms, and some ignore spaces before
// them. An apostrophe at the beginning prevents that. One is put before an apostrophe
// too, so that the text can be restored.
func cell(text string) string {
	blank := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) }
	first, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(text, blank))
	if strings.ContainsRune("=+-@＝＋－＠'", first) {
		return "'" + text
	}
	return text
}
