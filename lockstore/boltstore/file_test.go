package boltstore_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
)

// TestChangesNoOtherFile checks that a file is made where an earlier process was
// killed while it made it, and that no other file is changed: not even one with
// the name that an older version used, which may be a user's copy.
func TestChangesNoOtherFile(t *testing.T) {
	whole, _, _ := soldFile(t)
	path := filepath.Join(t.TempDir(), "seats")
	others := map[string][]byte{path + ".new": whole, path + ".new-1": whole[:5000]}
	for name, content := range others {
		must(t, os.WriteFile(name, content, 0o600))
	}
	must(t, os.WriteFile(path, nil, 0o600))
	d := newTestStore(t, path, newEvent(t, "hamlet", 10, 0))
	d.lock("ann", "A1")
	d.reopen()
	if got := d.taken(); len(got) != 1 {
		t.Errorf("taken are %q", got)
	}
	for name, content := range others {
		if !bytes.Equal(readFile(name), content) {
			t.Errorf("%s was changed", name)
		}
	}
	if found, err := filepath.Glob(path + "*"); err != nil || len(found) != 1+len(others) {
		t.Errorf("the folder has %q, %v", found, err)
	}
}

// TestManyMakeTheFile checks that, if many stores create the same file at the same time,
// only one at a time has it open, and that it keeps what each of them wrote.
func TestManyMakeTheFile(t *testing.T) {
	t.Parallel()
	ev := newEvent(t, "hamlet", 10, 0)
	for round := range 6 {
		path := filepath.Join(t.TempDir(), "seats")
		if round%2 == 1 {
			must(t, os.WriteFile(path, nil, 0o600))
		}
		var all sync.WaitGroup
		var open atomic.Int64
		for _, seat := range ev.Seats {
			all.Go(func() {
				s, err := boltstore.Open(path)
				for ; errors.Is(err, boltstore.ErrInUse); s, err = boltstore.Open(path) {
					time.Sleep(100 * time.Microsecond)
				}
				if err != nil {
					t.Error(err)
					return
				}
				if open.Add(1) > 1 {
					t.Error("two stores have it open")
				}
				_, err = s.Do(t.Context(), ev, lockstore.Lock("ann", seat))
				open.Add(-1)
				if err := errors.Join(err, s.Close()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		d := newTestStore(t, path, ev)
		if got := d.taken(); len(got) != len(ev.Seats) {
			t.Fatalf("opened again it has %q", got)
		}
		if found, err := filepath.Glob(path + "*"); err != nil || len(found) != 1 {
			t.Errorf("the folder has %q, %v", found, err)
		}
	}
}

// TestFileIsReplaced checks that a store whose file was moved, removed, put out of reach,
// replaced or written to no longer acknowledges anything, and that its errors give the reason.
func TestFileIsReplaced(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(path string, copied []byte) error // copied is the file as it was before the last change
		why   string
		write error // the error of a call that changes something
	}{
		"removed": {func(path string, _ []byte) error {
			return os.Remove(path)
		}, "moved or removed", lockstore.ErrOutcomeUnknown},
		"moved": {func(path string, _ []byte) error {
			return os.Rename(path, path+".old")
		}, "moved or removed", lockstore.ErrOutcomeUnknown},
		"moved with its folder": {func(path string, _ []byte) error {
			return os.Rename(filepath.Dir(path), filepath.Dir(path)+".old")
		}, "moved or removed", lockstore.ErrOutcomeUnknown},
		"out of reach": {func(path string, _ []byte) error {
			folder := filepath.Dir(path)
			return errors.Join(os.Rename(folder, folder+".old"), os.Symlink(folder, folder))
		}, "cannot be reached any more", lockstore.ErrOutcomeUnknown},
		"replaced by a copy": {func(path string, copied []byte) error {
			return errors.Join(os.WriteFile(path+".copy", copied, 0o600), os.Rename(path+".copy", path))
		}, "replaced by another file", lockstore.ErrOutcomeUnknown},
		"overwritten by a copy": {func(path string, copied []byte) error {
			return os.WriteFile(path, copied, 0o600)
		}, "written to by another program", lockstore.ErrUnavailable},
	} {
		for _, changes := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				folder := filepath.Join(t.TempDir(), "folder")
				must(t, os.Mkdir(folder, 0o700))
				d := newTestStore(t, filepath.Join(folder, "seats"), newEvent(t, "hamlet", 10, 0))
				d.lock("ann", "A1")
				copied := readFile(d.path)
				d.confirm("ann", "A1")
				must(t, c.do(d.path, copied))

				op, want := lockstore.Confirm("ann", "A1"), lockstore.ErrUnavailable
				if changes {
					op, want = lockstore.Lock("ben", "A2"), c.write
				}
				if err := d.try(op); !errors.Is(err, want) || !strings.Contains(err.Error(), c.why) {
					t.Errorf("the first call: %v", err)
				}
				for _, op := range []lockstore.Op{lockstore.Confirm("ann", "A1"), lockstore.Lock("cat", "A3")} {
					if err := d.try(op); !errors.Is(err, lockstore.ErrUnavailable) || !strings.Contains(err.Error(), c.why) || strings.Contains(err.Error(), "\n") {
						t.Errorf("%s later: %v", op.Kind, err)
					}
				}
				if _, err := d.List(t.Context(), d.ev, ""); !errors.Is(err, lockstore.ErrUnavailable) {
					t.Errorf("list: %v", err)
				}
			})
		}
	}
}

func readFile(name string) []byte {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	return b
}
