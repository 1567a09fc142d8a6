package main

import (
	"net"
	"sync"
	"syscall"
)

// A narrow link forwards bytes to and from a server, over connections with small system
// buffers, as on a real network. Once its client is frozen, the link reads nothing more and
// closes nothing.
type narrow struct {
	addr string

	listener net.Listener
	server   net.Dialer
	mu       sync.Mutex
	conns    []net.Conn
	left     int // how many bytes the server can still send; -1 is no limit
	closed   chan struct{}
}

// startNarrow starts a link to the address. The caller must close it.
func startNarrow(target string) (*narrow, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &narrow{addr: l.Addr().String(), listener: l, left: -1, closed: make(chan struct{})}
	n.server.Control = func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			if failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 1448); failed == nil {
				failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 16<<10)
			}
		})
		if err == nil {
			err = failed
		}
		return err
	}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return // the listener is closed
			}
			go n.serve(client, target)
		}
	}()
	return n, nil
}

// freezeAfter freezes the client once the server has sent this many more bytes.
func (n *narrow) freezeAfter(bytes int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.left = bytes
}

// close ends the link and its connections.
func (n *narrow) close() {
	_ = n.listener.Close() // it stops listening, whatever the error
	close(n.closed)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		_ = c.Close()
	}
}

func (n *narrow) serve(client net.Conn, target string) {
	server, err := n.server.Dial("tcp", target)
	if err != nil {
		_ = client.Close()
		return
	}
	n.mu.Lock()
	n.conns = append(n.conns, client, server)
	n.mu.Unlock()
	go n.pass(server, client, 0)
	n.pass(client, server, 1)
}

// pass copies data. Each byte takes counts off what is left.
func (n *narrow) pass(to, from net.Conn, counts int) {
	buf := make([]byte, 4096)
	for {
		got, err := from.Read(buf)
		if n.frozen(got * counts) {
			<-n.closed // not even the end of a connection is passed on
			return
		}
		if err == nil {
			_, err = to.Write(buf[:got])
		}
		if err != nil {
			_ = to.Close()
			_ = from.Close()
			return
		}
	}
}

// frozen subtracts bytes from what is left and reports whether the client is frozen.
func (n *narrow) frozen(bytes int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.left > 0 {
		n.left = max(0, n.left-bytes)
	}
	return n.left == 0
}
