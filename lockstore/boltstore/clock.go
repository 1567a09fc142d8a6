package boltstore

import "time"

// A clock is the store's clock. It is set from the time of day when the store is opened and
// then runs on its own. The file contains times of day.
type clock struct {
	began time.Time // with its monotonic reading
	day   time.Time // the time of day at began
}

func newClock() clock {
	now := time.Now()
	return clock{began: now, day: now.Round(0)}
}

// now returns the time on the clock in Unix milliseconds.
func (c clock) now() int64 { return c.day.Add(time.Since(c.began)).UnixMilli() }

// A wallClock compares the time of day with the store's clock at one moment.
//
// Its methods round up in both directions, so that a lock that is read from the file never
// ends earlier than was acknowledged.
type wallClock struct {
	now   int64         // on the store's clock, in Unix milliseconds, rounded up
	ahead time.Duration // by which the time of day is ahead of the store's clock
}

// wall compares the clocks now.
func (c clock) wall() wallClock {
	now := time.Now()
	own := c.day.Add(now.Sub(c.began))
	return wallClock{-floor(-own.UnixNano()), now.Round(0).Sub(own)}
}

// toWall returns the time of day at a time on the store's clock.
func (w wallClock) toWall(ms int64) int64 { return ms - floor(-w.ahead.Nanoseconds()) }

// fromWall returns the time on the store's clock at a time of day.
func (w wallClock) fromWall(ms int64) int64 { return ms - floor(w.ahead.Nanoseconds()) }

// floor returns nanoseconds as milliseconds, rounded down.
func floor(ns int64) int64 { return time.Unix(0, ns).UnixMilli() }
