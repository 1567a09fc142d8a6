//go:build !unix

package pgstore

import "net"

// silent reports whether nothing has arrived on an idle connection. It cannot look
// on this system.
func silent(net.Conn) bool { return true }
