// Package faults starts the programs that tests and benchmarks need, and makes
// them and their connections fail as machines and networks do: a [Process] can be
// killed or frozen, and a [Proxy] loses or delays answers and cuts connections.
// [Run] is a suite that does so to the server of a store.
//
// The package knows the contract of stores and must not know about any store.
package faults

import (
	"net"
	"strconv"
)

// FreePort returns a port of the loopback interface on which no program listened
// during the call. It panics if there is none.
func FreePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err) // a machine without a free port cannot test anything
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}
