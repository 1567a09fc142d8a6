package redisstore

import "seatlock/lockstore"

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

// forgetKey is a list of "until user", or more users, for each time that seats
// were locked: when it is worth a look whether they still need be in the hash.
func forgetKey(ev *lockstore.Event) string { return tag(ev) + ":forget" }

const (
	// recordLen is how many bytes of the view a seat has: milliseconds, the
	// highest first, zero if nobody has the seat, bookedRecord if it is booked.
	recordLen    = 6
	bookedRecord = 1<<48 - 1

	// bookedUntil is, everywhere else, until when a booked seat is taken.
	bookedUntil = 9999999999999
)

// listed returns what a list at now shows of the seat at p, which is taken until
// then.
func listed(p int, until, now int64) lockstore.ListedSeat {
	return lockstore.Listed(p, until == bookedUntil, until, now)
}
