package boltstore

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestClaim checks what becomes of a file that another process renamed or removed
// before it was locked: it must never replace path, and the next process's
// unfinished file must stay.
func TestClaim(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile  func(unfinished, path string) error // what other processes did
		want       error
		unfinished bool // is there afterwards
	}{
		"nothing": {func(string, string) error { return nil }, nil, true},
		"the file was finished": {func(unfinished, path string) error {
			return os.Rename(unfinished, path)
		}, errCreated, false},
		"the file was finished, and another begun": {func(unfinished, path string) error {
			return errors.Join(os.Rename(unfinished, path), os.WriteFile(unfinished, nil, fileMode))
		}, errCreated, true},
		"the file was removed": {func(unfinished, _ string) error {
			return os.Remove(unfinished)
		}, ErrInUse, false},
		"the file was removed, and another begun": {func(unfinished, _ string) error {
			return errors.Join(os.Remove(unfinished), os.WriteFile(unfinished, nil, fileMode))
		}, ErrInUse, true},
		"another file was finished": {func(_, path string) error {
			return os.WriteFile(path, []byte("finished"), fileMode)
		}, errCreated, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "seats")
			unfinished := path + ".new"
			if err := os.WriteFile(unfinished, []byte("half"), fileMode); err != nil {
				t.Fatal(err)
			}
			f, err := openLocked(unfinished, os.O_RDWR)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := c.meanwhile(unfinished, path); err != nil {
				t.Fatal(err)
			}
			if err := claim(f, unfinished, path); !errors.Is(err, c.want) {
				t.Errorf("claim returned %v, want %v", err, c.want)
			}
			if _, err := os.Stat(unfinished); (err == nil) != c.unfinished {
				t.Errorf("the unfinished file is there: %v, want %v", err == nil, c.unfinished)
			}
		})
	}
}
