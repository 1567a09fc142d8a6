package faults

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// A Proxy passes on what clients and a server send to each other over TCP, and
// makes their connections fail as networks do. It is safe for concurrent use.
type Proxy struct {
	// Addr is where the Proxy listens: host and port.
	Addr string

	listener net.Listener
	mu       sync.Mutex
	thaw     sync.Cond // frozen became false; its L is &mu
	target   string
	fault    func() Fault
	vanish   func(n int) (keep int)
	swallow  bool
	down     bool
	frozen   bool
	conns    map[net.Conn]bool
}

// A Fault is what a Proxy does with data that the server has sent. The zero Fault
// passes it on at once.
type Fault struct {
	Delay time.Duration // passes on the data, and what follows it, later
	Lost  bool          // drops the data and all that follows; the connection stays open
	Cut   bool          // drops the data and closes the connection

	vanish func(n int) (keep int) // see Vanish
}

// NewProxy starts a Proxy to the address, host and port. It ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	p, err := StartProxy(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// StartProxy starts a Proxy to the address, host and port. The caller must close
// it.
func StartProxy(target string) (*Proxy, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false) // such a socket cannot be silenced
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{Addr: l.Addr().String(), listener: l, target: target, conns: make(map[net.Conn]bool)}
	p.thaw.L = &p.mu
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // the listener is closed
			}
			go p.serve(c)
		}
	}()
	return p, nil
}

// Close ends the Proxy and its connections.
func (p *Proxy) Close() {
	_ = p.listener.Close() // it does not listen afterwards, whatever the error
	p.Cut()
	p.Thaw()
}

// SwallowReply makes the Proxy drop what the server sends next, and all that
// follows on the same connection.
func (p *Proxy) SwallowReply() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.swallow = true
}

// Swallowed reports whether the reply of the last SwallowReply has been dropped.
func (p *Proxy) Swallowed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.swallow
}

// Inject makes the Proxy call fault for all that the server sends from now on, and
// do what it returns. If fault is nil, everything is passed on. Calls do not overlap.
func (p *Proxy) Inject(fault func() Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = fault
}

// Vanish makes the machine of a client vanish in the middle of what it sends next:
// keep returns how many of n bytes arrive. From then on, neither end hears from the
// other, as the server's system gets no answers either; the connection stays open. It
// works only on Linux.
func (p *Proxy) Vanish(keep func(n int) int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.vanish = keep
}

// Silence makes the machine of the server vanish: until [Proxy.EndSilence], neither end
// of a connection hears from the other, and attempts to connect get no answer.
// Connections stay open and silent. It works only on Linux.
func (p *Proxy) Silence() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if err := silence(c); err != nil {
			return err
		}
	}
	return p.dropConnecting(true)
}

// EndSilence makes new connections possible again.
func (p *Proxy) EndSilence() error { return p.dropConnecting(false) }

func (p *Proxy) dropConnecting(drop bool) error {
	raw, err := p.listener.(*net.TCPListener).SyscallConn()
	if err != nil {
		return err
	}
	return dropAll(raw, drop)
}

// Cut closes every connection and, until Restore, every new one.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	p.closeConns()
}

func (p *Proxy) closeConns() {
	for c := range p.conns {
		c.Close()
	}
}

// Restore ends the effect of Cut: new connections are passed on again.
func (p *Proxy) Restore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}

// Freeze holds back all that either end sends, until Thaw. Connections stay open.
func (p *Proxy) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = true
}

// Thaw passes on what was held back.
func (p *Proxy) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = false
	p.thaw.Broadcast()
}

// Redirect makes new connections go to another address, and closes the others.
func (p *Proxy) Redirect(target string) {
	p.RedirectNew(target)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeConns()
}

// RedirectNew makes new connections go to another address, and leaves the others
// alone, as a host name does that starts to point to another server.
func (p *Proxy) RedirectNew(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// serve passes on the data of one connection until one end closes it.
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
		if vanished := pass(server, client, p.request); !vanished {
			server.Close()
		}
	}()
	pass(client, server, p.reply)
}

// pass copies data until one end closes its connection or a Fault cuts it. It
// reports whether it has silenced the connection that it writes to.
func pass(to, from net.Conn, fault func() Fault) (vanished bool) {
	buf := make([]byte, 64<<10)
	lost := false
	for {
		n, err := from.Read(buf)
		if n > 0 && !lost {
			f := fault()
			time.Sleep(f.Delay)
			if f.Cut {
				return vanished
			}
			if f.vanish != nil {
				n = f.vanish(n)
			}
			if lost = f.Lost; !lost {
				if _, err := to.Write(buf[:n]); err != nil {
					return vanished
				}
			}
			if f.vanish != nil {
				if err := silence(to); err != nil && !errors.Is(err, net.ErrClosed) {
					panic(err) // a test would test nothing
				}
				lost, vanished = true, true
			}
		}
		if err != nil {
			return vanished
		}
	}
}

// request returns the Fault of data from a client.
func (p *Proxy) request() Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.awaitThaw()
	f := Fault{vanish: p.vanish}
	p.vanish = nil
	return f
}

// reply returns the Fault of data from the server.
func (p *Proxy) reply() Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.awaitThaw()
	if p.swallow {
		p.swallow = false
		return Fault{Lost: true}
	}
	if p.fault != nil {
		return p.fault()
	}
	return Fault{}
}

// awaitThaw returns once the Proxy is not frozen. The caller holds p.mu.
func (p *Proxy) awaitThaw() {
	for p.frozen {
		p.thaw.Wait()
	}
}

// keep records the two ends of a connection and reports whether connections may
// be made.
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
