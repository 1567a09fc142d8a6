package boltstore

import "time"

// A clock is set from the time of day when the store is opened and runs on by
// itself. Its readings are the times of a [lockstore.Seating]; what is written
// to the file is the time of day.
type clock struct{ start time.Time }

func newClock() clock { return clock{time.Now()} }

func (c clock) now() time.Duration { return time.Since(c.start) }

// A dial tells readings of the clock from the time of day and the other way
// round, as they are to each other at one moment.
type dial struct {
	wall time.Time // without a reading of the monotonic clock
	now  time.Duration
}

func (c clock) dial() dial {
	now := time.Now()
	return dial{now.Round(0), now.Sub(c.start)}
}

// millis is the time of day of a reading, in ms since 1970, rounded up: what is
// read back later does not end early.
func (d dial) millis(reading time.Duration) int64 {
	return d.wall.Add(reading - d.now + time.Millisecond - 1).UnixMilli()
}

// reading is the other way round.
func (d dial) reading(millis int64) time.Duration {
	return time.UnixMilli(millis).Sub(d.wall) + d.now
}
