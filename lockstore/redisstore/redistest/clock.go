package redistest

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// clockSource is a C library that adds a number of seconds, which it reads from a
// file, to the time of day.
//
//go:embed clock/clock.c
var clockSource []byte

// A Clock is a time of day that can be set, for the servers that [Clock.Start]
// starts.
type Clock struct {
	library string
	file    *os.File
}

// NewClock returns a clock with its files in dir. It needs a C compiler, cc.
func NewClock(dir string) (*Clock, error) {
	source, library := filepath.Join(dir, "clock.c"), filepath.Join(dir, "clock.so")
	if err := os.WriteFile(source, clockSource, 0o600); err != nil {
		return nil, err
	}
	if out, err := exec.Command("cc", "-shared", "-fPIC", "-O1", "-o", library, source).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compiling the clock: %w\n%s", err, out)
	}
	file, err := os.Create(filepath.Join(dir, "offset"))
	if err != nil {
		return nil, err
	}
	c := &Clock{library, file}
	return c, c.Set(0)
}

// Set makes the clock differ from the machine's by offset, cut to whole seconds.
func (c *Clock) Set(offset time.Duration) error {
	_, err := c.file.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(int64(offset/time.Second))), 0)
	return err
}

// Start is like the function [Start], for a server that uses the clock.
func (c *Clock) Start(dir string, args ...string) (*Server, error) {
	return startIn(dir, args, "LD_PRELOAD="+c.library, "CLOCK_OFFSET="+c.file.Name())
}
