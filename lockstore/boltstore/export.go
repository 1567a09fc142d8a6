package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"time"

	"seatlock/lockstore"
)

// A Booking is a seat that a user has booked.
type Booking struct {
	Event lockstore.EventID
	Seat  lockstore.SeatID
	User  lockstore.UserID
	Since time.Time // when it was booked, in whole milliseconds
}

// Bookings returns the bookings in the file at path: the events in the order in
// which they were first sold, the seats of each in the order of its layout. It
// does not change the file, and permission to read it is enough. The error is one
// line that names the file: it wraps [ErrDamaged] or the system's error.
//
// Bookings also reads a file that a [Store] has open, as it was at one moment. It
// fails with [ErrInUse] if the file changes faster than it can be read.
func Bookings(path string) ([]Booking, error) {
	f, err := openRegular(path, os.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("boltstore: cannot read %s: %w", path, err)
	}
	defer f.Close() // it was only read
	bookings, err := bookingsIn(f)
	if err != nil {
		return nil, fmt.Errorf("boltstore: cannot read %s: %w", path, err)
	}
	return bookings, nil
}

// bookingsIn takes no lock if it can do without, so that a Store can be opened
// meanwhile. Pages that are given up are written to again two transactions
// later. A reader of the file may then find damage, which the checksum shows.
func bookingsIn(f *os.File) ([]Booking, error) {
	const tries = 20
	for range tries {
		bookings, err := bookingsOf(f)
		if !errors.Is(err, ErrDamaged) {
			return bookings, err
		}
		switch err := lockFile(f, false); {
		case err == nil: // nobody writes to it
			return bookingsOf(f)
		case !errors.Is(err, ErrInUse):
			return nil, err
		}
	}
	return nil, ErrInUse
}

func bookingsOf(f *os.File) ([]Booking, error) {
	type soldEvent struct {
		id    lockstore.EventID
		seats []string
	}
	events := make(map[uint32]soldEvent)
	all := make(records)
	found, err := verify(f, func(bucket, key, value []byte) error {
		switch {
		case bytes.Equal(bucket, bucketEvents):
			number, seats, err := parseEvent(value)
			events[number] = soldEvent{lockstore.EventID(key), strings.Split(strings.TrimSuffix(seats, "\n"), "\n")}
			return err
		case bytes.Equal(bucket, bucketSeats):
			all[seatKey(key)] = value
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	maps.Copy(all, found.log)
	var bookings []Booking
	for _, key := range all.keys() {
		r, err := parseRecord(all[key])
		if err != nil {
			return nil, fmt.Errorf("%w: seat %x: %w", ErrDamaged, key, err)
		}
		of := events[key.event()]
		if key.position() >= len(of.seats) {
			return nil, fmt.Errorf("%w: it has a seat at %x", ErrDamaged, key)
		}
		if r.seat.Booked {
			bookings = append(bookings, Booking{of.id, lockstore.SeatID(of.seats[key.position()]), r.seat.User, time.UnixMilli(r.since)})
		}
	}
	return bookings, nil
}
