package booking

import (
	"bytes"
	"math"
	"sync"
	"time"

	"seatlock/lockstore"
)

// blockSize is how many seats are rendered together: few enough that a change
// costs little, enough that a large house is not many pieces.
const blockSize = 256

// A page is the state of every seat at one version, and at one time as far as
// running out goes. It is immutable, but for what it renders when first asked.
type page struct {
	ev             *lockstore.Event
	version        lockstore.Version
	moment         uint64   // counts the pages of a board: a later one has a higher
	blocks         []*block // blockSize seats each, the last fewer
	locked, booked int

	mu       sync.Mutex
	rendered seatsJSON
}

// seatsJSON is a list of seats in JSON, without its brackets: the pieces, with
// commas between them, and how long that is.
type seatsJSON struct {
	pieces [][]byte
	length int
}

// A block is some seats in a row of a page.
type block struct {
	seats          []lockstore.SeatID
	until          []int64 // per seat: 0 is available, booked, or when the lock ends in Unix ms
	locked, booked int
	nextEnd        int64 // when the first of the locks ends; booked if there is none

	once sync.Once
	body []byte
}

// booked stands for a time that never comes.
const booked = math.MaxInt64

// newPage is a page of available seats, at no version.
func newPage(ev *lockstore.Event) *page {
	p := &page{ev: ev}
	for seats := ev.Seats; len(seats) > 0; {
		n := min(blockSize, len(seats))
		p.blocks = append(p.blocks, &block{seats: seats[:n], until: make([]int64, n), nextEnd: booked})
		seats = seats[n:]
	}
	return p
}

// with returns the page after the snapshot: its seats as they are there, and
// locks that have run out by its time gone. Blocks without a change are shared.
func (p *page) with(snap lockstore.Snapshot) *page {
	changed := make(map[int][]int64)
	edit := func(i int) []int64 {
		if changed[i] == nil {
			changed[i] = append([]int64(nil), p.blocks[i].until...)
		}
		return changed[i]
	}
	for _, s := range snap.Seats {
		if at, ok := p.ev.Position(s.ID); ok {
			edit(at / blockSize)[at%blockSize] = until(s)
		}
	}
	now := snap.Time.UnixMilli()
	for i, b := range p.blocks {
		if b.nextEnd <= now {
			edit(i)
		}
	}
	if len(changed) == 0 && p.version == snap.Version {
		return p
	}

	next := &page{ev: p.ev, version: snap.Version, moment: p.moment + 1, blocks: append([]*block(nil), p.blocks...), locked: p.locked, booked: p.booked}
	for i, until := range changed {
		old, b := p.blocks[i], newBlock(p.blocks[i].seats, until, now)
		next.blocks[i] = b
		next.locked += b.locked - old.locked
		next.booked += b.booked - old.booked
	}
	return next
}

func newBlock(seats []lockstore.SeatID, until []int64, now int64) *block {
	b := &block{seats: seats, until: until, nextEnd: booked}
	for i, u := range until {
		switch {
		case u == booked:
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

func until(s lockstore.Seat) int64 {
	switch s.Status {
	case lockstore.Booked:
		return booked
	case lockstore.Locked:
		return s.Expires.UnixMilli()
	}
	return 0
}

// seat returns the block and the place in it of the seat at a position.
func (p *page) seat(at int) (*block, int) { return p.blocks[at/blockSize], at % blockSize }

// all renders every seat, in seat map order. The first time, the pieces stay
// apart, since joining would copy the whole list for every change; a page that
// is asked for again is worth it.
func (p *page) all() seatsJSON {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &p.rendered
	switch len(r.pieces) {
	case 0:
		r.pieces = make([][]byte, len(p.blocks))
		r.length = len(p.blocks) - 1
		for i, b := range p.blocks {
			r.pieces[i] = b.all()
			r.length += len(r.pieces[i])
		}
	case 1:
	default:
		r.pieces = [][]byte{bytes.Join(r.pieces, []byte(","))}
	}
	return *r
}

func (b *block) all() []byte {
	b.once.Do(func() {
		body := make([]byte, 0, len(b.seats)*48+b.locked*48)
		for i := range b.seats {
			if i > 0 {
				body = append(body, ',')
			}
			body = b.appendSeat(body, i)
		}
		b.body = body
	})
	return b.body
}

// appendSeat renders one seat. Ids consist of characters that JSON takes as
// they are.
func (b *block) appendSeat(dst []byte, i int) []byte {
	dst = append(dst, `{"seatId":"`...)
	dst = append(dst, b.seats[i]...)
	dst = append(dst, `","status":"`...)
	dst = append(dst, b.status(i)...)
	if u := b.until[i]; u != 0 && u != booked {
		dst = append(dst, `","expiresAt":"`...)
		dst = time.UnixMilli(u).UTC().AppendFormat(dst, timeFormat)
	}
	return append(dst, `"}`...)
}

func (b *block) status(i int) lockstore.Status {
	switch b.until[i] {
	case 0:
		return lockstore.Available
	case booked:
		return lockstore.Booked
	}
	return lockstore.Locked
}
