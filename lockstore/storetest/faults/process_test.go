package faults_test

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"seatlock/lockstore/storetest/faults"
)

// TestKillWaitsForNoDescendant checks that Kill returns although a process that the
// program started outlives it and holds its output.
func TestKillWaitsForNoDescendant(t *testing.T) {
	t.Parallel()
	var out lockedBuffer
	p, err := faults.StartProcess(&out, nil, "sh", "-c", "sleep 600 & echo $!; exec sleep 600")
	if err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(out.String(), "\n") {
		time.Sleep(time.Millisecond)
	}
	descendant, err := strconv.Atoi(strings.TrimSpace(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(descendant, syscall.SIGKILL) })
	p.Kill()
	if err := syscall.Kill(p.PID(), 0); err == nil {
		t.Error("the program is there")
	}
	if err := syscall.Kill(descendant, 0); err != nil {
		t.Errorf("the process that it started: %v", err)
	}
	if !strings.Contains(out.String(), "sh has ended") {
		t.Errorf("the output does not say what was waited for: %q", out.String())
	}
}

// TestProcessOutput checks that all that a program writes arrives, without the line
// that is not its own.
func TestProcessOutput(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p, err := faults.StartProcess(&out, nil, "sh", "-c", "echo one; echo two >&2")
	if err != nil {
		t.Fatal(err)
	}
	<-p.Ended()
	if out.String() != "one\ntwo\n" {
		t.Errorf("the output is %q", out.String())
	}
}

// A lockedBuffer may be read while it is written to.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
