package redistest

import (
	"context"
	"net"
	"sync"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Pipes returns a client of the miniredis that talks to it over pipes, so that
// both can be in a testing/synctest bubble.
func Pipes(m *miniredis.Miniredis) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr: "127.0.0.1:6379", // it is not dialed, but a host name would be looked up outside of the bubble
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			c, err := m.Dial()
			if err != nil {
				return nil, err
			}
			return buffered(c), nil
		},
		MaxRetries:            -1,
		ContextTimeoutEnabled: true,
		DisableIdentity:       true,
		PoolSize:              1000, // a wait for a connection would use a timer that go-redis shares between bubbles
	})
}

// buffered gives a pipe what a socket has: a Write returns before the other end
// reads. Otherwise a client that writes one command after another and a server
// that answers the first would wait for each other.
func buffered(c net.Conn) net.Conn {
	b := &bufferedConn{Conn: c}
	b.more.L = &b.mu
	go b.pump()
	return b
}

type bufferedConn struct {
	net.Conn
	mu   sync.Mutex
	more sync.Cond
	buf  []byte
	err  error // ends the connection
}

func (b *bufferedConn) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	b.buf = append(b.buf, p...)
	b.more.Signal()
	return len(p), nil
}

func (b *bufferedConn) Close() error {
	b.end(net.ErrClosed)
	return b.Conn.Close()
}

func (b *bufferedConn) end(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
	b.more.Signal()
}

// pump passes on what was written until the connection ends.
func (b *bufferedConn) pump() {
	for {
		b.mu.Lock()
		for len(b.buf) == 0 && b.err == nil {
			b.more.Wait()
		}
		p, err := b.buf, b.err
		b.buf = nil
		b.mu.Unlock()
		if err != nil {
			return
		}
		if _, err := b.Conn.Write(p); err != nil {
			b.end(err)
			return
		}
	}
}
