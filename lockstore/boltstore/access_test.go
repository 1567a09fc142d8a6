//go:build unix

package boltstore_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestMayNotWrite checks that a folder or a file that the user must not write to is refused
// in one line, and that read permission is enough to read the bookings.
func TestMayNotWrite(t *testing.T) {
	dir := t.TempDir()
	d := newTestStore(t, filepath.Join(dir, "seats"), newEvent(t, "hamlet", 10, 0))
	d.lock("ann", "A1")
	d.confirm("ann", "A1")
	must(t, d.Close())
	must(t, os.Chmod(d.path, 0o444))
	must(t, os.Chmod(dir, 0o555))
	defer os.Chmod(dir, 0o755)

	if got := tryAsNobody(t, d.path); !strings.Contains(got, d.path) || !strings.Contains(got, "permission denied") || !strings.HasSuffix(got, "and 1 bookings") {
		t.Errorf("a file: %s", got)
	}
	if got := tryAsNobody(t, filepath.Join(dir, "new")); !strings.Contains(got, "cannot make it: permission denied") {
		t.Errorf("a folder: %s", got)
	}
}

// tryAsNobody returns what a process of a user other than root prints about the file. Root
// may do everything.
func tryAsNobody(t *testing.T, path string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		return try(path)
	}
	// Only root may use the folders of tests and of this program.
	for at := filepath.Dir(filepath.Dir(path)); at != os.TempDir() && len(at) > 1; at = filepath.Dir(at) {
		must(t, os.Chmod(at, 0o755))
	}
	program := filepath.Join(filepath.Dir(filepath.Dir(path)), "program")
	copyFile(t, program, os.Args[0])
	cmd := command(t, tryEnv+"=", path)
	cmd.Path = program
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	in, err := os.Open(from)
	must(t, err)
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	must(t, err)
	_, err = io.Copy(out, in)
	must(t, errors.Join(err, out.Close()))
}
