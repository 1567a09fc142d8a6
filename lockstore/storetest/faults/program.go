package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Build builds a program, named by its import path, and returns the path of the
// executable. The executable is in Go's build cache: an unchanged program is linked once
// for all processes that build it, and the caller must not remove it. Env is added to
// the environment, such as GOARCH=arm64; the flags are those of go build.
func Build(ctx context.Context, env []string, program string, flags ...string) (string, error) {
	for range 2 {
		// Only go run keeps an executable in the cache.
		cmd := exec.CommandContext(ctx, "go", slices.Concat([]string{"run", "-exec=echo"}, flags, []string{program})...)
		cmd.Env = append(os.Environ(), env...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("building %s: %w\n%s", program, err, &stderr)
		}
		// If go run has just linked it, it names a temporary file; the next go run
		// names the one in the cache.
		file := strings.TrimSpace(string(out))
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("building %s: Go's build cache does not keep it", program)
}

// A Server is a program that serves HTTP, as a process of its own.
type Server struct {
	*Process
	URL string // the first that the program logged
	Log *Log   // what the program has written
}

var servesAt = regexp.MustCompile(`url"?[=:]"?(https?://[^\s"]+)[\s"]`)

// Serve starts a program and returns once it has logged a url at which it serves.
// It ends the program and fails if the context ends before that.
func Serve(ctx context.Context, program string, args ...string) (*Server, error) {
	log := new(Log)
	p, err := StartProcess(log, nil, program, args...)
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	go func() {
		select {
		case <-p.Ended():
			end(errors.New("the program ended"))
		case <-ctx.Done():
		}
	}()
	url, err := log.URL(ctx)
	if err != nil {
		p.Kill()
		return nil, fmt.Errorf("%s does not serve: %w", program, err)
	}
	return &Server{p, url, log}, nil
}

// A Log keeps what a program writes, and can be read at the same time. The zero
// value is empty.
type Log struct {
	mu   sync.Mutex
	text []byte
}

// Write implements [io.Writer]. It never fails.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	return len(p), nil
}

// String returns what has been written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// URL waits until the program has logged a url at which it serves, and returns it.
// If the context ends first, the error wraps the context's cause and includes the
// log.
func (l *Log) URL(ctx context.Context) (string, error) {
	for {
		if found := servesAt.FindStringSubmatch(l.String()); found != nil {
			return found[1], nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%w\n%s", context.Cause(ctx), l)
		case <-time.After(time.Millisecond):
		}
	}
}
