package pgtest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"seatlock/lockstore/pgstore/pgtest"
)

// TestLeavesNothing checks that a server and a standby leave nothing in the system,
// whether they are killed or closed.
func TestLeavesNothing(t *testing.T) {
	pgtest.Need(t)
	dir := t.TempDir()
	for d := dir; d != os.TempDir(); d = filepath.Dir(d) { // for the user that runs the servers
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TMPDIR", dir)
	primary, err := pgtest.Start(pgtest.Unsafe...)
	if err != nil {
		t.Fatal(err)
	}
	defer primary.Close()
	standby, err := primary.Standby(pgtest.Unsafe...)
	if err != nil {
		t.Fatal(err)
	}
	defer standby.Close()

	made := slices.Concat(memory(t, primary), memory(t, standby))
	primary.Kill()
	standby.Kill()
	if left := remaining(t, made); len(left) > 0 {
		t.Errorf("killed servers leave %q", left)
	}
	if err := primary.Restart(); err != nil {
		t.Fatal(err)
	}
	made = append(made, memory(t, primary)...)
	primary.Close()
	standby.Close()
	if left := remaining(t, made); len(left) > 0 {
		t.Errorf("closed servers leave %q", left)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("closed servers leave the files %v (%v)", entries, err)
	}
}

// memory returns the shared memory that a server has allocated: the ids of
// segments, and files in /dev/shm.
func memory(t *testing.T, s *pgtest.Server) (names []string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	var dir string
	if err := c.QueryRow(t.Context(), "SHOW data_directory").Scan(&dir); err != nil {
		t.Fatal(err)
	}
	pid, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(pid), "\n")
	names = append(names, strings.Fields(lines[6])[1])
	if len(remaining(t, names)) != 1 {
		t.Fatalf("a server that runs has no segment %s", names)
	}
	maps, _ := os.ReadFile("/proc/" + lines[0] + "/maps") // on Linux
	for field := range strings.FieldsSeq(string(maps)) {
		if strings.HasPrefix(field, "/dev/shm/") {
			names = append(names, field)
		}
	}
	return names
}

// remaining returns the names that still exist.
func remaining(t *testing.T, names []string) (left []string) {
	t.Helper()
	segments, err := exec.Command("ipcs", "-m").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		_, err := os.Stat(name)
		if err == nil || slices.Contains(strings.Fields(string(segments)), name) {
			left = append(left, name)
		}
	}
	return left
}

// TestSwitchOver checks that a standby has what was committed, that it takes over when
// promoted, and that the old server becomes its standby.
func TestSwitchOver(t *testing.T) {
	primary := pgtest.New(t, pgtest.Unsafe...)
	standby := pgtest.NewStandby(t, primary, pgtest.Unsafe...)
	if err := primary.Synchronize(t.Context()); err != nil {
		t.Fatal(err)
	}
	write := func(s *pgtest.Server, sql string) error {
		_, err := s.Exec(t.Context(), "postgres", sql)
		return err
	}
	if err := write(primary, "CREATE TABLE t AS SELECT 1"); err != nil {
		t.Fatal(err)
	}
	if err := write(standby, "DROP TABLE t"); err == nil {
		t.Error("a standby takes writes")
	}
	primary.Stop()
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := write(standby, "ALTER TABLE t RENAME TO u"); err != nil {
		t.Error(err)
	}
	if err := primary.Follow(standby); err != nil {
		t.Fatal(err)
	}
	if err := standby.Synchronize(t.Context()); err != nil {
		t.Errorf("the server before does not follow: %v", err)
	}
	if err := write(standby, "DROP TABLE u"); err != nil {
		t.Error(err)
	}
}
