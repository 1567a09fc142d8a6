//go:build !linux

package faults

import (
	"errors"
	"net"
	"syscall"
)

var errNoSilence = errors.New("faults: no connection can be silenced on this system")

func silence(net.Conn) error { return errNoSilence }

func dropAll(syscall.RawConn, bool) error { return errNoSilence }
