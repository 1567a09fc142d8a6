package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestFailAt checks that a write may be on the disk as soon as it has begun, and certainly
// is once a sync that began after it has ended.
func TestFailAt(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	text := `1  100.000100 pwrite64(5</wal>, "\x61\x61", 2, 0) = 2 <0.000010>
1  100.000200 fdatasync(5</wal> <unfinished ...>
22 100.000300 pwrite64(7</wal>, "\x62", 1, 2 <unfinished ...>
22 100.000310 <... pwrite64 resumed>) = 1 <0.000010>
1  100.000400 <... fdatasync resumed>) = 0 <0.000200>
22 100.000500 fdatasync(7</wal>) = 0 <0.000100>
1  100.000700 pwrite64(5</wal>, "\x63", 1, 3 <unfinished ...>
1  100.000750 +++ killed by SIGKILL +++
`
	if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	steps, err := readWAL(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		us           int
		most, always int // how many of the four bytes may be there, and how many certainly are
	}{
		{50, 0, 0}, {150, 2, 0}, {350, 3, 0}, {399, 3, 0}, {400, 3, 2}, {599, 3, 2}, {600, 3, 3}, {800, 4, 3},
	} {
		at := time.Unix(100, int64(c.us)*1000)
		union, common := []byte("...."), []byte("aabc")
		for seed := range uint64(100) {
			got := failed(t, steps, at, seed)
			for i := range got {
				if got[i] == '.' {
					common[i] = '.'
				} else {
					union[i] = got[i]
				}
			}
		}
		if want := "aabc"[:c.most] + "...."[c.most:]; string(union) != want {
			t.Errorf("after %d µs there may be %s, want %s", c.us, union, want)
		}
		if want := "aabc"[:c.always] + "...."[c.always:]; string(common) != want {
			t.Errorf("after %d µs %s is certain, want %s", c.us, common, want)
		}
	}
}

// failed returns the contents of a file of dots after a power loss.
func failed(t *testing.T, steps []*walStep, at time.Time, seed uint64) []byte {
	t.Helper()
	name := filepath.Join(t.TempDir(), "wal")
	if err := os.WriteFile(name, bytes.Repeat([]byte("."), 4), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := failAt(file, steps, at, rand.New(rand.NewPCG(seed, 0))); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestBadLog checks that an unexpected system call is an error.
func TestBadLog(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, []byte("1 100.000100 pwritev(5</wal>, [], 1, 0) = 0 <0.000010>\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readWAL(log); err == nil {
		t.Error("pwritev is accepted")
	}
}
