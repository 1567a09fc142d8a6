package pgtest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seatlock/lockstore/storetest/faults"
)

// pooler is the name of the executable, on the PATH or in /usr/sbin.
const pooler = "pgbouncer"

// NewPooler starts a PgBouncer in front of the server, in transaction mode, and
// returns where it listens: host and port. It ends with the test. If PgBouncer is
// not installed the test is skipped, and fails in CI.
func NewPooler(t testing.TB, s *Server) (addr string) {
	t.Helper()
	return NewPoolerTo(t, s, s.Addr)
}

// NewPoolerTo is like [NewPooler], for a PgBouncer that finds the server at another
// address, with settings of PgBouncer's own, each as name=value.
func NewPoolerTo(t testing.TB, s *Server, server string, settings ...string) (addr string) {
	t.Helper()
	program, err := exec.LookPath(pooler)
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/" + pooler)
	}
	if err != nil {
		faults.Missing(t, pooler, "nothing was tried behind a pooler")
	}
	who, err := account()
	if err != nil {
		t.Fatal(err)
	}
	host, serverPort, err := net.SplitHostPort(server)
	if err != nil {
		t.Fatal(err)
	}
	port := faults.FreePort()
	// In the server's folder, which the user that runs both can read.
	config := filepath.Join(s.dir, pooler+port+".ini")
	text := fmt.Sprintf("[databases]\n* = user=%s host=%s port=%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %s\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\nmax_client_conn = 200\n%s\n", Superuser, host, serverPort, port, strings.Join(settings, "\n"))
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer // to be read once the program has ended
	p, err := faults.StartProcessAs(who, &output, nil, program, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Interrupt)
	addr = net.JoinHostPort("127.0.0.1", port)
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return addr
		}
		if time.Since(began) > startTime {
			p.Kill()
			t.Fatalf("%s does not answer: %v\n%s", pooler, err, output.String())
		}
	}
}
