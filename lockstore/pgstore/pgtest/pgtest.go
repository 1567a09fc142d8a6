// Package pgtest starts PostgreSQL servers for tests and benchmarks, in folders
// of their own and on free ports of the loopback interface. They end with the
// process that started them, even if that is killed.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"seatlock/lockstore/storetest/faults"
)

// startTime is how long a server may take to answer. After a crash it has to
// read its log first.
const startTime = 60 * time.Second

// Superuser is the user that owns a server. It needs no password.
const Superuser = "postgres"

// Unsafe are settings of a server that does not wait for the disk: its data
// survives a crash of the server, but not one of the machine.
var Unsafe = []string{"fsync=off", "full_page_writes=off"}

// A Server is a running PostgreSQL server with a folder of its own.
type Server struct {
	// Addr is where the Server listens: host and port.
	Addr string

	dir       string
	settings  []string
	process   *faults.Process
	databases atomic.Int64 // how many were created
}

// Need skips a test that needs PostgreSQL if it is not installed, and fails it in
// CI.
func Need(t testing.TB) {
	t.Helper()
	if _, err := Program("postgres"); err != nil {
		faults.Missing(t, "PostgreSQL", "nothing was tried on a real server")
	}
}

// New starts a server that ends with the test. If PostgreSQL is not installed the
// test is skipped, and fails in CI. Each setting is name=value.
func New(t testing.TB, settings ...string) *Server {
	t.Helper()
	Need(t)
	s, err := Start(settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Start starts a server with the settings, each as name=value, and returns once
// it answers. The caller must Close it.
func Start(settings ...string) (*Server, error) {
	s, err := newServer(settings)
	if err != nil {
		return nil, err
	}
	err = run(s.dir, "initdb", "-D", s.data(), "-U", Superuser, "-E", "UTF8", "--no-locale", "--auth=trust", "--no-sync")
	return s.begin(err)
}

// newServer returns a server that has a folder and a port, and no data yet.
func newServer(settings []string) (*Server, error) {
	who, err := account()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "seatlock-postgres-")
	if err != nil {
		return nil, err
	}
	if who != nil {
		if err := os.Chown(dir, int(who.Uid), int(who.Gid)); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	return &Server{Addr: net.JoinHostPort("127.0.0.1", faults.FreePort()), dir: dir, settings: settings}, nil
}

// begin starts a new server on its data, or removes the folder if there was an
// error.
func (s *Server) begin(err error) (*Server, error) {
	if err == nil {
		err = s.Restart()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	return s, nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Data returns the folder of the server's files. Those beside it end with the server, too.
func (s *Server) Data() string { return s.data() }

// Restart starts the server after Kill or Stop, on the same folder and port, and
// returns once it answers.
func (s *Server) Restart() error { return s.RestartUnder() }

// RestartUnder is like Restart, for a server that a command runs, such as strace.
func (s *Server) RestartUnder(command ...string) error {
	program, err := Program("postgres")
	if err != nil {
		return err
	}
	who, err := account()
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(s.Addr)
	args := append(command, program, "-D", s.data(), "-p", port)
	for _, setting := range slices.Concat([]string{
		"listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300", "shared_buffers=128MB",
		"log_checkpoints=off", "logging_collector=off", "max_wal_size=4GB",
		"dynamic_shared_memory_type=mmap", // files in the folder: a crash leaves others in /dev/shm
	}, s.settings) {
		args = append(args, "-c", setting)
	}
	var output bytes.Buffer // to be read once the program has ended
	p, err := faults.StartProcessAs(who, &output, nil, args[0], args[1:]...)
	if err != nil {
		return err
	}
	s.process = p
	if err := s.await(); err != nil {
		p.Interrupt()
		s.clean()
		return fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, output.String())
	}
	return nil
}

// await returns once the server answers.
func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			return c.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return err
		case <-s.process.Ended():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// URL returns the URL of a database of the server, for the superuser.
func (s *Server) URL(database string) string { return s.URLFor(Superuser, database) }

// URLFor returns the URL of a database of the server, for a user without a
// password.
func (s *Server) URLFor(user, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(user), Host: s.Addr, Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// Database creates an empty database and returns its name.
func (s *Server) Database(ctx context.Context) (string, error) {
	name := "test" + strconv.FormatInt(s.databases.Add(1), 10)
	_, err := s.Exec(ctx, "postgres", "CREATE DATABASE "+name)
	return name, err
}

// statementTime bounds how long a statement of Exec may take. A commit can wait for a
// standby that is away.
const statementTime = 60 * time.Second

// Exec executes SQL in a database as the superuser and returns the number of rows
// that it affected.
func (s *Server) Exec(ctx context.Context, database, sql string) (rows int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, statementTime)
	defer cancel()
	c, err := pgx.Connect(ctx, s.URL(database))
	if err != nil {
		return 0, err
	}
	tag, err := c.Exec(ctx, sql)
	if ctx.Err() != nil {
		err = fmt.Errorf("%s had not ended after %v: %w", sql, statementTime, err)
	}
	return tag.RowsAffected(), errors.Join(err, c.Close(ctx))
}

// queryRow reads the only row of a query, as the superuser.
func (s *Server) queryRow(ctx context.Context, sql string, into ...any) error {
	c, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	return errors.Join(c.QueryRow(ctx, sql).Scan(into...), c.Close(ctx))
}
