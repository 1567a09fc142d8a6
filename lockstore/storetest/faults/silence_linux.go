package faults

import (
	"errors"
	"net"
	"syscall"
	"time"
	"unsafe"
)

// silence makes a connection deaf and dumb once all that was sent over it has
// arrived: the system answers nothing that arrives, not even a probe, as if the
// machine had lost its power.
func silence(c net.Conn) error {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err
	}
	for under := int32(1); under > 0; time.Sleep(time.Millisecond) {
		var e syscall.Errno
		err := raw.Control(func(fd uintptr) {
			_, _, e = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCOUTQ, uintptr(unsafe.Pointer(&under)))
		})
		if err != nil {
			return err
		}
		if e != 0 {
			return e
		}
	}
	return dropAll(raw, true)
}

// dropAll makes the system drop every packet for a socket, or stop doing so.
func dropAll(raw syscall.RawConn, drop bool) (err error) {
	controlErr := raw.Control(func(fd uintptr) {
		if drop {
			// A socket filter of one instruction.
			err = syscall.AttachLsf(int(fd), []syscall.SockFilter{{Code: syscall.BPF_RET | syscall.BPF_K, K: 0}})
		} else {
			err = syscall.DetachLsf(int(fd))
		}
	})
	return errors.Join(controlErr, err)
}
