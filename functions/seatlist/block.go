package seatlist

import (
	"math"
	"sync"
	"time"

	"seatlock/lockstore"
)

const (
	// blockSize is the number of seats that are rendered and compressed together: few
	// enough that a change costs little, and enough that a large event does not consist
	// of too many pieces.
	blockSize = 256

	// seatLen is the approximate length of a seat in JSON.
	seatLen = 64

	// forever is the end of a booking, and untilUnblocked that of a block. Both are
	// later than the end of any lock.
	forever        = math.MaxInt64
	untilUnblocked = forever - 1
)

// A seat is the state of a seat in a block.
type seat struct {
	until   int64  // the end of its lock in Unix milliseconds, or 0, forever or untilUnblocked
	changed uint64 // the moment of the last change, not counting the end of a lock
}

// A block is a run of consecutive seats. It is immutable, except that it keeps what it
// has rendered.
type block struct {
	ids     []lockstore.SeatID // of the seats that lists show: all, or the first ones
	seats   []seat
	counts  tally
	nextEnd int64  // the earliest end of a lock; forever if there is none
	changed uint64 // the moment of the last change

	once [statuses + 1]sync.Once
	kept [statuses + 1]piece // by status; the last one has all seats
}

// untouched are the seats of every block without changes, so that an event takes memory
// only for blocks with changes. It must not be written to.
var untouched [blockSize]seat

// statuses is the number of statuses that a seat can have.
const statuses = int(lockstore.Blocked) + 1

// newBlock returns a block of the seats, without the locks that have expired. It
// keeps the slices.
func newBlock(ids []lockstore.SeatID, seats []seat, now int64) *block {
	b := &block{ids: ids, seats: seats, nextEnd: forever}
	for i, s := range seats {
		b.changed = max(b.changed, s.changed)
		if s.until <= now && s.until > 0 {
			seats[i].until = 0
		}
		status := b.status(i)
		b.counts[status]++
		if status == lockstore.Locked {
			b.nextEnd = min(b.nextEnd, s.until)
		}
	}
	return b
}

func until(s lockstore.ListedSeat) int64 {
	switch s.Status {
	case lockstore.Booked:
		return forever
	case lockstore.Blocked:
		return untilUnblocked
	case lockstore.Locked:
		return s.Expires
	}
	return 0
}

// changes returns the number of seats of a list that changed after the moment.
func (b *block) changes(moment uint64) int {
	n := 0
	if b.changed > moment {
		for _, s := range b.seats[:len(b.ids)] {
			if s.changed > moment {
				n++
			}
		}
	}
	return n
}

func (b *block) all() *piece {
	return b.piece(statuses, func(int) bool { return true })
}

func (b *block) withStatus(status lockstore.Status) *piece {
	return b.piece(int(status), func(i int) bool { return b.status(i) == status })
}

// piece renders the seats for which has returns true, once for each kind.
func (b *block) piece(kind int, has func(i int) bool) *piece {
	b.once[kind].Do(func() {
		size := 0 // exact, since every block of a large event keeps its text
		for i := range b.ids {
			if has(i) {
				size += b.seatSize(i)
			}
		}
		if size > 0 {
			b.kept[kind].text = b.appendSeats(make([]byte, 0, size), has)
		}
	})
	return &b.kept[kind]
}

// seatSize returns the length of a seat in JSON with a comma before it.
func (b *block) seatSize(i int) int {
	n := len(`,{"seatId":"","status":""}`) + len(b.ids[i]) + len(b.status(i).String())
	if b.status(i) == lockstore.Locked {
		n += len(`","expiresAt":"2006-01-02T15:04:05.000Z`)
	}
	return n
}

// appendSeats renders seats, each with a comma before it.
func (b *block) appendSeats(dst []byte, has func(i int) bool) []byte {
	for i := range b.ids {
		if has(i) {
			dst = b.appendSeat(append(dst, ','), i)
		}
	}
	return dst
}

// appendSeat renders one seat. JSON needs no escapes in a seat id.
func (b *block) appendSeat(dst []byte, i int) []byte {
	dst = append(dst, `{"seatId":"`...)
	dst = append(dst, b.ids[i]...)
	dst = append(dst, `","status":"`...)
	dst = append(dst, b.status(i).String()...)
	if b.status(i) == lockstore.Locked {
		dst = append(dst, `","expiresAt":"`...)
		dst = AppendEnd(dst, b.seats[i].until)
	}
	return append(dst, `"}`...)
}

func (b *block) status(i int) lockstore.Status {
	switch b.seats[i].until {
	case 0:
		return lockstore.Available
	case forever:
		return lockstore.Booked
	case untilUnblocked:
		return lockstore.Blocked
	}
	return lockstore.Locked
}

// AppendEnd appends the end of a lock as everybody may see it: rounded up to a whole
// second, so that a program cannot take a seat in the very millisecond when it
// becomes free.
func AppendEnd(dst []byte, ms int64) []byte { return AppendTime(dst, (ms+999)/1000*1000) }

// AppendTime appends Unix milliseconds as the API shows times: RFC 3339 in UTC.
func AppendTime(dst []byte, ms int64) []byte {
	// Layouts other than RFC3339 take three times as long.
	dst = time.UnixMilli(ms).UTC().AppendFormat(dst, time.RFC3339)
	dst[len(dst)-1] = '.'
	ms = (ms%1000 + 1000) % 1000
	return append(dst, byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
}
