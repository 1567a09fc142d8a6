package boltstore

import "time"

// A clock is set from the time of day when the store is opened and then runs on
// its own. It is the store's clock; the file has the time of day.
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
// Both are in Unix milliseconds.
type wallClock struct {
	now   int64 // on the store's clock
	ahead int64 // what to add to a time on the store's clock to get the time of day
}

// wall rounds the time of day up: a lock that is read back later must not end
// early.
func (c clock) wall() wallClock {
	now := time.Now()
	own := c.day.Add(now.Sub(c.began))
	ahead := now.Round(0).Sub(own) + time.Millisecond - 1
	return wallClock{own.UnixMilli(), time.Unix(0, int64(ahead)).UnixMilli()}
}
