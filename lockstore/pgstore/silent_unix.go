//go:build unix

package pgstore

import (
	"crypto/tls"
	"net"
	"syscall"
)

// silent reports whether nothing has arrived on an idle connection. If something has, the
// server may have ended the connection, and a call that is sent over it would have an
// unknown outcome.
func silent(c net.Conn) bool {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	s, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	var peekErr error
	// Not raw.Read, which would wait for a reader that pgx starts when a write is slow.
	err = raw.Control(func(fd uintptr) {
		_, _, peekErr = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	return err == nil && peekErr == syscall.EAGAIN
}
