package seatlist

import (
	"bufio"
	"io"
	"strconv"
	"sync"

	"seatlock/lockstore"
)

// A List is seats of one event at one moment, rendered in the JSON of GET
// /seats. It is immutable.
type List struct {
	Version lockstore.Version // of the event
	Full    bool              // whether the list has every seat, not only those that changed

	// Moment orders the lists of one Feed: a list knows everything that lists
	// with a lower Moment know.
	Moment uint64

	head  []byte // the JSON before the seats
	seats pieces
}

// pieces are seats in JSON, to be joined with commas.
type pieces struct {
	list   [][]byte
	length int // with the commas
}

func one(piece []byte) pieces { return pieces{[][]byte{piece}, len(piece)} }

// tail is the JSON after the seats.
const tail = "]}\n"

// list returns the List of the seats, with the JSON before them.
func (s Snapshot) list(full bool, seats pieces) *List {
	n := s.Counts()
	head := make([]byte, 0, 512)
	head = append(head, `{"eventId":"`...)
	head = append(head, s.seats.ev.ID...)
	head = append(head, `","version":"`...)
	head = append(head, s.seats.version...)
	head = append(head, `","full":`...)
	head = strconv.AppendBool(head, full)
	head = append(head, `,"serverTime":"`...)
	head = AppendTime(head, s.now)
	head = append(head, `","counts":{"available":`...)
	head = strconv.AppendInt(head, int64(n.Available), 10)
	head = append(head, `,"locked":`...)
	head = strconv.AppendInt(head, int64(n.Locked), 10)
	head = append(head, `,"booked":`...)
	head = strconv.AppendInt(head, int64(n.Booked), 10)
	head = append(head, `},"seats":[`...)
	return &List{s.seats.version, full, s.seats.moment, head, seats}
}

// Len returns the number of bytes that WriteTo writes.
func (l *List) Len() int { return len(l.head) + l.seats.length + len(tail) }

// WriteTo implements [io.WriterTo] in few large writes, except that it returns 0
// with an error.
func (l *List) WriteTo(w io.Writer) (int64, error) {
	b := buffers.Get().(*bufio.Writer)
	defer buffers.Put(b)
	b.Reset(w)
	defer b.Reset(nil)
	b.Write(l.head) // b keeps the first error, and Flush returns it
	for i, piece := range l.seats.list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(piece)
	}
	b.WriteString(tail)
	if err := b.Flush(); err != nil {
		return 0, err
	}
	return int64(l.Len()), nil
}

// buffers join the pieces of a list.
var buffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 64<<10) }}
