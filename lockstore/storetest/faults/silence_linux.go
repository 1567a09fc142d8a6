package faults

import (
	"errors"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// silence cuts off a connection once all that was sent over it has arrived: the system
// answers nothing that arrives, not even a probe, as if the machine had lost power.
func silence(c net.Conn) error {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err
	}
	for under := 1; under > 0; time.Sleep(time.Millisecond) {
		var ioctlErr error
		err := raw.Control(func(fd uintptr) { under, ioctlErr = unix.IoctlGetInt(int(fd), unix.TIOCOUTQ) })
		if err := errors.Join(err, ioctlErr); err != nil {
			return err
		}
	}
	return dropAll(raw, true)
}

// dropAll makes the system drop every packet for a socket, or stop doing so.
func dropAll(raw syscall.RawConn, drop bool) (err error) {
	controlErr := raw.Control(func(fd uintptr) {
		if !drop {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
			return
		}
		filter := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K} // one instruction: let no byte through
		err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &filter})
	})
	return errors.Join(controlErr, err)
}
