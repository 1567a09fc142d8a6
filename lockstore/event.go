package lockstore

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// An EventID names an event: 1 to 64 letters, digits, '_', '.' and '-'.
type EventID string

// A SeatID names a seat within its event: 1 to 64 letters, digits, '_', '.',
// ':' and '-'.
type SeatID string

// MaxLockTTL is the longest that a lock may last.
const MaxLockTTL = 30 * 24 * time.Hour

// An Event is what seats are sold for. It is immutable once made; [NewEvent]
// is the only way to make one that a store accepts.
type Event struct {
	ID        EventID
	Seats     []SeatID      // in the order of the seat map; a seat's name is its identity, its position only a hint for listing
	LockTTL   time.Duration // how long a lock lasts, in whole milliseconds
	SeatLimit int           // the most seats one user may have locked and booked together; 0 is no limit

	position    map[SeatID]int
	fingerprint string
}

// NewEvent checks and makes an event: ids of the allowed characters, at least
// one seat and no seat twice, a lockTTL from 1 ms to [MaxLockTTL] (cut to
// whole milliseconds), and a seatLimit that is not negative. It copies seats.
func NewEvent(id EventID, seats []SeatID, lockTTL time.Duration, seatLimit int) (*Event, error) {
	if err := id.Check(); err != nil {
		return nil, err
	}
	if lockTTL < time.Millisecond || lockTTL > MaxLockTTL {
		return nil, invalid("event %s: a lock lasts from 1ms to %v, not %v", id, MaxLockTTL, lockTTL)
	}
	if seatLimit < 0 {
		return nil, invalid("event %s: the seat limit is a number of seats, or 0 for none, not %d", id, seatLimit)
	}
	if len(seats) == 0 {
		return nil, invalid("event %s: it has no seats", id)
	}
	ev := &Event{
		ID:        id,
		Seats:     slices.Clone(seats),
		LockTTL:   lockTTL.Truncate(time.Millisecond),
		SeatLimit: seatLimit,
		position:  make(map[SeatID]int, len(seats)),
	}
	hash := sha256.New()
	for i, seat := range ev.Seats {
		if err := seat.Check(); err != nil {
			return nil, err
		}
		if first, twice := ev.position[seat]; twice {
			return nil, invalid("event %s: seat %s is there twice, as number %d and number %d", id, seat, first+1, i+1)
		}
		ev.position[seat] = i
		io.WriteString(hash, string(seat)+"\n") // a hash takes every write
	}
	ev.fingerprint = hex.EncodeToString(hash.Sum(nil))
	return ev, nil
}

// Fingerprint identifies the seats and their order: two events are laid out
// alike exactly when their fingerprints are equal. It is 64 hexadecimal digits.
func (ev *Event) Fingerprint() string { return ev.fingerprint }

// Position returns where the seat is in ev.Seats, and whether it is there.
func (ev *Event) Position(seat SeatID) (int, bool) {
	i, ok := ev.position[seat]
	return i, ok
}

// Positions checks the arguments of a store's Lock, Confirm or Release and
// appends the position of each seat to dst. The error is an [*InvalidError]
// or an [*UnknownSeatsError], which names every unknown seat.
func (ev *Event) Positions(dst []int, seats []SeatID, user UserID) ([]int, error) {
	if err := user.Check(); err != nil {
		return nil, err
	}
	if len(seats) == 0 {
		return nil, invalid("no seat is named")
	}
	if len(seats) > MaxSeats {
		return nil, invalid("%d seats are named; one call takes at most %d", len(seats), MaxSeats)
	}
	start := len(dst)
	for i, seat := range seats {
		at, ok := ev.position[seat]
		if !ok {
			return nil, ev.unknown(seats[i:])
		}
		if slices.Contains(dst[start:], at) {
			return nil, invalid("seat %s is named twice", seat)
		}
		dst = append(dst, at)
	}
	return dst, nil
}

func (ev *Event) unknown(seats []SeatID) error {
	e := &UnknownSeatsError{Event: ev.ID}
	for _, seat := range seats {
		if _, ok := ev.position[seat]; !ok && !slices.Contains(e.Seats, seat) {
			e.Seats = append(e.Seats, seat)
		}
	}
	return e
}

// MaxIDLen is the length in bytes of the longest [EventID], [SeatID] and [Version].
const MaxIDLen = 64

// Check returns an [*InvalidError] unless the id is one.
func (id EventID) Check() error {
	if !plain(string(id), "_.-") {
		return invalid("an event id is 1 to %d letters, digits, '_', '.' and '-', not %s", MaxIDLen, quote(string(id)))
	}
	return nil
}

// Check returns an [*InvalidError] unless the id is one.
func (id SeatID) Check() error {
	if !plain(string(id), "_.:-") {
		return invalid("a seat id is 1 to %d letters, digits, '_', '.', ':' and '-', not %s", MaxIDLen, quote(string(id)))
	}
	return nil
}

// MaxUserLen is the length in bytes of the longest [UserID].
const MaxUserLen = 128

// Check returns an [*InvalidError] unless the id is one.
func (id UserID) Check() error {
	if len(id) == 0 || len(id) > MaxUserLen || !utf8.ValidString(string(id)) {
		return invalid("a user id is 1 to %d bytes of printable UTF-8, not %s", MaxUserLen, quote(string(id)))
	}
	for _, r := range string(id) {
		if !unicode.IsPrint(r) {
			return invalid("a user id is 1 to %d bytes of printable UTF-8, not %s", MaxUserLen, quote(string(id)))
		}
	}
	return nil
}

// Check returns an [*InvalidError] unless the version is empty or one that a
// store could have made.
func (v Version) Check() error {
	if v != "" && !plain(string(v), "_.-") {
		return invalid("a version is what an earlier list gave, not %s", quote(string(v)))
	}
	return nil
}

func plain(id string, marks string) bool {
	if len(id) == 0 || len(id) > MaxIDLen {
		return false
	}
	for i := range len(id) {
		c := id[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		default:
			if strings.IndexByte(marks, c) < 0 {
				return false
			}
		}
	}
	return true
}

// quote shows a refused id without letting it flood or forge an error message.
func quote(id string) string {
	const most = 80
	if len(id) > most {
		return fmt.Sprintf("%+q… (%d bytes)", id[:most], len(id))
	}
	return fmt.Sprintf("%+q", id)
}
