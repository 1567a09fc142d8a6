package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"time"

	"seatlock/lockstore"
)

// A Booking is a seat that is no longer on sale: a user has booked it, or it is
// blocked.
type Booking struct {
	Event  lockstore.EventID
	Seat   lockstore.SeatID
	Status lockstore.Status // Booked or Blocked
	User   lockstore.UserID // "" if it is blocked
	Ref    lockstore.Ref    // the booking's reference, or why the seat is blocked
	Since  time.Time        // when it was booked or blocked, in whole milliseconds
}

// Bookings returns the bookings and the blocked seats in the file at path: the events in
// the order in which their first seats were taken, the seats of each in the order of its
// layout. It does not change the file, and read permission is enough. It also reads
// files of the previous format.
//
// Bookings may be called while a [Store] has the file open. It returns the bookings
// of one moment, and waits until the disk confirms them. It needs memory for the file.
//
// If the disk failed while an earlier process wrote, the system may confirm bookings
// that it has only in memory. [Open] makes sure that they are on the disk; Bookings
// does not.
//
// The error is one line that names the file. It wraps [ErrDamaged], the system's
// error or, if the file changes faster than it can be copied for ten seconds,
// [ErrInUse].
func Bookings(path string) ([]Booking, error) {
	bookings, err := bookingsAt(path)
	if err != nil {
		return nil, fmt.Errorf("boltstore: cannot read %s: %w", path, err)
	}
	return bookings, nil
}

func bookingsAt(path string) (bookings []Booking, err error) {
	f, err := openRegular(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close() // nothing was written to it
	if info, err := f.Stat(); err == nil && info.Size() == 0 {
		return nil, errors.New("it is empty")
	}
	err = readCopy(f, func(r io.ReaderAt, m meta) (err error) {
		bookings, err = bookingsIn(r, m)
		return err
	})
	if err != nil {
		return nil, err
	}
	// The last transaction may be only in the system's memory. Open commits to get it to
	// the disk, which Bookings cannot do while a store has the file open.
	return bookings, reason(f.Sync())
}

func bookingsIn(r io.ReaderAt, m meta) ([]Booking, error) {
	type soldEvent struct {
		id    lockstore.EventID
		seats []lockstore.SeatID
	}
	events := make(map[uint32]soldEvent)
	all := make(records)
	found, err := verify(r, m, false, func(bucket, key, value []byte) error {
		switch {
		case bytes.Equal(bucket, bucketEvents):
			e, err := parseEvent(value)
			events[e.number] = soldEvent{lockstore.EventID(key), splitSeats(e.seats)}
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
			return nil, fmt.Errorf("%w: %x is not the key of a seat", ErrDamaged, key)
		}
		b := Booking{Event: of.id, Seat: of.seats[key.position()], User: r.User, Ref: r.Ref, Since: time.UnixMilli(r.Since)}
		switch {
		case r.Booked:
			b.Status = lockstore.Booked
		case r.Blocked:
			b.Status = lockstore.Blocked
		default:
			continue
		}
		bookings = append(bookings, b)
	}
	return bookings, nil
}
