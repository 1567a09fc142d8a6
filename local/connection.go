package main

import (
	"io"
	"net"
	"net/netip"
	"sync"
)

// A connection has a place until it is closed.
type connection struct {
	net.Conn
	of   *connections
	addr netip.Addr // by which it is counted

	answer *[]byte // what is gathered; nil if nothing is to be

	mu            sync.Mutex
	spare, closed bool
}

// hasPlace reports whether the connection may be used for more than health checks. A
// spare one gets a place if there is one now.
func (c *connection) hasPlace() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.spare && !c.closed && c.of.places.Take(c.addr, 1) == nil {
		c.spare = false
		c.of.spares.Release(c.addr, 1)
	}
	return !c.spare
}

// mostGathered is the size in bytes of the largest answer that is gathered, and
// httpBuffer that of net/http's buffer for an answer.
const (
	mostGathered = 16 << 10
	httpBuffer   = 4 << 10
)

// gather makes Write keep what it gets until send. net/http writes whatever fits its
// buffer and then the rest, and to write an answer in two pieces costs nearly twice as
// much, here and at the client. The caller must be the only one who writes.
func (c *connection) gather() {
	b, _ := c.of.gathered.Get().(*[]byte)
	if b == nil {
		b = new([]byte)
		*b = make([]byte, 0, mostGathered)
	}
	c.answer = b
}

// send writes what was gathered. If that fails it closes the connection, since net/http
// does not learn of it.
func (c *connection) send() {
	b := c.answer
	c.answer = nil
	if _, err := c.Conn.Write(*b); err != nil {
		c.Conn.Close() // the place is given back when net/http notices
	}
	if cap(*b) <= mostGathered {
		*b = (*b)[:0]
		c.of.gathered.Put(b)
	}
}

// Write writes to the connection, or gathers p.
func (c *connection) Write(p []byte) (int, error) {
	if c.answer != nil {
		*c.answer = append(*c.answer, p...)
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// Close closes the connection and gives its place back.
func (c *connection) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		if c.spare {
			c.of.spares.Release(c.addr, 1)
		} else {
			c.of.places.Release(c.addr, 1)
		}
		defer func() { <-c.of.open }()
	}
	return c.Conn.Close()
}

// mostPieces is how many pieces are written in one call of the system.
const mostPieces = 64

// ReadFrom writes what src has. A source with pieces, such as a long list of seats, is
// written without a copy: net/http would cut each of its pieces in two, and write every
// part in a call of its own. While an answer is gathered, src is gathered too.
func (c *connection) ReadFrom(src io.Reader) (written int64, err error) {
	if c.answer != nil {
		return io.Copy(struct{ io.Writer }{c}, src) // after the header
	}
	from, ok := src.(interface{ Next(pieces [][]byte) int })
	if !ok {
		return io.Copy(c.Conn, src)
	}
	var next [mostPieces][]byte
	for {
		n := from.Next(next[:])
		if n == 0 {
			return written, nil
		}
		pieces := net.Buffers(next[:n])
		sent, err := pieces.WriteTo(c.Conn)
		written += sent
		if err != nil {
			return written, err
		}
	}
}
