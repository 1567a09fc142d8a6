package seatlist

import (
	"io"
	"strconv"
	"sync"
	"time"

	"seatlock/lockstore"
)

// A List is seats of one event at one moment, rendered in the JSON of GET
// /seats. It is immutable.
type List struct {
	Version lockstore.Version // of the event
	Full    bool              // whether the list has every seat, or only those that changed

	// Moment orders the lists of one Feed: a list includes all changes in lists with a
	// lower Moment.
	Moment uint64

	// PlaceFree is the time from the list's moment until the first lock of an area's
	// place may end; 0 if no place is locked. Lists do not name these places, so a
	// client needs another list to learn that one is available again.
	PlaceFree time.Duration

	head  []byte // the JSON before the seats
	seats pieces
	len   int

	plain, gzip, framed rendering
}

// pieces are the seats of a list in JSON. The comma before the first seat is omitted
// when they are written.
type pieces []*piece

// A piece is some seats in JSON, each with a comma before it.
type piece struct {
	text     []byte
	once     sync.Once
	deflated deflated // set by once
}

// A rendering is created when it is first needed.
type rendering struct {
	once sync.Once
	body []byte
}

const (
	// tail is the JSON after the seats.
	tail = "]}\n"

	// joined is the length of the longest list that is kept in one piece. Longer ones
	// are not copied, so that lists which slow clients read share their pieces.
	joined = 32 << 10
)

// list returns the List of the seats, with the JSON before them. It has the counts of
// the categories that may have changed at the moment or later.
func (s *Snapshot) list(full bool, seats pieces, moment uint64) *List {
	head := make([]byte, 0, 256)
	head = append(head, `{"eventId":"`...)
	head = append(head, s.seats.ev.ID...)
	head = append(head, `","version":"`...)
	head = append(head, s.seats.version...)
	head = append(head, '"')
	if r := s.seats.ev.Revision; r > 0 {
		head = append(head, `,"revision":`...)
		head = strconv.AppendInt(head, int64(r), 10)
	}
	head = append(head, `,"full":`...)
	head = strconv.AppendBool(head, full)
	head = append(head, `,"serverTime":"`...)
	head = AppendTime(head, s.now)
	head = append(head, `","counts":{`...)
	head = s.seats.counts.append(head)
	head = append(head, '}')
	head = s.seats.appendParts(head, moment)
	head = append(head, `,"seats":[`...)
	l := &List{Version: s.seats.version, Full: full, Moment: s.seats.moment, head: head, seats: seats}
	if end := s.seats.placeEnd(); end < forever {
		l.PlaceFree = time.Duration(max(1, end-s.now)) * time.Millisecond
	}
	l.len = len(head) + len(tail)
	for _, p := range seats {
		l.len += len(p.text)
	}
	if len(seats) > 0 {
		l.len-- // without the first comma
	}
	return l
}

// Len returns the number of bytes that WriteTo writes.
func (l *List) Len() int { return l.len }

// WriteTo implements [io.WriterTo], except that it returns 0 with an error. It
// writes a short list at once and a long one in large pieces, or lets w read it with
// [List.Reader] if w is an [io.ReaderFrom].
func (l *List) WriteTo(w io.Writer) (int64, error) {
	if l.len <= joined {
		l.plain.once.Do(func() {
			l.plain.body = make([]byte, 0, l.len)
			l.pieces(func(p []byte) error {
				l.plain.body = append(l.plain.body, p...)
				return nil
			})
		})
		n, err := w.Write(l.plain.body)
		return int64(n), err
	}
	var err error
	if from, ok := w.(io.ReaderFrom); ok {
		_, err = from.ReadFrom(l.Reader())
	} else {
		err = l.pieces(func(p []byte) error {
			_, err := w.Write(p)
			return err
		})
	}
	if err != nil {
		return 0, err
	}
	return int64(l.len), nil
}

// A Reader reads a list once.
type Reader struct {
	list *List
	next int    // the piece after rest: 0 is the head, and the one after the seats the tail
	rest []byte // of the piece before
}

// Reader returns a Reader of the list, which does not copy it.
func (l *List) Reader() *Reader { return &Reader{list: l} }

// Next stores the next pieces of the list, as many as there is room for, and returns
// their number: 0 at the end. The caller must not change what is in them.
func (r *Reader) Next(pieces [][]byte) int {
	n := 0
	for n < len(pieces) && r.more() {
		pieces[n], r.rest = r.rest, nil
		n++
	}
	return n
}

// Read implements [io.Reader].
func (r *Reader) Read(p []byte) (int, error) {
	if !r.more() {
		return 0, io.EOF
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// more makes rest something to read, unless all was read.
func (r *Reader) more() bool {
	for len(r.rest) == 0 {
		seats := r.list.seats
		switch at := r.next - 1; {
		case at < 0:
			r.rest = r.list.head
		case at == 0 && len(seats) > 0:
			r.rest = seats[0].text[1:]
		case at < len(seats):
			r.rest = seats[at].text
		case at == len(seats):
			r.rest = []byte(tail)
		default:
			return false
		}
		r.next++
	}
	return true
}

// pieces calls do with one piece of the list after the other, until it fails.
func (l *List) pieces(do func([]byte) error) error {
	for r := l.Reader(); r.more(); r.rest = nil {
		if err := do(r.rest); err != nil {
			return err
		}
	}
	return nil
}
