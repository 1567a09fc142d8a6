package main

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"seatlock/lockstore/storetest/faults"
)

// made runs the program, which makes the zip of a function in a folder of its
// own, and returns the zip, and what is in it by name. As a process of its own:
// the race detector would make the compression take ten times as long.
func made(t *testing.T, function string, flags ...string) (data []byte, files map[string][]byte) {
	t.Helper()
	program, err := faults.Build(t.Context(), nil, "seatlock/deploy/package")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), function+".zip")
	out, err := exec.CommandContext(t.Context(), program, slices.Concat([]string{"-o", filepath.Dir(file)}, flags, []string{function})...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), file) {
		t.Errorf("it does not say that it made %s: %s", file, out)
	}
	data, err = os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > maxZip {
		t.Errorf("%s with %q has %d bytes", function, flags, len(data))
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if z.File[0].Name != "bootstrap" || z.File[0].Mode() != 0o755 {
		t.Fatalf("the first file is %s with mode %v", z.File[0].Name, z.File[0].Mode())
	}
	files = make(map[string][]byte)
	for _, f := range z.File {
		if files[f.Name], err = fs.ReadFile(z, f.Name); err != nil {
			t.Fatal(err)
		}
	}
	return data, files
}

// isFor holds a program to its processor, and to the store whose client alone it
// has. It must need no library.
func isFor(t *testing.T, program []byte, machine elf.Machine, client string) {
	t.Helper()
	read, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	if read.Machine != machine {
		t.Errorf("it is for %v, want %v", read.Machine, machine)
	}
	if libraries, err := read.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("it needs %q, %v", libraries, err)
	}
	for _, c := range []string{"go-redis", "jackc/pgx"} {
		if bytes.Contains(program, []byte(c)) != (c == client) {
			t.Errorf("it has %s: %v", c, c != client)
		}
	}
}

// TestZip: Lambda finds in it what it starts, and the same sources make the
// same bytes.
func TestZip(t *testing.T) {
	events := filepath.Join("..", "..", "local", "events", "theatre.json")
	first, files := made(t, "list", "-events", events)
	if second, _ := made(t, "list", "-events", events); !bytes.Equal(first, second) {
		t.Error("it is not the same twice")
	}
	want, err := os.ReadFile(events)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 || !bytes.Equal(files["events.json"], want) {
		t.Errorf("it has %d files, or another event file", len(files))
	}
	isFor(t, files["bootstrap"], elf.EM_AARCH64, "go-redis")
}

func TestOtherArchitecture(t *testing.T) {
	_, files := made(t, "lock", "-arch", "amd64")
	if len(files) != 1 {
		t.Errorf("without an event file it has %d files", len(files))
	}
	isFor(t, files["bootstrap"], elf.EM_X86_64, "go-redis")
}

func TestOtherStore(t *testing.T) {
	_, files := made(t, "lock", "-store", "postgres")
	isFor(t, files["bootstrap"], elf.EM_AARCH64, "jackc/pgx")
}

// TestRefused: nothing is made of what is wrong.
func TestRefused(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-arch", "386"}, {"-store", "file"}, {"-events", "nowhere"}, {"-events", broken}, {"word"}, {"-nonsense"}} {
		dir := t.TempDir()
		if err := run(t.Context(), append([]string{"-o", dir}, args...), io.Discard, io.Discard); err == nil {
			t.Errorf("%q is taken", args)
		}
		if made, err := os.ReadDir(dir); err != nil || len(made) > 0 {
			t.Errorf("%q makes %v, %v", args, made, err)
		}
	}
}
