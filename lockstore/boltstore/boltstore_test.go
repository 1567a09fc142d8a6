package boltstore_test

import (
	"path/filepath"
	"testing"

	"seatlock/lockstore"
	"seatlock/lockstore/boltstore"
	"seatlock/lockstore/storetest"
)

// TestContract runs the suite on files of their own. What a file takes is no
// time in a bubble.
func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) lockstore.LockStore { return open(t, filepath.Join(t.TempDir(), "seats")) })
}

// TestContractInRealTime runs it on one file, where flights take time.
func TestContractInRealTime(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "seats"))
	storetest.RunInRealTime(t, func(*testing.T) lockstore.LockStore { return s })
}

// open opens a file until the test ends.
func open(t *testing.T, path string) *boltstore.Store {
	t.Helper()
	s, err := boltstore.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
