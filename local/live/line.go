package live

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/functions/booking"
)

const (
	// lineLength is how many stand in a line. They are woken together: few enough
	// that whoever locks a seat meanwhile is not kept waiting behind all of them.
	lineLength = 100

	// lineTime bounds how long the next line waits for half of this one. So it
	// goes on where most are stuck, and where so many watch that it takes longer
	// to tell them all, changes are gathered for as long.
	lineTime = 20 * time.Millisecond
)

// A message is a list on its way to everybody.
type message struct {
	moment uint64
	made   time.Time

	render sync.Once
	list   *booking.List // nil once rendered
	body   []byte
}

// bytes renders the message, once for all.
func (m *message) bytes() []byte {
	m.render.Do(func() {
		var b bytes.Buffer
		b.Grow(m.list.Len())
		m.list.WriteTo(&b) // a Buffer takes everything
		m.body, m.list = b.Bytes(), nil
	})
	return m.body
}

// A line is some viewers of a room, and the messages on their way to them.
type line struct {
	mu      sync.Mutex
	viewers int
	last    *place
}

// A place in a line is between two messages: that before it, and the next.
type place struct {
	message *message // nil where the line begins

	more chan struct{} // closed when next is set
	next *place

	half  int64 // of those who were in the line when it was told
	taken atomic.Int64
	out   chan struct{} // closed when half of them have taken the message
}

// stand lets a viewer into one of the room's lines. Where it stands, everything
// is news that is told from now on.
func (r *room) stand() (*line, *place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.lines {
		if p := l.enter(); p != nil {
			return l, p
		}
	}
	l := &line{last: &place{more: make(chan struct{})}}
	r.lines = append(r.lines, l)
	return l, l.enter()
}

// enter returns where a viewer stands, or nil where the line is full.
func (l *line) enter() *place {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.viewers == lineLength {
		return nil
	}
	l.viewers++
	return l.last
}

func (l *line) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.viewers--
}

// tell puts a message at the end of the line, and waits for half of it to take it.
func (l *line) tell(ctx context.Context, m *message) {
	l.mu.Lock()
	p := &place{message: m, more: make(chan struct{}), half: int64(l.viewers+1) / 2, out: make(chan struct{})}
	before := l.last
	before.next, l.last = p, p
	l.mu.Unlock()
	close(before.more)
	if p.half == 0 {
		return
	}
	select {
	case <-p.out:
	case <-time.After(lineTime):
	case <-ctx.Done():
	}
}

// take notes that another viewer has the message.
func (p *place) take() {
	if p.taken.Add(1) == p.half {
		close(p.out)
	}
}
