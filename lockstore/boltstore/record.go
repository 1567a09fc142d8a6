package boltstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/engine"
)

// The buckets of the file.
var (
	// bucketHead has the version of the format and the checksum of what the other
	// buckets contain.
	bucketHead = []byte("seatlock")
	keyFormat  = []byte("format")
	keySum     = []byte("sum")

	// bucketEvents has for each event's id "NUMBER\n" and the names of its seats, a
	// line each.
	bucketEvents = []byte("events")

	// bucketLog has the records that each of the latest transactions wrote: for each
	// record its key, its size (4 bytes) and its text. The key of an entry is the number
	// of the transaction (8 bytes) and, since an earlier version wrote one entry for
	// each, the number of the entry (2 bytes). Records that are written here share a page
	// or two. At their places, each needs a page or two.
	bucketLog = []byte("log")

	// bucketSeats has a record for every seat that was ever taken. A record in the log
	// is later than the one here.
	bucketSeats = []byte("seats")
)

// A seatKey is an event's number and a seat's position, the highest byte first.
type seatKey [8]byte

func keyOf(event uint32, position int) (key seatKey) {
	binary.BigEndian.PutUint32(key[:4], event)
	binary.BigEndian.PutUint32(key[4:], uint32(position))
	return key
}

func (k seatKey) event() uint32 { return binary.BigEndian.Uint32(k[:4]) }
func (k seatKey) position() int { return int(binary.BigEndian.Uint32(k[4:])) }

// records are the records of seats, as text.
type records map[seatKey][]byte

// keys returns the keys in ascending order.
func (r records) keys() []seatKey {
	return slices.SortedFunc(maps.Keys(r), func(a, b seatKey) int { return bytes.Compare(a[:], b[:]) })
}

// copyTo adds the records to others, by event.
func (r records) copyTo(byEvent map[uint32]records) {
	for key, text := range r {
		of := byEvent[key.event()]
		if of == nil {
			of = make(records)
			byEvent[key.event()] = of
		}
		of[key] = text
	}
}

// maxEntry is the number of bytes of an entry of the log that has more than one record.
// Several fit on a page. A value that is longer than a page needs pages in a row, which
// become rare in a file that is in use, so the file would grow.
const maxEntry = 1000

// logEntries returns the records as entries of the log.
func logEntries(r records) (entries [][]byte) {
	var b []byte
	for _, key := range r.keys() {
		if size := len(key) + 4 + len(r[key]); len(b) > 0 && len(b)+size > maxEntry {
			entries, b = append(entries, b), nil
		}
		b = append(b, key[:]...)
		b = binary.BigEndian.AppendUint32(b, uint32(len(r[key])))
		b = append(b, r[key]...)
	}
	return append(entries, b)
}

// logKey returns the key of one of a transaction's entries of the log.
func logKey(tx, entry int) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint64(nil, uint64(tx)), uint16(entry))
}

// parseLogEntry adds the records of an entry of the log to r.
func parseLogEntry(b []byte, r records) error {
	for len(b) > 0 {
		if len(b) < len(seatKey{})+4 {
			return errRecord
		}
		key := seatKey(b)
		size := len(key) + 4 + int(binary.BigEndian.Uint32(b[len(key):]))
		if len(b) < size {
			return errRecord
		}
		r[key] = bytes.Clone(b[len(key)+4 : size])
		b = b[size:]
	}
	return nil
}

// formatOfFile is the version of the format.
const formatOfFile = "1"

// eventText returns the value of an event.
func eventText(number uint32, l *lockstore.Layout) []byte {
	return []byte(strconv.FormatUint(uint64(number), 10) + "\n" + joinSeats(l.Seats))
}

func joinSeats(seats []lockstore.SeatID) string {
	var b strings.Builder
	for _, seat := range seats {
		b.WriteString(string(seat))
		b.WriteByte('\n')
	}
	return b.String()
}

