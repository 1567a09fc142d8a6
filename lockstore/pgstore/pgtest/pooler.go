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

// pooler is what must be on the PATH, or where Debian puts it.
const pooler = "pgbouncer"

// NewPooler starts a PgBouncer before the server, in transaction mode, for a
// test, which it outlives not, and returns where it listens. Without the program
// the test is skipped, and fails in CI.
func NewPooler(t testing.TB, s *Server) (addr string) {
	t.Helper()
	program, err := exec.LookPath(pooler)
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/" + pooler)
	}
	if err != nil {
		if os.Getenv("CI") == "" {
			t.Skip("SKIPPED: " + pooler + " is not installed, so nothing was tried behind a pooler (in CI this fails)")
		}
		t.Fatal(pooler + " is not installed, so nothing can be tried behind a pooler")
	}
	who, err := account()
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	mine := faults.FreePort()
	// In the server's folder, which is of whoever runs both.
	config := filepath.Join(s.dir, pooler+mine+".ini")
	text := fmt.Sprintf("[databases]\n* = host=%s port=%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %s\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\nmax_client_conn = 200\n", host, port, mine)
	text = strings.Replace(text, "* = ", "* = user="+Superuser+" ", 1)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer // to be read once the program has ended
	p, err := faults.StartProcessAs(who, &output, nil, program, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	addr = net.JoinHostPort("127.0.0.1", mine)
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
