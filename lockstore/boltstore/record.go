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
	"time"

	"seatlock/lockstore"
)

// The file has four buckets.
var (
	// bucketHead has the version of what is written here, and the sum of all
	// that the others hold.
	bucketHead = []byte("seatlock")
	keyFormat  = []byte("format")
	keySum     = []byte("sum")

	// bucketEvents has for each event's id "NUMBER\n" and the names of its
	// seats, a line each.
	bucketEvents = []byte("events")

	// bucketLog has for each of the latest transactions, by its number, the
	// records that it made: the key of each, its size (4 bytes) and itself. To
	// write them where they belong would be a page or two for each, to write them
	// here is a page or two for all.
	bucketLog = []byte("log")

	// bucketSeats has a record for every seat that anybody ever had, but for
	// what is in the log, which goes before it.
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

// records are of seats, as text.
type records map[seatKey][]byte

// keys are in ascending order.
func (r records) keys() []seatKey {
	return slices.SortedFunc(maps.Keys(r), func(a, b seatKey) int { return bytes.Compare(a[:], b[:]) })
}

// copyTo puts the records to others, by event.
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

// logEntry is what the log has of records.
func logEntry(r records) []byte {
	var b []byte
	for _, key := range r.keys() {
		b = append(b, key[:]...)
		b = binary.BigEndian.AppendUint32(b, uint32(len(r[key])))
		b = append(b, r[key]...)
	}
	return b
}

// parseLogEntry puts the records of the log to others.
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

// formatOfFile is the version of what is written here.
const formatOfFile = "1"

// eventText is the value of an event.
func eventText(number uint32, ev *lockstore.Event) []byte {
	return []byte(strconv.FormatUint(uint64(number), 10) + "\n" + joinSeats(ev.Seats))
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

// A record of a seat is text, a line for each user that the seat is about; all
// times are ms since 1970:
//
//	B<since> <user>          booked
//	L<since>-<until> <user>  locked; if until is past, a lock that ran out
//	X<until> <user>          the lock of an earlier user ran out
//
// The first is of who has the seat or last had it, and is empty if the seat was
// released since.

// record renders what is known of a seat that was last changed at that reading.
func record(h lockstore.Holding, changed time.Duration, d dial) []byte {
	var b []byte
	switch {
	case h.User == "":
	case h.Booked:
		b = fmt.Appendf(b, "B%d %s", d.millis(changed), h.User)
	default:
		b = fmt.Appendf(b, "L%d-%d %s", d.millis(changed), d.millis(h.Expires), h.User)
	}
	for _, l := range h.Lapses {
		b = fmt.Appendf(b, "\nX%d %s", d.millis(l.Expires), l.User)
	}
	return b
}

var errRecord = errors.New("a record that makes no sense")

// parseRecord reads a record. The lock of a clock that was set back is no
// longer than it was when it was made.
func parseRecord(text []byte, d dial) (h lockstore.Holding, since int64, err error) {
	for i, line := range bytes.Split(text, []byte("\n")) {
		if i == 0 && len(line) == 0 {
			continue
		}
		head, user, ok := strings.Cut(string(line), " ")
		if !ok || head == "" || user == "" {
			return h, 0, errRecord
		}
		var until int64
		kind, numbers := head[0], head[1:]
		switch {
		case i == 0 && kind == 'B':
			since, err = strconv.ParseInt(numbers, 10, 64)
			h.User, h.Booked = lockstore.UserID(user), true
		case i == 0 && kind == 'L':
			from, to, _ := strings.Cut(numbers, "-")
			since, err = strconv.ParseInt(from, 10, 64)
			if err == nil {
				until, err = strconv.ParseInt(to, 10, 64)
			}
			h.User = lockstore.UserID(user)
			h.Expires = min(d.reading(until), d.now+time.Duration(until-since)*time.Millisecond)
		case i > 0 && kind == 'X':
			until, err = strconv.ParseInt(numbers, 10, 64)
			h.Lapses = append(h.Lapses, lockstore.Lapse{User: lockstore.UserID(user), Expires: min(d.reading(until), d.now)})
		default:
			err = errRecord
		}
		if err != nil {
			return h, 0, fmt.Errorf("%w: %q", errRecord, line)
		}
	}
	return h, since, nil
}

// digest is what a key and its value put to the sum, which is the exclusive or
// of all. It is not linear as a CRC is, so exchanged values do not cancel out.
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
