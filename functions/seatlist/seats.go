package seatlist

import (
	"bytes"
	"math"
	"sync"
	"time"

	"seatlock/lockstore"
)

// blockSize is the number of seats that are rendered together: few enough that
// a change costs little, and enough that a large event is not many pieces.
const blockSize = 256

// seats is the state of every seat of an event at one version, without the locks
// that had expired at one time. It is immutable, except that it keeps what it has
// rendered.
type seats struct {
	ev             *lockstore.Event
	version        lockstore.Version
	moment         uint64   // counts the states of a feed: a later one has a higher moment
	blocks         []*block // blockSize seats each, the last fewer
	locked, booked int

	mu       sync.Mutex
	rendered pieces
}

// A block is consecutive seats.
type block struct {
	ids            []lockstore.SeatID
	until          []int64 // for each seat: 0 if it is available, forever if it is booked, else the end of its lock in Unix milliseconds
	locked, booked int
	nextEnd        int64 // of the lock that ends first; forever if there is none

	once sync.Once
	body []byte
}

// forever is the end of a booking.
const forever = math.MaxInt64

// newSeats returns the state in which every seat is available.
func newSeats(ev *lockstore.Event) *seats {
	s := &seats{ev: ev}
	for ids := ev.Seats; len(ids) > 0; {
		n := min(blockSize, len(ids))
		s.blocks = append(s.blocks, &block{ids: ids[:n], until: make([]int64, n), nextEnd: forever})
		ids = ids[n:]
	}
	return s
}

// with returns the state after the changes of a store's snapshot, without the
// locks that have expired by its time. The two states share blocks that are the
// same.
func (s *seats) with(snap lockstore.Snapshot) *seats {
	changed := make(map[int][]int64)
	edit := func(i int) []int64 {
		if changed[i] == nil {
			changed[i] = append([]int64(nil), s.blocks[i].until...)
		}
		return changed[i]
	}
	for _, seat := range snap.Seats {
		at := int(seat.Position)
		edit(at / blockSize)[at%blockSize] = until(seat)
	}
	now := snap.Now
	for i, b := range s.blocks {
		if b.nextEnd <= now {
			edit(i)
		}
	}
	if len(changed) == 0 && s.version == snap.Version {
		return s
	}

	next := &seats{ev: s.ev, version: snap.Version, moment: s.moment + 1, blocks: append([]*block(nil), s.blocks...), locked: s.locked, booked: s.booked}
	for i, until := range changed {
		old, b := s.blocks[i], newBlock(s.blocks[i].ids, until, now)
		next.blocks[i] = b
		next.locked += b.locked - old.locked
		next.booked += b.booked - old.booked
	}
	return next
}

func until(s lockstore.ListedSeat) int64 {
	switch s.Status {
	case lockstore.Booked:
		return forever
	case lockstore.Locked:
		return s.Expires
	}
	return 0
}

func newBlock(ids []lockstore.SeatID, until []int64, now int64) *block {
	b := &block{ids: ids, until: until, nextEnd: forever}
	for i, u := range until {
		switch {
		case u == forever:
			b.booked++
		case u > now:
			b.locked++
			b.nextEnd = min(b.nextEnd, u)
		default:
			until[i] = 0
		}
	}
	return b
}

// at returns the block of the seat at a position, and the seat's index in it.
func (s *seats) at(position int) (*block, int) {
	return s.blocks[position/blockSize], position % blockSize
}

// all renders every seat, in the order of the event. At first the blocks stay
// separate pieces, because joining them copies the whole list at every change.
// They are joined when the same state is rendered again.
func (s *seats) all() pieces {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &s.rendered
	switch len(r.list) {
	case 0:
		r.list = make([][]byte, len(s.blocks))
		r.length = len(s.blocks) - 1
		for i, b := range s.blocks {
			r.list[i] = b.all()
			r.length += len(r.list[i])
		}
	case 1:
	default:
		r.list = [][]byte{bytes.Join(r.list, []byte(","))}
	}
	return *r
}

func (b *block) all() []byte {
	b.once.Do(func() {
		body := make([]byte, 0, len(b.ids)*48+b.locked*48)
		for i := range b.ids {
			if i > 0 {
				body = append(body, ',')
			}
			body = b.appendSeat(body, i)
		}
		b.body = body
	})
	return b.body
}

// appendSeat renders one seat. JSON needs no escapes in a seat id.
func (b *block) appendSeat(dst []byte, i int) []byte {
	dst = append(dst, `{"seatId":"`...)
	dst = append(dst, b.ids[i]...)
	dst = append(dst, `","status":"`...)
	dst = append(dst, b.status(i).String()...)
	if u := b.until[i]; u != 0 && u != forever {
		dst = append(dst, `","expiresAt":"`...)
		dst = AppendTime(dst, u)
	}
	return append(dst, `"}`...)
}

func (b *block) status(i int) lockstore.Status {
	switch b.until[i] {
	case 0:
		return lockstore.Available
	case forever:
		return lockstore.Booked
	}
	return lockstore.Locked
}

// AppendTime appends Unix milliseconds as the API shows times: RFC 3339 in UTC.
func AppendTime(dst []byte, ms int64) []byte {
	return time.UnixMilli(ms).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
}
