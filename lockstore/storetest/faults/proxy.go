package faults

import (
	"net"
	"sync"
	"testing"
	"time"
)

// A Proxy stands between a client and a server, and does to the connection
// what networks do. It is safe for concurrent use.
type Proxy struct {
	// Addr is where it listens: host and port.
	Addr string

	listener net.Listener
	mu       sync.Mutex
	move     sync.Cond // a frozen proxy thaws, or ends; its L is &mu
	target   string
	fate     func() Fate
	swallow  bool
	down     bool
	frozen   bool
	conns    map[net.Conn]bool
}

// A Fate is what becomes of something that the server said. The zero Fate is
// that it arrives.
type Fate struct {
	Delay time.Duration // it arrives so much later, and what follows with it
	Lost  bool          // neither it nor what follows arrives, and the connection stays up
	Cut   bool          // it never arrives, and the connection ends
}

// NewProxy starts a proxy to the address that ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	p, err := StartProxy(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// StartProxy starts a proxy to the address, to be closed by the caller.
func StartProxy(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{Addr: l.Addr().String(), listener: l, target: target, conns: make(map[net.Conn]bool)}
	p.move.L = &p.mu
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // it is closed
			}
			go p.serve(c)
		}
	}()
	return p, nil
}

// Close ends the proxy and its connections.
func (p *Proxy) Close() {
	_ = p.listener.Close() // nothing that listens is left either way
	p.Cut()
	p.Thaw()
}

// SwallowReply has the next thing that the server says never arrive, and on
// that connection nothing after it.
func (p *Proxy) SwallowReply() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.swallow = true
}

// Swallowed tells whether that has happened.
func (p *Proxy) Swallowed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.swallow
}

// Afflict asks fate about everything that the server says from now on; nil
// lets all arrive. It is asked by one goroutine at a time.
func (p *Proxy) Afflict(fate func() Fate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fate = fate
}

// Cut closes every connection, and new ones at once, until Restore.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	p.hangUp()
}

func (p *Proxy) hangUp() {
	for c := range p.conns {
		c.Close()
	}
}

// Restore lets connections through again.
func (p *Proxy) Restore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}

// Freeze holds back all that either end says, until Thaw. Connections stay up.
func (p *Proxy) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = true
}

// Thaw lets through what was held back.
func (p *Proxy) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = false
	p.move.Broadcast()
}

// Redirect sends connections to another address, and closes those there are.
func (p *Proxy) Redirect(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
	p.hangUp()
}

// serve passes on what the two ends of one connection say.
func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	if !p.keep(client, server) {
		return
	}
	defer p.forget(client, server)
	go func() {
		defer server.Close()
		pass(server, client, p.request)
	}()
	pass(client, server, p.reply)
}

// pass copies until one end is gone or the fate of something is to be cut.
func pass(to, from net.Conn, fate func() Fate) {
	buf := make([]byte, 64<<10)
	lost := false
	for {
		n, err := from.Read(buf)
		if n > 0 && !lost {
			f := fate()
			time.Sleep(f.Delay)
			if f.Cut {
				return
			}
			if lost = f.Lost; !lost {
				if _, err := to.Write(buf[:n]); err != nil {
					return
				}
			}
		}
		if err != nil {
			return
		}
	}
}

// request is the fate of what a client says.
func (p *Proxy) request() Fate {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.thawed()
	return Fate{}
}

// reply is the fate of what the server says.
func (p *Proxy) reply() Fate {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.thawed()
	if p.swallow {
		p.swallow = false
		return Fate{Lost: true}
	}
	if p.fate != nil {
		return p.fate()
	}
	return Fate{}
}

// thawed returns once the proxy is not frozen.
func (p *Proxy) thawed() {
	for p.frozen {
		p.move.Wait()
	}
}

func (p *Proxy) keep(ends ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range ends {
		p.conns[c] = true
	}
	return !p.down
}

func (p *Proxy) forget(ends ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range ends {
		delete(p.conns, c)
	}
}
