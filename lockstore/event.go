package lockstore

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// An EventID names an event: 1 to [MaxIDLen] letters, digits, '_', '.' and '-'.
type EventID string

// MaxLockTTL is the longest time that a lock may last.
const MaxLockTTL = 30 * 24 * time.Hour

// An Event is what seats are sold for, such as a concert. MaxLock and
// Revision may be set before its first use; nothing may be changed afterwards.
type Event struct {
	*Layout // may be shared by any number of events

	ID        EventID
	LockTTL   time.Duration // how long a lock lasts, in whole milliseconds
	SeatLimit int           // the most seats that one user may have locked and booked together; 0 is no limit

	// MaxLock is the longest that an extended lock may last, counted from when it
	// was made. A value above [MaxLockTTL] counts as [MaxLockTTL]. [NewEvent] sets
	// it to 40 minutes, or to LockTTL if that is longer.
	MaxLock time.Duration

	// Revision orders the layouts of an event: see [LockStore]. NewEvent sets it
	// to 0.
	Revision int
}

// NewEvent returns an event with the seats of the layout. It returns an
// [*InvalidError] unless the id is valid, the layout is not nil, lockTTL is 1 ms to
// [MaxLockTTL] and seatLimit is not negative. NewEvent truncates lockTTL to whole
// milliseconds.
func NewEvent(id EventID, layout *Layout, lockTTL time.Duration, seatLimit int) (*Event, error) {
	if err := id.Check(); err != nil {
		return nil, err
	}
	if layout == nil {
		return nil, invalid("event %s: the layout is missing", id)
	}
	if !lockTime(lockTTL) {
		return nil, invalid("event %s: a lock must last from 1ms to %v, not %v", id, MaxLockTTL, lockTTL)
	}
	if seatLimit < 0 {
		return nil, invalid("event %s: the seat limit must be a number of seats, or 0 for none, not %d", id, seatLimit)
	}
	return &Event{
		Layout:    layout,
		ID:        id,
		LockTTL:   lockTTL.Truncate(time.Millisecond),
		SeatLimit: seatLimit,
		MaxLock:   max(40*time.Minute, lockTTL.Truncate(time.Millisecond)),
	}, nil
}

// LongestLock returns the longest that a lock may last, counted from when it was
// made, if op extends it. The result is in whole milliseconds.
func (ev *Event) LongestLock(op *Op) time.Duration {
	return min(cmp.Or(op.Cap, ev.MaxLock), MaxLockTTL).Truncate(time.Millisecond)
}

// MaxIDLen is the length in bytes of the longest [EventID], [SeatID] and [Version].
const MaxIDLen = 64

// Check returns an [*InvalidError] unless the id is valid.
func (id EventID) Check() error {
	if !plain(string(id), "_.-") {
		return invalid("an event id is 1 to %d letters, digits, '_', '.' and '-', not %s", MaxIDLen, quote(string(id)))
	}
	return nil
}

// Check returns an [*InvalidError] unless the version is empty or has the form
// of one that a store made.
func (v Version) Check() error {
	if v != "" && !plain(string(v), "_.-") {
		return invalid("a version is what an earlier list gave, not %s", quote(string(v)))
	}
	return nil
}

// plain reports whether the id has 1 to MaxIDLen bytes, all of them letters,
// digits or one of the marks.
func plain(id string, marks string) bool {
	if len(id) == 0 || len(id) > MaxIDLen {
		return false
	}
	for i := range len(id) {
		c := id[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		default:
			if strings.IndexByte(marks, c) < 0 {
				return false
			}
		}
	}
	return true
}

// quote renders a refused id so that it can neither flood nor forge an error.
func quote(id string) string {
	const most = 80
	if len(id) > most {
		return fmt.Sprintf("%+q… (%d bytes)", id[:most], len(id))
	}
	return fmt.Sprintf("%+q", id)
}
