package engine

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"seatlock/lockstore"
)

// logSize is the number of changed seats that a [Log] keeps. A reader that is
// further behind gets a full list.
const logSize = 16384

// A Log numbers the changes of one event and keeps the last 16,384 of them:
// which seats changed, not how, because a delta shows how they are now. It does
// not know the Versions of another log, such as one of an earlier process. [NewLog]
// makes one. It is not safe for concurrent use.
type Log struct {
	id      string  // part of every Version, and different in every log
	changes uint64  // the number of changes so far
	ring    []int32 // change n is at n % logSize
	waiters chan struct{}

	current   lockstore.Version // of change currentOf, so that it is formatted once
	currentOf uint64
}

// NewLog returns the log of an event without any change.
func NewLog() Log {
	l := Log{id: strconv.FormatUint(rand.Uint64(), 36)}
	l.current = l.format(0)
	return l
}

func (l *Log) format(n uint64) lockstore.Version {
	return lockstore.Version(l.id + "-" + strconv.FormatUint(n, 10))
}

// Version returns the Version after the last change.
func (l *Log) Version() lockstore.Version {
	if l.currentOf != l.changes {
		l.current, l.currentOf = l.format(l.changes), l.changes
	}
	return l.current
}

// Add appends a change of the seats at those positions and wakes the waiters. No
// reader sees a part of it.
func (l *Log) Add(at []int) {
	for _, p := range at {
		if len(l.ring) < logSize {
			l.ring = append(l.ring, int32(p))
		} else {
			l.ring[l.changes%logSize] = int32(p)
		}
		l.changes++
	}
	if len(at) > 0 && l.waiters != nil {
		close(l.waiters)
		l.waiters = nil
	}
}

// Restart makes the log forget its Versions and wakes the waiters.
func (l *Log) Restart() {
	if l.waiters != nil {
		close(l.waiters)
	}
	*l = NewLog()
}

// Next returns a channel that is closed at the next change, or nil if the event is
// not at that Version.
func (l *Log) Next(v lockstore.Version) <-chan struct{} {
	if v != l.Version() {
		return nil
	}
	if l.waiters == nil {
		l.waiters = make(chan struct{})
	}
	return l.waiters
}

// since returns the positions that have changed since the Version, ascending and
// each once. It reports false if the log does not reach back that far.
func (l *Log) since(v lockstore.Version) ([]int, bool) {
	id, number, _ := strings.Cut(string(v), "-")
	from, err := strconv.ParseUint(number, 10, 64)
	if id != l.id || err != nil || from > l.changes || l.changes-from > logSize {
		return nil, false
	}
	changed := make([]int, 0, l.changes-from)
	for n := from; n < l.changes; n++ {
		changed = append(changed, int(l.ring[n%logSize]))
	}
	slices.Sort(changed)
	return slices.Compact(changed), true
}
