//go:build !linux

package faults

import (
	"errors"
	"net"
)

func silence(net.Conn) error {
	return errors.New("faults: no connection can be silenced on this system")
}