func parseEvent(text []byte) (number uint32, seats string, err error) {
	head, seats, ok := strings.Cut(string(text), "\n")
	n, err := strconv.ParseUint(head, 10, 32)
	if !ok || err != nil {
		return 0, "", fmt.Errorf("%w: its number is %q", ErrDamaged, head)
	}
	return uint32(n), seats, nil
}

// A record of a seat is text with a line for each user that the seat remembers. Times
// are in milliseconds since 1970:
//
//	B<since> <user>          the user booked it
//	L<since>-<until> <user>  the user locked it; if until is past, the lock has expired
//	X<until> <user>          a lock of an earlier user, which has expired
//
// The first line is of the last user, and is empty if that user released the seat. At
// most [lockstore.MinSeatLapses] lines of earlier users follow, the latest last. A file of
// an earlier version may have more, of which the last are read.

// A seatRecord is a record as it was read. Its times are times of day.
type seatRecord struct {
	seat  engine.SeatState
	since int64 // when the seat was last locked or booked
}

// record returns the record of a seat that was last changed at a time on the store's
// clock.
func (w wallClock) record(seat engine.SeatState, changed int64) []byte {
	var b []byte
	switch {
	case seat.User == "":
	case seat.Booked:
		b = fmt.Appendf(b, "B%d %s", w.toWall(changed), seat.User)
	default:
		b = fmt.Appendf(b, "L%d-%d %s", w.toWall(changed), w.toWall(seat.Expires), seat.User)
	}
	for _, e := range seat.Expired {
		b = fmt.Appendf(b, "\nX%d %s", w.toWall(e.Expires), e.User)
	}
	return b
}

// onClock returns the seat with times on the store's clock. If the time of day was set
// back since the record was written, a lock gets no longer than it was at first, and a
// lock that had expired has still expired.
func (w wallClock) onClock(r seatRecord) engine.SeatState {
	seat := r.seat
	if seat.User != "" && !seat.Booked {
		seat.Expires = min(w.fromWall(r.seat.Expires), w.now+r.seat.Expires-r.since)
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
	for i, line := range bytes.Split(text, []byte("\n")) {
		if i == 0 && len(line) == 0 {
			continue
		}
		head, user, ok := strings.Cut(string(line), " ")
		if !ok || head == "" || user == "" {
			return seatRecord{}, errRecord
		}
		var err error
		kind, numbers := head[0], head[1:]
		switch {
		case i == 0 && kind == 'B':
			r.since, err = strconv.ParseInt(numbers, 10, 64)
			r.seat.User, r.seat.Booked = lockstore.UserID(user), true
		case i == 0 && kind == 'L':
			from, to, _ := strings.Cut(numbers, "-")
			r.since, err = strconv.ParseInt(from, 10, 64)
			if err == nil {
				r.seat.Expires, err = strconv.ParseInt(to, 10, 64)
			}
			r.seat.User = lockstore.UserID(user)
		case i > 0 && kind == 'X':
			e := engine.ExpiredLock{User: lockstore.UserID(user)}
			e.Expires, err = strconv.ParseInt(numbers, 10, 64)
			r.seat.Expired = append(r.seat.Expired, e)
		default:
			err = errRecord
		}
		if err != nil {
			return seatRecord{}, fmt.Errorf("%w: %q", errRecord, line)
		}
	}
	return r, nil
}

// digest returns what a key and its value contribute to the checksum, which is the
// exclusive or of all digests. It is not linear as a CRC is, so values that change places
// do not cancel out.
func digest(bucket, key, value []byte) uint64 {
	h := fnv.New64a()
	var size [2]byte
	binary.BigEndian.PutUint16(size[:], uint16(len(key)))
	for _, part := range [][]byte{bucket, size[:], key, value} {
		h.Write(part) // a hash takes every write
	}
	return h.Sum64()
}

func formatSum(sum uint64) []byte { return fmt.Appendf(nil, "%016x", sum) }
