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

// A Pooler is a running PgBouncer in transaction mode. If it ends by itself it is
// started again, as by a service manager: versions 1.18 to 1.20 sometimes end when
// a client cancels a call (https://github.com/pgbouncer/pgbouncer/issues/822). Tests
// that repeat calls until they succeed would otherwise take hours to fail.
type Pooler struct {
	Addr string // where it listens: host and port

	start  func() (*poolerRun, error)
	close  chan struct{} // closed by Close
	closed chan struct{} // closed once it has ended for good
	ends   []string      // what it wrote each time before it ended by itself; once closed
}

// A poolerRun is one process of a Pooler.
type poolerRun struct {
	*faults.Process
	output bytes.Buffer // to be read once the process has ended
}

// NeedPooler skips a test if PgBouncer is not installed, and fails it in CI.
func NeedPooler(t testing.TB) {
	t.Helper()
	if _, err := poolerProgram(); err != nil {
		faults.Missing(t, pooler, "nothing was tried behind a pooler")
	}
}

func poolerProgram() (string, error) {
	if program, err := exec.LookPath(pooler); err == nil {
		return program, nil
	}
	return exec.LookPath("/usr/sbin/" + pooler)
}

// NewPooler starts a PgBouncer in front of the server and returns where it listens:
// host and port. It ends with the test. If PgBouncer is not installed the test is
// skipped, and fails in CI.
func NewPooler(t testing.TB, s *Server) (addr string) {
	t.Helper()
	return NewPoolerTo(t, s, s.Addr)
}

// NewPoolerTo is like [NewPooler], for a PgBouncer that finds the server at another
// address, with settings of PgBouncer's own, each as name=value.
func NewPoolerTo(t testing.TB, s *Server, server string, settings ...string) (addr string) {
	t.Helper()
	NeedPooler(t)
	p, err := StartPooler(s, server, settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Close()
		for _, output := range p.ends {
			t.Logf("%s ended by itself and was started again:\n%s", pooler, output)
		}
	})
	return p.Addr
}

// StartPooler starts a PgBouncer in front of the server, which it finds at the address.
// Each setting of PgBouncer's own is name=value. The caller must Close it before the
// server.
func StartPooler(s *Server, server string, settings ...string) (*Pooler, error) {
	program, err := poolerProgram()
	if err != nil {
		return nil, err
	}
	who, err := account()
	if err != nil {
		return nil, err
	}
	host, serverPort, err := net.SplitHostPort(server)
	if err != nil {
		return nil, err
	}
	port := faults.FreePort()
	// In the server's folder, which the user that runs both can read.
	config := filepath.Join(s.dir, pooler+port+".ini")
	text := fmt.Sprintf("[databases]\n* = user=%s host=%s port=%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %s\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\nserver_login_retry = 1\nmax_client_conn = 200\n%s\n", Superuser, host, serverPort, port, strings.Join(settings, "\n"))
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return nil, err
	}
	p := &Pooler{Addr: net.JoinHostPort("127.0.0.1", port), close: make(chan struct{}), closed: make(chan struct{})}
	p.start = func() (*poolerRun, error) {
		run := new(poolerRun)
		var err error
		run.Process, err = faults.StartProcessAs(who, &run.output, nil, program, config)
		return run, err
	}
	run, err := p.start()
	if err != nil {
		return nil, err
	}
	go p.supervise(run)
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", p.Addr)
		if err == nil {
			c.Close()
			return p, nil
		}
		if time.Since(began) > startTime {
			p.Close()
			return nil, fmt.Errorf("%s does not answer: %w\n%s", pooler, err, run.output.String())
		}
	}
}

// supervise starts the PgBouncer again whenever it ends, until Close.
func (p *Pooler) supervise(run *poolerRun) {
	defer close(p.closed)
	for {
		select {
		case <-p.close:
			run.Interrupt()
			return
		case <-run.Ended():
		}
		text := strings.TrimSpace(run.output.String())
		p.ends = append(p.ends, text[strings.LastIndexByte(text, '\n')+1:])
		select {
		case <-p.close:
			return
		case <-time.After(100 * time.Millisecond):
		}
		var err error
		if run, err = p.start(); err != nil {
			p.ends = append(p.ends, err.Error())
			return
		}
	}
}

// Close ends the PgBouncer.
func (p *Pooler) Close() {
	close(p.close)
	<-p.closed
}
