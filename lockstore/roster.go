package lockstore

import "time"

// A Filter chooses the seats of a roster: those of User, or Seats, or every seat
// of the event if both are empty. They cannot both be given.
type Filter struct {
	User  UserID
	Seats []SeatID // up to [MaxSeats], all different
}

// Check returns an [*InvalidError] or [*UnknownSeatsError] unless the filter is
// valid for the event.
func (f Filter) Check(ev *Event) error {
	switch {
	case f.User != "" && len(f.Seats) > 0:
		return invalid("a roster is of a user or of seats, not of both")
	case f.User != "":
		return f.User.Check()
	case len(f.Seats) > 0:
		_, err := ev.Positions(nil, &Op{Kind: KindUnblock, Seats: f.Seats})
		return err
	}
	return nil
}

// A Holding is a seat that is not available, with its user.
type Holding struct {
	Seat    SeatID
	Status  Status    // Locked, Booked or Blocked
	User    UserID    // "" if the seat is blocked
	Ref     Ref       // the booking's reference, or why the seat is blocked
	Since   time.Time // when it was locked, booked or blocked; zero if the store does not know
	Expires time.Time // when the lock ends; zero unless Status is Locked
}

// A Seq marks a place in the journal of one event. Like a [Version] it is opaque:
// 1 to [MaxIDLen] letters, digits, '_', '.' and '-', which only the store that
// made it can read. The empty Seq precedes the first entry.
type Seq string

// Check returns an [*InvalidError] unless the Seq is empty or has the form of one
// that a store made.
func (s Seq) Check() error {
	if s != "" && !plain(string(s), "_.-") {
		return invalid("a place in the journal is what an earlier call gave, not %s", quote(string(s)))
	}
	return nil
}

// MaxEntries is the most entries that one call of Journal returns.
const MaxEntries = 1000

// CheckJournal returns an [*InvalidError] unless a call of Journal may have these
// arguments.
func CheckJournal(after Seq, limit int) error {
	if limit < 1 || limit > MaxEntries {
		return invalid("a page of the journal has 1 to %d entries, not %d", MaxEntries, limit)
	}
	return after.Check()
}

// An Entry is one operation in the journal of an event.
type Entry struct {
	// ID is different for every entry of every event. A reader that starts over
	// after [ErrJournalReset] recognizes by it the entries that it has seen before.
	ID string

	Seq   Seq
	Kind  Kind
	Seats []SeatID  // what changed; for a move, the seats that were given up
	To    []SeatID  // the new seats of a move, in the order of Seats
	User  UserID    // of the operation, which need not name one
	Ref   Ref       // of the operation
	By    string    // of the operation
	Time  time.Time // of the store's clock when it carried out the operation
}
