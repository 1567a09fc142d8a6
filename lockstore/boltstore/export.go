package boltstore

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"seatlock/lockstore"
)

// A Booking is a seat that somebody has booked.
type Booking struct {
	Event lockstore.EventID
	Seat  lockstore.SeatID
	User  lockstore.UserID
	Since time.Time // when it was booked, in whole milliseconds
}

// Bookings reads who booked what: the events in the order in which they were first
// sold, the seats of each in the order of its seat map. It changes nothing, and
// the file may be one that this process must not write to. It fails with
// [ErrInUse] while a [Store] has the file open, and with [ErrDamaged].
func Bookings(path string) ([]Booking, error) {
	type found struct {
		number   uint32
		position int
		Booking
	}
	var all []found
	type house struct {
		id    lockstore.EventID
		seats []string
	}
	houses := make(map[uint32]house)
	var d dial // the times of locks do not matter here
	f, err := openLocked(path, os.O_RDONLY, false)
	if err != nil {
		return nil, fmt.Errorf("boltstore: cannot read %s: %w", path, err)
	}
	defer f.Close() // it was only read
	_, err = verify(f, func(bucket, key, value []byte) error {
		switch {
		case bytes.Equal(bucket, bucketEvents):
			number, seats, err := parseEvent(value)
			houses[number] = house{lockstore.EventID(key), strings.Split(strings.TrimSuffix(seats, "\n"), "\n")}
			return err
		case bytes.Equal(bucket, bucketSeats):
			h, since, err := parseRecord(value, d)
			if err != nil || position(key) < 0 {
				return fmt.Errorf("%w: seat %x: %w", ErrDamaged, key, err)
			}
			if h.Booked {
				all = append(all, found{binary.BigEndian.Uint32(key), position(key), Booking{User: h.User, Since: time.UnixMilli(since)}})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("boltstore: cannot read %s: %w", path, err)
	}
	slices.SortFunc(all, func(a, b found) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.position, b.position))
	})
	bookings := make([]Booking, len(all))
	for i, f := range all {
		h := houses[f.number]
		if f.position >= len(h.seats) {
			return nil, fmt.Errorf("boltstore: cannot read %s: %w: event %q has no seat number %d", path, ErrDamaged, h.id, f.position)
		}
		f.Event, f.Seat = h.id, lockstore.SeatID(h.seats[f.position])
		bookings[i] = f.Booking
	}
	return bookings, nil
}
