package lockstore

import (
	"fmt"
	"time"
)

// A Status is the state of a seat at one moment.
type Status uint8

// A seat is available, locked until some time, booked, or blocked, which means not
// for sale.
const (
	Available Status = iota
	Locked
	Booked
	Blocked
)

var statuses = [...]string{Available: "available", Locked: "locked", Booked: "booked", Blocked: "blocked"}

// String returns the status as the API writes it, such as available.
func (s Status) String() string {
	if int(s) >= len(statuses) {
		return fmt.Sprintf("Status(%d)", uint8(s))
	}
	return statuses[s]
}

// MarshalText implements [encoding.TextMarshaler] with the name of the status.
func (s Status) MarshalText() ([]byte, error) {
	if int(s) >= len(statuses) {
		return nil, fmt.Errorf("lockstore: there is no status %d", uint8(s))
	}
	return []byte(statuses[s]), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler]. The text must be
// available, locked, booked or blocked.
func (s *Status) UnmarshalText(text []byte) error {
	for i, name := range statuses {
		if string(text) == name {
			*s = Status(i)
			return nil
		}
	}
	return invalid("a status is available, locked, booked or blocked, not %s", quote(string(text)))
}

// A Seat is the public state of a seat. It does not include the seat's user.
type Seat struct {
	ID      SeatID
	Status  Status
	Expires time.Time // when the lock ends, on the store's clock; zero unless Status is Locked
}

// A Snapshot is the state of an event's seats, or of those that have changed, at
// one moment.
type Snapshot struct {
	// Version is the event's Version at that moment. List and Wait continue from it.
	Version Version

	// Full reports whether Seats is complete: every seat that is not available.
	// Otherwise Seats is a delta: every seat that has changed since the Version
	// that was asked for, seats that became Available included.
	Full bool

	// Now is the store's clock when the list was taken, in Unix milliseconds. A
	// lock whose end is not after Now is listed as Available.
	Now int64

	// Seats is in the order of the layout, each seat at most once.
	Seats []ListedSeat
}

// A ListedSeat is a seat in a [Snapshot].
type ListedSeat struct {
	Position int32 // in Layout.Seats
	Status   Status
	Expires  int64 // when the lock ends, in Unix milliseconds; 0 unless Status is Locked
}

// Listed returns the seat as a list taken at now shows it: with the status, but
// Available if status is Locked and until, the end of the lock, is not after now.
// Both times are in Unix milliseconds. until is ignored unless status is Locked.
func Listed(position int, status Status, until, now int64) ListedSeat {
	seat := ListedSeat{Position: int32(position), Status: status}
	if status == Locked {
		if until > now {
			seat.Expires = until
		} else {
			seat.Status = Available
		}
	}
	return seat
}

// Seat returns the listed seat with its id.
func (l *Layout) Seat(s ListedSeat) Seat {
	seat := Seat{ID: l.Seats[s.Position], Status: s.Status}
	if s.Status == Locked {
		seat.Expires = time.UnixMilli(s.Expires)
	}
	return seat
}
