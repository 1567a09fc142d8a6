package memstore

import "time"

// A clock is set from the time of day at its start and then runs on its own.
type clock struct {
	start time.Time     // with its monotonic reading
	epoch time.Duration // from 1970 to start
}

func newClock() clock {
	start := time.Now()
	return clock{start: start, epoch: time.Duration(start.UnixNano())}
}

// now returns the time on the clock in Unix milliseconds.
func (c *clock) now() int64 { return (c.epoch + time.Since(c.start)).Milliseconds() }
