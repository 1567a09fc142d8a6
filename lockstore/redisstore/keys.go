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

// viewKey holds, six bytes a seat, until when it is taken. A seat's place is where
// its record begins. The log names seats by their places.
func viewKey(ev *lockstore.Event) string { return tag(ev) + ":view" }

// logKey is a stream of the changes.
func logKey(ev *lockstore.Event) string { return tag(ev) + ":log" }

// seatKey holds who has the seat. It is the only truth.
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
	// highest first, zero if the seat is available, bookedRecord if it is booked.
	recordLen    = 6
	bookedRecord = 1<<48 - 1

	// bookedUntil is, everywhere else, until when a booked seat is taken.
	bookedUntil = 9999999999999
)

// listed returns what a list at now shows of the seat at p, which is taken until
// then.
func listed(p int, until, now int64) lockstore.ListedSeat {
	status := lockstore.Locked
	if until == bookedUntil {
		status = lockstore.Booked
	}
	return lockstore.Listed(p, status, until, now)
}
