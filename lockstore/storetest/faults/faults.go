// Package faults starts the programs that tests and benchmarks need, and makes
// them and their connections fail as machines and networks do: a [Process] can be
// killed or frozen, and a [Proxy] loses or delays answers and cuts connections.
// [Run] is a suite that does so to the server of a store.
//
// The package knows the contract of stores and must not know about any store.
package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

// FreePort chooses from these ports. No system gives one of them to a program that
// asks for any free port, so no program takes one by chance before a server listens
// on it.
const firstPort, lastPort = 10_000, 32_000

// FreePort returns a port of the loopback interface on which no program listened
// during the call. It panics if it finds none.
func FreePort() string {
	for range 1000 {
		port := strconv.Itoa(firstPort + rand.IntN(lastPort-firstPort))
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			panic(fmt.Sprintf("faults: looking for a free port: %v", err)) // nothing can be tested on such a machine
		}
		l.Close()
		return port
	}
	panic("faults: there is no free port")
}
