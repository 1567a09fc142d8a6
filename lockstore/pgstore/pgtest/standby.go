package pgtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// NewStandby starts a standby of the server, which ends with the test.
func NewStandby(t testing.TB, primary *Server, settings ...string) *Server {
	t.Helper()
	s, err := primary.Standby(settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Standby starts a standby of the server: a copy that receives what the server
// writes from then on, and takes no writes of clients. The caller must Close it.
func (s *Server) Standby(settings ...string) (*Server, error) {
	standby, err := newServer(settings)
	if err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(s.Addr)
	return standby.begin(run(standby.dir, "pg_basebackup", "-D", standby.data(), "-h", host, "-p", port, "-U", Superuser,
		"--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"))
}

// Synchronize makes every commit of the server wait for a standby from now on, and
// returns once a standby follows closely enough for that.
func (s *Server) Synchronize(ctx context.Context) error {
	if err := s.Set(ctx, "synchronous_standby_names", "*"); err != nil {
		return err
	}
	return s.awaitTrue(ctx, "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')")
}

// Set sets a setting of the server, unless it was started with it.
func (s *Server) Set(ctx context.Context, setting, value string) error {
	if _, err := s.Exec(ctx, "postgres", "ALTER SYSTEM SET "+setting+" = '"+value+"'"); err != nil {
		return err
	}
	if _, err := s.Exec(ctx, "postgres", "SELECT pg_reload_conf()"); err != nil {
		return err
	}
	return s.awaitTrue(ctx, "SELECT EXISTS (SELECT FROM pg_file_settings WHERE name = '"+setting+"' AND applied) AND current_setting('"+setting+"') = '"+value+"'")
}

// Promote makes a standby a server that takes writes, and returns once it does. It
// waits for no other standby.
func (s *Server) Promote(ctx context.Context) error {
	if err := s.Set(ctx, "synchronous_standby_names", ""); err != nil {
		return err
	}
	if _, err := s.Exec(ctx, "postgres", "SELECT pg_promote(wait => false)"); err != nil {
		return err
	}
	return s.awaitTrue(ctx, "SELECT NOT pg_is_in_recovery()")
}

// Follow starts the server as a standby of another, after Kill or Stop. If it has
// written what the other lacks, it does not receive what the other writes, but takes
// no writes either.
func (s *Server) Follow(primary *Server) error {
	host, port, _ := net.SplitHostPort(primary.Addr)
	settings, err := os.OpenFile(filepath.Join(s.data(), "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer settings.Close()
	// The last line of a setting counts.
	if _, err := fmt.Fprintf(settings, "primary_conninfo = 'user=%s host=%s port=%s sslmode=disable'\n", Superuser, host, port); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.data(), "standby.signal"), nil, 0o644); err != nil {
		return err
	}
	return s.Restart()
}

// awaitTrue returns once the query answers true.
func (s *Server) awaitTrue(ctx context.Context, sql string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		var yes bool
		err := s.queryRow(ctx, sql, &yes)
		if err == nil && yes {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: still not: %v", sql, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
