package main

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// made makes zips in a folder of their own and returns them by name.
func made(t *testing.T, args ...string) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	var out bytes.Buffer
	if err := run(t.Context(), append([]string{"-o", dir}, args...), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	zips := make(map[string][]byte)
	for _, name := range functions {
		if !slices.Contains(args, name) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, name+".zip"))
		if err != nil {
			t.Fatal(err)
		}
		zips[name] = data
		if !strings.Contains(out.String(), filepath.Join(dir, name+".zip")) {
			t.Errorf("it does not say that it made %s: %s", name, out.String())
		}
	}
	return zips
}

// TestZips: Lambda finds in them what it starts, and the same sources make the
// same bytes.
func TestZips(t *testing.T) {
	events := filepath.Join("..", "..", "local", "events", "theatre.json")
	first, second := made(t, "-events", events, "list"), made(t, "-events", events, "list")
	want, err := os.ReadFile(events)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range first {
		if !bytes.Equal(data, second[name]) {
			t.Errorf("%s.zip is not the same twice", name)
		}
		if len(data) > maxZip {
			t.Errorf("%s.zip has %d bytes", name, len(data))
		}
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		if len(z.File) != 2 || z.File[0].Name != "bootstrap" || z.File[0].Mode() != 0o755 || z.File[1].Name != "events.json" {
			t.Fatalf("%s.zip has %d files, the first %s with mode %v", name, len(z.File), z.File[0].Name, z.File[0].Mode())
		}
		program, err := elf.NewFile(bytes.NewReader(unpacked(t, z.File[0])))
		if err != nil {
			t.Fatal(err)
		}
		if program.Machine != elf.EM_AARCH64 {
			t.Errorf("%s is for %v", name, program.Machine)
		}
		if libraries, err := program.ImportedLibraries(); err != nil || len(libraries) > 0 {
			t.Errorf("%s needs %q, %v", name, libraries, err)
		}
		if !bytes.Equal(unpacked(t, z.File[1]), want) {
			t.Errorf("%s.zip has another event file", name)
		}
	}
}

func unpacked(t *testing.T, f *zip.File) []byte {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestOtherArchitecture(t *testing.T) {
	data := made(t, "-arch", "amd64", "lock")["lock"]
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	program, err := elf.NewFile(bytes.NewReader(unpacked(t, z.File[0])))
	if err != nil {
		t.Fatal(err)
	}
	if program.Machine != elf.EM_X86_64 || len(z.File) != 1 {
		t.Errorf("it is for %v, and the zip has %d files", program.Machine, len(z.File))
	}
}

// TestOtherStore: a program has one client alone, that of the store it is made for.
func TestOtherStore(t *testing.T) {
	for store, has := range map[string]string{"redis": "go-redis", "postgres": "jackc/pgx"} {
		data := made(t, "-store", store, "lock")["lock"]
		if len(data) > maxZip {
			t.Errorf("with -store %s it has %d bytes", store, len(data))
		}
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		program := unpacked(t, z.File[0])
		for _, client := range []string{"go-redis", "jackc/pgx"} {
			if bytes.Contains(program, []byte(client)) != (client == has) {
				t.Errorf("with -store %s it has %s: %v", store, client, client != has)
			}
		}
	}
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
