package powerloss_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"seatlock/lockstore/storetest/faults"
	"seatlock/lockstore/storetest/powerloss"
)

// writerEnv makes this program write to files in the folder that the variable names.
const writerEnv = "POWERLOSS_TEST_WRITER"

func TestMain(m *testing.M) {
	folder, is := os.LookupEnv(writerEnv)
	if !is {
		os.Exit(m.Run())
	}
	if err := writeFiles(folder); err != nil {
		fmt.Println(err)
	}
}

// writeFiles makes a file of two sectors of 1, writes 2 over them, and makes another
// file. Only the first step is synced.
func writeFiles(folder string) error {
	f, err := os.Create(filepath.Join(folder, "new"))
	if err != nil {
		return err
	}
	_, err = f.WriteAt(bytes.Repeat([]byte("1"), 1024), 0)
	err = errors.Join(err, f.Sync(), os.Rename(f.Name(), filepath.Join(folder, "file")))
	d, openErr := os.Open(folder)
	if err := errors.Join(err, openErr, d.Sync()); err != nil {
		return err
	}
	fmt.Println("synced")
	_, err = f.WriteAt(bytes.Repeat([]byte("2"), 1024), 0)
	fmt.Println("written")
	other, openErr := os.Create(filepath.Join(folder, "other"))
	return errors.Join(err, openErr, other.Close(), f.Close(), d.Close())
}

// text returns the names of the files, each with the first byte of every sector.
func text(image powerloss.Image) (text string) {
	for _, name := range slices.Sorted(maps.Keys(image.Files)) {
		text += name + " "
		for sector := range slices.Chunk(image.Files[name], 512) {
			text += string(sector[:1])
		}
		text += " "
	}
	return text
}

// TestImages checks that a disk has everything that was synced and any part of the
// rest, that one that does not wait may have nothing, and that a kill leaves everything that
// was written.
func TestImages(t *testing.T) {
	faults.Need(t, powerloss.Program, "losses of power were not replayed")
	folder, log := t.TempDir(), filepath.Join(t.TempDir(), "log")
	cmd := powerloss.Command(t.Context(), log, os.Args[0])
	cmd.Env = append(os.Environ(), writerEnv+"="+folder)
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "synced\nwritten\n" {
		t.Fatalf("%v: %s", err, out)
	}
	r, err := powerloss.New(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Add(log); err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	images := func(at int, early bool) []string {
		all := make(map[string]bool)
		for range 500 {
			all[text(r.Image(at, early, rnd))] = true
		}
		return slices.Sorted(maps.Keys(all))
	}
	said := r.Said()
	if len(said) != 2 {
		t.Fatalf("it wrote at %v", said)
	}
	if got := images(0, false); !slices.Equal(got, []string{""}) {
		t.Errorf("at the beginning: %q", got)
	}
	if got := images(said[0].At, false); !slices.Equal(got, []string{"file 11 "}) {
		t.Errorf("after the sync: %q", got)
	}
	if got := images(said[1].At, false); !slices.Equal(got, []string{"file 11 ", "file 12 ", "file 21 ", "file 22 "}) {
		t.Errorf("after a write without a sync: %q", got)
	}
	if got := images(r.Len()-1, false); len(got) != 8 {
		t.Errorf("at the end: %q", got)
	}
	if got := images(said[0].At, true); !slices.Contains(got, "") || !slices.Contains(got, "new  ") || !slices.Contains(got, "file 11 ") {
		t.Errorf("of a disk that confirms too early: %q", got)
	}
	if got := text(r.Synced(said[1].At)); got != "file 11 " {
		t.Errorf("synced after a write without a sync is %q", got)
	}
	if err := r.Kill(said[1].At); err != nil {
		t.Fatal(err)
	}
	found := powerloss.Image{Files: make(map[string][]byte)}
	for _, name := range []string{"new", "file", "other"} {
		if content, err := os.ReadFile(filepath.Join(folder, name)); err == nil {
			found.Files[name] = content
		}
	}
	if got := text(found); got != "file 22 " || r.Len() != said[1].At+1 {
		t.Errorf("killed after that, at %d of %d, it leaves %q", said[1].At, r.Len(), got)
	}
}
