package boltstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	"seatlock/lockstore"
)

// The buckets of the file.
var (
	// bucketHead has the version of the format and checksums: of the journal, of the
	// orders, and of what all other buckets contain.
	bucketHead = []byte("seatlock")
	keyFormat  = []byte("format")
	keySum     = []byte("sum")

	keyJournalSum = []byte("sum of journal")
	keyOrdersSum  = []byte("sum of orders")

	// bucketEvents has for each event's id "NUMBER REVISION\n" and the names of its
	// seats, a line each. The revision is that of its layout.
	bucketEvents = []byte("events")

	// bucketLog has the records that each of the latest transactions wrote: for each
	// record its key, its size (4 bytes) and its text. The key of an entry is the number
	// of the transaction (8 bytes) and, because an earlier version wrote an entry for
	// each record, the number of the entry (2 bytes). Records in the log share a page
	// or two. At its place, each record needs a page or two of its own.
	bucketLog = []byte("log")

	// bucketSeats has a record for every seat that was ever taken. A record in the log
	// is later than the one here.
	bucketSeats = []byte("seats")

	// bucketJournal has the entries of the journal: see entry.go.
	bucketJournal = []byte("journal")

	// bucketOrders has the orders. The two others are indexes of them: see order.go.
	bucketOrders   = []byte("orders")
	bucketOrdersOf = []byte("orders of events")
	bucketDue      = []byte("orders due")
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
// Several fit on a page. A value that is longer than a page needs consecutive pages, which
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

// formatOfFile is the version of the format. Format 1 had no revisions, no
// references, no journal and no orders. [Open] reads it and upgrades it to format 2.
const (
	formatOfFile = "2"
	formatBefore = "1"
)

// eventText returns the value of an event.
func eventText(number uint32, revision int, l *lockstore.Layout) []byte {
	return fmt.Appendf(nil, "%d %d\n%s", number, revision, joinSeats(l.Seats))
}

func joinSeats(seats []lockstore.SeatID) string {
	var b strings.Builder
	for _, seat := range seats {
		b.WriteString(string(seat))
		b.WriteByte('\n')
	}
	return b.String()
}

// splitSeats is the inverse of joinSeats.
func splitSeats(text string) []lockstore.SeatID {
	var seats []lockstore.SeatID
	for seat := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		seats = append(seats, lockstore.SeatID(seat))
	}
	return seats
}

// A storedEvent is the value of an event.
type storedEvent struct {
	number   uint32
	revision int
	seats    string // in the form of joinSeats
}

func parseEvent(text []byte) (storedEvent, error) {
	head, seats, ok := strings.Cut(string(text), "\n")
	number, revision, of2 := strings.Cut(head, " ")
	n, err := strconv.ParseUint(number, 10, 32)
	e := storedEvent{number: uint32(n), seats: seats}
	if of2 && err == nil {
		e.revision, err = strconv.Atoi(revision)
	}
	if !ok || err != nil {
		return storedEvent{}, fmt.Errorf("%w: its number is %q", ErrDamaged, head)
	}
	return e, nil
}

// digest returns what a key and its value contribute to the checksum, which is the
// exclusive or of all digests. Unlike a CRC it is not linear, so values that change places
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
