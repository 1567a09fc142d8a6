package lockstore

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"
)

// A SeatID names a seat within its event: 1 to [MaxIDLen] bytes of printable
// UTF-8 without any of " ' ` \ < > & and without a space at either end. A store
// compares it byte for byte.
type SeatID string

// Check returns an [*InvalidError] unless the id is valid.
func (id SeatID) Check() error {
	s := string(id)
	if len(s) == 0 || len(s) > MaxIDLen || !printable(s) || strings.ContainsAny(s, "\"'`\\<>&") || strings.TrimSpace(s) != s {
		return invalid("a seat id is 1 to %d bytes of printable UTF-8 without any of \" ' ` \\ < > & and without a space at either end, not %s", MaxIDLen, quote(s))
	}
	return nil
}

// A Layout is the seats of an event in the order of its seat map. Any number of
// events may share it.
type Layout struct {
	// Seats are the ids in order. A seat is identified by its id; lists refer to it
	// by its position. The slice must not be changed.
	Seats []SeatID

	position    map[SeatID]int32
	fingerprint string
}

// NewLayout returns the layout of the seats, which it copies. It returns an
// [*InvalidError] unless there is at least one seat and the ids are valid and all
// different.
func NewLayout(seats []SeatID) (*Layout, error) {
	if len(seats) == 0 {
		return nil, invalid("the layout has no seats")
	}
	l := &Layout{Seats: slices.Clone(seats), position: make(map[SeatID]int32, len(seats))}
	hash := sha256.New()
	for i, seat := range l.Seats {
		if err := seat.Check(); err != nil {
			return nil, err
		}
		if first, twice := l.position[seat]; twice {
			return nil, invalid("seat %s is listed twice, as number %d and number %d", seat, first+1, i+1)
		}
		l.position[seat] = int32(i)
		io.WriteString(hash, string(seat)+"\n") // a hash accepts every write
	}
	l.fingerprint = hex.EncodeToString(hash.Sum(nil))
	return l, nil
}

// Fingerprint identifies the seats and their order: two layouts are equal exactly
// when their fingerprints are. It is 64 hexadecimal digits.
func (l *Layout) Fingerprint() string { return l.fingerprint }

// Position returns the seat's index in l.Seats and reports whether the seat is there.
func (l *Layout) Position(seat SeatID) (int, bool) {
	i, ok := l.position[seat]
	return int(i), ok
}
