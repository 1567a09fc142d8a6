package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/base64"
	"encoding/json"
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

// made runs the program to make the zip of a function, and returns the zip and its
// files by name. The program runs in a process of its own because the race detector
// would slow the compression tenfold.
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
		t.Errorf("the output is %q, want it to name %s", out, file)
	}
	data, err = os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > maxZip {
		t.Errorf("%s with %q has %d bytes, want at most %d", function, flags, len(data), maxZip)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if z.File[0].Name != "bootstrap" || z.File[0].Mode() != 0o755 {
		t.Fatalf("the first file is %s with mode %v, want bootstrap with mode 0755", z.File[0].Name, z.File[0].Mode())
	}
	files = make(map[string][]byte)
	for _, f := range z.File {
		if files[f.Name], err = fs.ReadFile(z, f.Name); err != nil {
			t.Fatal(err)
		}
	}
	return data, files
}

// isFor checks that a binary is for the machine, contains the client of its store
// and no other, and is statically linked.
func isFor(t *testing.T, program []byte, machine elf.Machine, client string) {
	t.Helper()
	read, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	if read.Machine != machine {
		t.Errorf("the program is for %v, want %v", read.Machine, machine)
	}
	if libraries, err := read.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("the program needs %q, %v, want no libraries", libraries, err)
	}
	for _, c := range []string{"go-redis", "jackc/pgx"} {
		if has := bytes.Contains(program, []byte(c)); has != (c == client) {
			t.Errorf("the program contains %s: %v, want %v", c, has, c == client)
		}
	}
}

// TestZip checks that a zip has the program under the name that Lambda starts, and
// the event file, and that the same sources make the same bytes.
func TestZip(t *testing.T) {
	events := filepath.Join("..", "..", "local", "events", "theatre.json")
	first, files := made(t, "list", "-events", events)
	if second, _ := made(t, "list", "-events", events); !bytes.Equal(first, second) {
		t.Error("two zips of the same sources differ")
	}
	want, err := os.ReadFile(events)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 || !bytes.Equal(files["events.json"], want) {
		t.Errorf("the zip has %d files, want bootstrap and the event file as it was", len(files))
	}
	isFor(t, files["bootstrap"], elf.EM_AARCH64, "go-redis")
}

func TestOtherArchitecture(t *testing.T) {
	_, files := made(t, "lock", "-arch", "amd64")
	if len(files) != 1 {
		t.Errorf("a zip without an event file has %d files, want 1", len(files))
	}
	isFor(t, files["bootstrap"], elf.EM_X86_64, "go-redis")
}

func TestOtherStore(t *testing.T) {
	_, files := made(t, "lock", "-store", "postgres")
	isFor(t, files["bootstrap"], elf.EM_AARCH64, "jackc/pgx")
}

// TestRefused checks that wrong arguments are refused and make no zip.
func TestRefused(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	// 200,000 seats with long names that cannot be compressed: the list is too large for
	// Lambda.
	names := make([]string, 200_000)
	for i := range names {
		name := sha256.Sum256([]byte{byte(i), byte(i >> 8), byte(i >> 16)})
		names[i] = base64.RawURLEncoding.EncodeToString(name[:])
	}
	text, err := json.Marshal(map[string]any{"events": []any{map[string]any{"id": "huge", "name": "Huge", "seats": names}}})
	if err != nil {
		t.Fatal(err)
	}
	large := filepath.Join(t.TempDir(), "large.json")
	if err := os.WriteFile(large, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := eventFile(large); err == nil || !strings.Contains(err.Error(), "event huge: its list would have") {
		t.Errorf("an event whose list is too large: %v", err)
	}
	if _, err := eventFile(filepath.Join("..", "..", "local", "events", "arena.json")); err != nil {
		t.Errorf("the arena: %v", err)
	}
	for _, args := range [][]string{{"-arch", "386"}, {"-store", "file"}, {"-events", "nowhere"}, {"-events", broken}, {"word"}, {"-nonsense"}} {
		dir := t.TempDir()
		if err := run(t.Context(), append([]string{"-o", dir}, args...), io.Discard, io.Discard); err == nil {
			t.Errorf("%q is accepted, want an error", args)
		}
		if made, err := os.ReadDir(dir); err != nil || len(made) > 0 {
			t.Errorf("%q makes %v, %v, want no files", args, made, err)
		}
	}
}
