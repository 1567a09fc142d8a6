package live

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/functions/seatlist"
)

const (
	// groupSize is the maximum number of viewers in a group. A message wakes a whole
	// group at once, so a group must be small enough not to delay requests.
	groupSize = 100

	// groupTime is the longest time that the next group waits for half of the previous
	// one. It bounds the delay that viewers that do not read can cause.
	groupTime = 20 * time.Millisecond
)

// A message is a list for all viewers of a stream.
type message struct {
	*seatlist.List
	made time.Time

	render sync.Once
	body   []byte
}

// bytes renders the message, once for all viewers that do not accept compression.
func (m *message) bytes() []byte {
	m.render.Do(func() {
		var b bytes.Buffer
		b.Grow(m.Len() + bytes.MinRead)
		m.WriteTo(&b) // cannot fail
		m.body = b.Bytes()
	})
	return m.body
}

// A group is some viewers of a stream, and a linked list of the messages to them.
// The group keeps only the last entry, and each viewer the last one that it has read,
// so an entry is freed when the slowest viewer has read it.
type group struct {
	mu      sync.Mutex
	viewers int
	last    *entry
}

// An entry is a message in a group.
type entry struct {
	message *message // nil in the first entry

	more chan struct{} // closed when next is set
	next *entry

	half  int64 // of the number of viewers in the group when the message was sent
	taken atomic.Int64
	sent  chan struct{} // closed when that many viewers have taken the message
}

// join adds a viewer to one of the stream's groups. The viewer must be sent the messages
// after the entry.
func (s *stream) join() (*group, *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.groups {
		if e := g.join(); e != nil {
			return g, e
		}
	}
	g := &group{last: &entry{more: make(chan struct{})}}
	s.groups = append(s.groups, g)
	return g, g.join()
}

// join adds a viewer and returns the last entry, or nil if the group is full.
func (g *group) join() *entry {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.viewers == groupSize {
		return nil
	}
	g.viewers++
	return g.last
}

func (g *group) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.viewers--
}

// send appends a message, and waits until half of the viewers have taken it.
func (g *group) send(ctx context.Context, m *message) {
	g.mu.Lock()
	e := &entry{message: m, more: make(chan struct{}), half: int64(g.viewers+1) / 2, sent: make(chan struct{})}
	before := g.last
	before.next, g.last = e, e
	g.mu.Unlock()
	close(before.more)
	if e.half == 0 {
		return
	}
	select {
	case <-e.sent:
	case <-time.After(groupTime):
	case <-ctx.Done():
	}
}

// take records that a viewer has taken the message.
func (e *entry) take() {
	if e.taken.Add(1) == e.half {
		close(e.sent)
	}
}
