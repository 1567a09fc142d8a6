package boltstore

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/engine"
)

// A record of a seat is text with a line for each user that the seat remembers. Times
// are in milliseconds since 1970:
//
//	B<since> <user>          the user booked it
//	B<since>:<ref> <user>    the same, with a reference
//	L<since>-<until> <user>  the user locked it; if until is past, the lock has expired
//	N<since>:<reason>        it is not for sale; the reason may be empty
//	X<until> <user>          a lock of an earlier user, which has expired
//
// The first line is of the last user, and is empty if that user gave the seat back. At
// most [lockstore.MinSeatLapses] lines of earlier users follow, the latest last. A file of
// an earlier version may have more, of which only the last are read.

// A seatRecord is a record as it was read. Its times are times of day.
type seatRecord engine.SeatState

// record returns the record of a seat.
func (w wallClock) record(seat engine.SeatState) []byte {
	var b []byte
	switch {
	case seat.Blocked:
		b = fmt.Appendf(b, "N%d:%s", w.toWall(seat.Since), seat.Ref)
	case seat.User == "":
	case seat.Booked && seat.Ref != "":
		b = fmt.Appendf(b, "B%d:%s %s", w.toWall(seat.Since), seat.Ref, seat.User)
	case seat.Booked:
		b = fmt.Appendf(b, "B%d %s", w.toWall(seat.Since), seat.User)
	default:
		b = fmt.Appendf(b, "L%d-%d %s", w.toWall(seat.Since), w.toWall(seat.Expires), seat.User)
	}
	for _, e := range seat.Expired {
		b = fmt.Appendf(b, "\nX%d %s", w.toWall(e.Expires), e.User)
	}
	return b
}

// onClock returns the seat with times on the store's clock. If the time of day was set
// back since the record was written, a lock lasts no longer than its original length, and
// a lock that had expired has still expired.
func (w wallClock) onClock(r seatRecord) engine.SeatState {
	seat := engine.SeatState(r)
	if seat.User != "" || seat.Blocked {
		seat.Since = min(w.fromWall(r.Since), w.now)
	}
	if seat.User != "" && !seat.Booked {
		seat.Expires = min(w.fromWall(r.Expires), w.now+r.Expires-r.Since)
	}
	seat.Expired = slices.Clone(seat.Expired)
	for i, e := range seat.Expired {
		seat.Expired[i].Expires = min(w.fromWall(e.Expires), w.now)
	}
	return seat
}

var errRecord = errors.New("it has a record of another form")

// parseRecord parses a record.
func parseRecord(text []byte) (seatRecord, error) {
	var r seatRecord
	for i, line := range strings.Split(string(text), "\n") {
		var err error
		switch {
		case i > 0:
			err = r.parseExpired(line)
		case line != "":
			err = r.parseFirst(line)
		}
		if err != nil {
			return seatRecord{}, fmt.Errorf("%w: %q", errRecord, line)
		}
	}
	return r, nil
}

// parseFirst parses the first line of a record.
func (r *seatRecord) parseFirst(line string) (err error) {
	kind, rest := line[0], line[1:]
	if kind == 'N' {
		since, reason, ok := strings.Cut(rest, ":")
		if !ok {
			return errRecord
		}
		r.Blocked, r.Ref = true, lockstore.Ref(reason)
		r.Since, err = strconv.ParseInt(since, 10, 64)
		return err
	}
	numbers, user, ok := strings.Cut(rest, " ")
	if !ok || user == "" {
		return errRecord
	}
	r.User = lockstore.UserID(user)
	switch kind {
	case 'B':
		since, ref, _ := strings.Cut(numbers, ":")
		r.Booked, r.Ref = true, lockstore.Ref(ref)
		r.Since, err = strconv.ParseInt(since, 10, 64)
	case 'L':
		since, until, _ := strings.Cut(numbers, "-")
		r.Since, err = strconv.ParseInt(since, 10, 64)
		if err == nil {
			r.Expires, err = strconv.ParseInt(until, 10, 64)
		}
	default:
		err = errRecord
	}
	return err
}

// parseExpired parses a line of an earlier user.
func (r *seatRecord) parseExpired(line string) error {
	until, user, ok := strings.Cut(line, " ")
	if !ok || user == "" || until == "" || until[0] != 'X' {
		return errRecord
	}
	expires, err := strconv.ParseInt(until[1:], 10, 64)
	r.Expired = append(r.Expired, engine.ExpiredLock{User: lockstore.UserID(user), Expires: expires})
	return err
}
