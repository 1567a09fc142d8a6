package redisstore

import "seatlock/lockstore"

// The keys of an event have its id as their hash tag, so that they are in one
// slot of a Cluster. An event id has no brace in it, so no name can be read in
// two ways. README.md says what each key holds.
//
// The scripts rely on the names: those of the map, of a seat and of a user are
// equally long before the id.

func tag(ev *lockstore.Event) string { return "{" + string(ev.ID) + "}" }

// mapKey holds the format and the event's fingerprint. See mapText.
func mapKey(ev *lockstore.Event) string { return tag(ev) + ":map" }

// layoutKey holds the revision and the seats of the layout. See layoutText.
func layoutKey(ev *lockstore.Event) string { return tag(ev) + ":layout" }

// viewKey holds the time until which each seat is taken, in six bytes. A seat's place is
// where its record begins. The log names seats by their places.
func viewKey(ev *lockstore.Event) string { return tag(ev) + ":view" }

// logKey is a stream of the changes.
func logKey(ev *lockstore.Event) string { return tag(ev) + ":log" }

// journalKey is a stream of what was booked, cancelled, moved, blocked and so on.
func journalKey(ev *lockstore.Event) string { return tag(ev) + ":journal" }

// seatKey holds who has the seat. It is the only source of truth.
func seatKey(ev *lockstore.Event, seat lockstore.SeatID) string {
	return tag(ev) + ":seat:" + string(seat)
}

// userKey is a sorted set of the seats that the user has, or had a lock on
// lately, by the ends of the locks.
func userKey(ev *lockstore.Event, user lockstore.UserID) string {
	return tag(ev) + ":user:" + string(user)
}

const (
	// recordLen is how many bytes of the view a seat has: milliseconds, the
	// highest first, zero if the seat is available, bookedRecord if it is booked,
	// blockedRecord if it is blocked.
	recordLen     = 6
	bookedRecord  = 1<<48 - 1
	blockedRecord = 1<<48 - 2

	// bookedUntil and blockedUntil stand, everywhere else, for the time until which a booked
	// or a blocked seat is taken.
	bookedUntil  = 9999999999999
	blockedUntil = 9999999999998
)

// recordOf returns the record of a seat that is taken until then.
func recordOf(until int64) uint64 {
	switch until {
	case bookedUntil:
		return bookedRecord
	case blockedUntil:
		return blockedRecord
	}
	return uint64(until)
}

// listed returns what a list at now shows of the seat at p, which is taken until the
// given time.
func listed(p int, until, now int64) lockstore.ListedSeat {
	status := lockstore.Locked
	switch until {
	case bookedUntil:
		status = lockstore.Booked
	case blockedUntil:
		status = lockstore.Blocked
	}
	return lockstore.Listed(p, status, until, now)
}
