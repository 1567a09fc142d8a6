// Package builds the zips of the Lambda functions. The same sources make the same
// bytes on any machine, so that an unchanged zip need not be deployed again.
package main

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"time"

	"seatlock/functions/venue"
)

// functions are the names of the functions, which are also their folders.
var functions = []string{"lock", "confirm", "release", "list", "operate", "checkout"}

// maxZip is the largest size in bytes of a zip without the event file. Larger ones
// start more slowly.
const maxZip = 4<<20 + 704<<10 // amd64 needs the most

// maxCheckout is maxZip for the function that has Stripe's library.
const maxCheckout = 5<<20 + 512<<10 // amd64 with PostgreSQL needs the most

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("package", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: go run ./deploy/package [flags] [functions]\n\nMakes the zips of the named functions, or of all: %q.\n", functions)
		flags.PrintDefaults()
	}
	arch := flags.String("arch", "arm64", "build for the `ARCHITECTURE` arm64 or amd64")
	events := flags.String("events", "", "put the event file `FILE` into the zips; without it, EVENTS_FILE must name the file")
	store := flags.String("store", "redis", "build for the `STORE` redis or postgres")
	dir := flags.String("o", "dist", "write the zips to `FOLDER`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	names := functions
	if flags.NArg() > 0 {
		names = flags.Args()
	}
	for _, name := range names {
		if !slices.Contains(functions, name) {
			return fmt.Errorf("function %q: must be one of %q", name, functions)
		}
	}
	if *arch != "arm64" && *arch != "amd64" {
		return fmt.Errorf("-arch %s: must be arm64 or amd64", *arch)
	}
	if *store != "redis" && *store != "postgres" {
		return fmt.Errorf("-store %s: must be redis or postgres", *store)
	}
	extra, err := eventFile(*events)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*dir, 0o755); err != nil {
		return err
	}
	for _, name := range names {
		program, err := build(ctx, *arch, *store, name)
		if err != nil {
			return err
		}
		file := filepath.Join(*dir, name+".zip")
		size, sum, err := pack(file, program, extra)
		if err != nil {
			return err
		}
		most := maxZip
		if name == "checkout" {
			most = maxCheckout
		}
		fmt.Fprintf(stdout, "%s  %s  program %.2f MB, zip %.2f MB (at most %.2f)\n", sum, file, mb(len(program)), mb(size), mb(most))
		if size-len(extra) > most {
			return fmt.Errorf("%s has %d bytes; must have at most %d, not counting the event file", file, size, most)
		}
	}
	return nil
}

func mb(bytes int) float64 { return float64(bytes) / (1 << 20) }

// eventFile reads and checks the event file. Without a name it returns nil.
func eventFile(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	events, err := venue.ReadFile(name, venue.Defaults{LockTTL: time.Minute})
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		if n, err := payload(e); err != nil {
			return nil, err
		} else if n > maxPayload {
			return nil, fmt.Errorf("%s: event %s: its list would have %d bytes with every seat locked, and Lambda's answers may have at most %d; split the event", name, e.ID, n, maxPayload)
		}
	}
	return os.ReadFile(name)
}

// build compiles a function and returns the binary.
func build(ctx context.Context, arch, store, name string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "seatlock-package-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "bootstrap")
	// lambda.norpc omits net/rpc, which only an older runtime needs and which is
	// nearly half of the binary. -buildvcs=false omits the commit, so that another
	// commit with the same sources builds the same bytes.
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc,"+store, "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", file, "seatlock/functions/"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cannot build %s (must be run in the folder of the module): %w\n%s", name, err, out)
	}
	return os.ReadFile(file)
}

// pack writes a zip and returns its size and its SHA-256.
func pack(file string, program, events []byte) (int, string, error) {
	out, err := os.Create(file)
	if err != nil {
		return 0, "", err
	}
	defer out.Close() // closes it a second time after success
	sum := sha256.New()
	counted := &counter{w: io.MultiWriter(out, sum)}
	z := zip.NewWriter(counted)
	err = add(z, "bootstrap", 0o755, program)
	if err == nil && events != nil {
		err = add(z, "events.json", 0o644, events)
	}
	if err := errors.Join(err, z.Close(), out.Close()); err != nil {
		return 0, "", fmt.Errorf("cannot write %s: %w", file, err)
	}
	return counted.n, fmt.Sprintf("%x", sum.Sum(nil)), nil
}

// add adds a file without a modification time, which would change the bytes.
func add(z *zip.Writer, name string, mode os.FileMode, data []byte) error {
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(mode)
	w, err := z.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

// A counter counts the bytes written through it.
type counter struct {
	w io.Writer
	n int
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += n
	return n, err
}
