// Package faults starts the programs that tests and benchmarks need, and does to
// them and to their connections what machines and networks do: a [Process] is
// killed or frozen, a [Proxy] loses, delays and cuts what a server says. [Run] is
// a suite that does so to the server of a store.
//
// The package knows the contract of stores and must not know about any store.
package faults

import (
	"net"
	"strconv"
)

// FreePort is a port of the loopback that nobody listens on.
func FreePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err) // a machine without a free port cannot test anything
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}
