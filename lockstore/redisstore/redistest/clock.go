package redistest

import (
	_ "embed"
	"time"
)

// clockSource is a C library that adds a number of seconds to the time of day.
//
//go:embed clock/clock.c
var clockSource []byte

// A Clock is a time of day that can be set, for the servers that [Clock.Start]
// starts.
type Clock struct{ preload }

// NewClock returns a clock with its files in dir. It needs a C compiler, cc.
func NewClock(dir string) (*Clock, error) {
	p, err := newPreload(dir, "clock", "CLOCK_OFFSET", clockSource)
	return &Clock{p}, err
}

// Set makes the clock differ from the machine's by offset, truncated to whole seconds.
func (c *Clock) Set(offset time.Duration) error { return c.set(int64(offset / time.Second)) }

// Start is like the function [Start], for a server that uses the clock.
func (c *Clock) Start(dir string, args ...string) (*Server, error) { return c.start(dir, args) }
