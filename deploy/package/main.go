// Program package makes the zips of the Lambda functions. The same sources make
// the same bytes, wherever and whenever: a zip that did not change need not be
// deployed.
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

// functions are the folders of the functions.
var functions = []string{"lock", "confirm", "release", "list"}

// maxZip is the most bytes that a zip may have without an event file: a larger
// one starts later.
const maxZip = 4 << 20

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
		fmt.Fprintf(stderr, "usage: go run ./deploy/package [flags] [functions]\n\nWithout a name all are made: %q.\n", functions)
		flags.PrintDefaults()
	}
	arch := flags.String("arch", "arm64", "the `ARCHITECTURE` of the functions, arm64 or amd64")
	events := flags.String("events", "", "put the event `FILE` in; without it EVENTS_FILE must name one")
	store := flags.String("store", "redis", "what keeps the seats, `STORE` redis or postgres")
	dir := flags.String("o", "dist", "the `FOLDER` for the zips")
	if err := flags.Parse(args); err != nil {
		return err
	}
	names := functions
	if flags.NArg() > 0 {
		names = flags.Args()
	}
	for _, name := range names {
		if !slices.Contains(functions, name) {
			return fmt.Errorf("there is no function %q; there are %q", name, functions)
		}
	}
	if *arch != "arm64" && *arch != "amd64" {
		return fmt.Errorf("-arch %s: Lambda runs arm64 and amd64", *arch)
	}
	if *store != "redis" && *store != "postgres" {
		return fmt.Errorf("-store %s: it is redis or postgres", *store)
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
		fmt.Fprintf(stdout, "%s  %s  program %.2f MB, zip %.2f MB (at most %.0f)\n", sum, file, mb(len(program)), mb(size), mb(maxZip))
		if size-len(extra) > maxZip {
			return fmt.Errorf("%s has %d bytes, more than the %d that it may have", file, size, maxZip)
		}
	}
	return nil
}

func mb(bytes int) float64 { return float64(bytes) / (1 << 20) }

// eventFile reads and checks the file that goes into the zips.
func eventFile(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read the event file: %w", err)
	}
	defer f.Close()
	if _, err := venue.ReadEvents(name, f, venue.Defaults{LockTTL: time.Minute}); err != nil {
		return nil, err
	}
	return os.ReadFile(name)
}

// build builds a function as it is released and returns the program.
func build(ctx context.Context, arch, store, name string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "seatlock-package-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "bootstrap")
	// Without net/rpc, which the runtime client has for an older runtime, the
	// linker leaves out nearly half. The version of the sources is left out too:
	// another commit of the same sources is the same program.
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc,"+store, "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", file, "seatlock/functions/"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building %s (call this in the folder of the module): %w\n%s", name, err, out)
	}
	return os.ReadFile(file)
}

// pack writes a zip and returns its size and its SHA-256.
func pack(file string, program, events []byte) (int, string, error) {
	out, err := os.Create(file)
	if err != nil {
		return 0, "", err
	}
	defer out.Close() // a second time after success
	sum := sha256.New()
	counted := &counter{w: io.MultiWriter(out, sum)}
	z := zip.NewWriter(counted)
	err = add(z, "bootstrap", 0o755, program)
	if err == nil && events != nil {
		err = add(z, "events.json", 0o644, events)
	}
	if err := errors.Join(err, z.Close(), out.Close()); err != nil {
		return 0, "", fmt.Errorf("writing %s: %w", file, err)
	}
	return counted.n, fmt.Sprintf("%x", sum.Sum(nil)), nil
}

// add adds a file of no particular time.
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

// counter counts what is written.
type counter struct {
	w io.Writer
	n int
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += n
	return n, err
}
