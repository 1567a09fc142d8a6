package redisstore

import (
	"encoding/binary"
	"time"

	"seatlock/lockstore"
)

// The keys of an event have its id as their hash tag, so that they are in one
// slot of a Cluster. An event id has no brace in it, so no name can be read in
// two ways.

func tag(ev *lockstore.Event) string { return "{" + string(ev.ID) + "}" }

// mapKey holds the event's fingerprint. It is written once.
func mapKey(ev *lockstore.Event) string { return tag(ev) + ":map" }

// viewKey holds, six bytes a seat, until when it is taken. A seat's place in it
// is what the log and the users' locks name the seat by.
func viewKey(ev *lockstore.Event) string { return tag(ev) + ":view" }

// logKey is a stream of the changes.
func logKey(ev *lockstore.Event) string { return tag(ev) + ":log" }

// seatKey holds who has the seat.
func seatKey(ev *lockstore.Event, seat lockstore.SeatID) string {
	return tag(ev) + ":seat:" + string(seat)
}

// usersKey is a hash of what each user has: the number of seats booked, then
// " place:until" of each lock, until [lockstore.LapseMemory] after its end.
func usersKey(ev *lockstore.Event) string { return tag(ev) + ":users" }

// forgetKey is a list of "until user" for every Lock: who is in the hash of
// users, and when it is worth a look whether they need be there any longer.
func forgetKey(ev *lockstore.Event) string { return tag(ev) + ":forget" }

const (
	// recordLen is how many bytes of the view a seat has: milliseconds, the
	// highest first, all zero if nobody has the seat, bookedRecord if it is booked.
	recordLen    = 6
	bookedRecord = "\xff\xff\xff\xff\xff\xff"

	// bookedUntil is, everywhere else, until when a booked seat is taken.
	bookedUntil = 9999999999999
)

// record renders a time as it is in the view.
func record(ms int64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(ms))
	return string(b[8-recordLen:])
}

// recordUntil reads a record.
func recordUntil(rec string) int64 {
	if rec == bookedRecord {
		return bookedUntil
	}
	var ms int64
	for i := range len(rec) {
		ms = ms<<8 | int64(rec[i])
	}
	return ms
}

// seatAt is what anybody may know of a seat that is taken until a moment.
func seatAt(id lockstore.SeatID, until, now int64) lockstore.Seat {
	switch {
	case until == bookedUntil:
		return lockstore.Seat{ID: id, Status: lockstore.Booked}
	case until > now:
		return lockstore.Seat{ID: id, Status: lockstore.Locked, Expires: time.UnixMilli(until)}
	}
	return lockstore.Seat{ID: id, Status: lockstore.Available}
}
