// Package redistest starts servers of Redis or Valkey for tests and benchmarks, on
// free ports of the loopback interface. They end with the process that started them,
// even if that is killed.
package redistest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore/storetest/faults"
)

// program is the executable: redis-server on the PATH, unless the environment
// variable REDIS_SERVER names another, such as valkey-server.
var program = cmp.Or(os.Getenv("REDIS_SERVER"), "redis-server")

// startTime is how long a server may take to answer.
const startTime = 20 * time.Second

// A Server is a running server.
type Server struct {
	*faults.Process

	// Addr is where the Server listens: host and port.
	Addr string
}

// New starts a server that ends with the test. It calls [Need].
func New(t testing.TB, args ...string) *Server {
	t.Helper()
	Need(t)
	s, err := Start(t.TempDir(), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

// Need skips a test that needs a Redis server if there is no executable, and fails
// it in CI.
func Need(t testing.TB) {
	t.Helper()
	faults.Need(t, program, "nothing was tried on a real Redis")
}

// Start starts a server, with its files in dir, and returns once it answers. The
// server saves nothing unless args, which are those of redis-server, say otherwise.
// The caller must Kill it.
func Start(dir string, args ...string) (*Server, error) { return startIn(dir, args) }

func startIn(dir string, args []string, env ...string) (*Server, error) {
	port := faults.FreePort()
	for _, option := range []string{"--port", "--tls-port"} { // the latter replaces the former
		if i := slices.Index(args, option); i >= 0 {
			port = args[i+1]
		}
	}
	return start(net.JoinHostPort("127.0.0.1", port), slices.Concat([]string{
		"--bind", "127.0.0.1", "--port", port, "--dir", dir, "--save", "", "--appendonly", "no",
	}, args), env...)
}

// start starts the program and returns once it answers.
func start(addr string, args []string, env ...string) (*Server, error) {
	var output bytes.Buffer // to be read once the program has ended
	p, err := faults.StartProcess(&output, env, program, args...)
	if err != nil {
		return nil, err
	}
	s := &Server{p, addr}
	if err := s.await(args); err != nil {
		s.Kill()
		return nil, fmt.Errorf("%s does not answer: %w\n%s", program, err, output.String())
	}
	return s, nil
}

// await returns once the server answers.
func (s *Server) await(args []string) error {
	if slices.Contains(args, "--tls-port") {
		return awaitPort(s.Addr)
	}
	client := redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1})
	defer client.Close()
	var err error
	for began := time.Now(); time.Since(began) < startTime; time.Sleep(10 * time.Millisecond) {
		err = client.Ping(context.Background()).Err()
		if err == nil || redis.HasErrorPrefix(err, "NOAUTH") {
			return nil
		}
		select {
		case <-s.Ended():
			return errors.New("it has ended")
		default:
		}
	}
	return err
}

func awaitPort(addr string) error {
	var err error
	for began := time.Now(); time.Since(began) < startTime; time.Sleep(10 * time.Millisecond) {
		var c net.Conn
		if c, err = net.Dial("tcp", addr); err == nil {
			return c.Close()
		}
	}
	return err
}
