package lockstore

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// changeLogSize is how many changed seats a [ChangeLog] remembers; who is
// further behind gets a full list.
const changeLogSize = 16384

// A ChangeLog numbers the changes of one event and remembers the last 16,384
// of them: which seats, not what became of them, since a delta tells how they
// are now. It answers List and Wait beside a [Seating]. It lives as long as its
// process: the Versions of another are none of its own. [NewChangeLog] makes
// one. It is not safe for concurrent use.
type ChangeLog struct {
	life    string // tells this log's Versions from those of any other
	changes uint64 // how many there have been
	ring    []int  // change n is at n % changeLogSize
	waiters chan struct{}

	current   Version // the Version of change currentOf, to format it once
	currentOf uint64
}

// NewChangeLog is the log of an event that nothing has happened to.
func NewChangeLog() ChangeLog {
	l := ChangeLog{life: strconv.FormatUint(rand.Uint64(), 36)}
	l.current = l.format(0)
	return l
}

func (l *ChangeLog) format(n uint64) Version {
	return Version(l.life + "-" + strconv.FormatUint(n, 10))
}

// Version is where the event stands.
func (l *ChangeLog) Version() Version {
	if l.currentOf != l.changes {
		l.current, l.currentOf = l.format(l.changes), l.changes
	}
	return l.current
}

// Add appends a change of each of the seats at those positions, which nobody
// may see a part of, and wakes who waits.
func (l *ChangeLog) Add(at []int) {
	for _, p := range at {
		if len(l.ring) < changeLogSize {
			l.ring = append(l.ring, p)
		} else {
			l.ring[l.changes%changeLogSize] = p
		}
		l.changes++
	}
	if len(at) > 0 && l.waiters != nil {
		close(l.waiters)
		l.waiters = nil
	}
}

// Next returns nil if the event is beyond that Version, or was never at it,
// else a channel that is closed by the next change.
func (l *ChangeLog) Next(v Version) <-chan struct{} {
	if v != l.Version() {
		return nil
	}
	if l.waiters == nil {
		l.waiters = make(chan struct{})
	}
	return l.waiters
}

// since returns the positions, ascending and each once, that changed after
// the Version, and whether the log knows that.
func (l *ChangeLog) since(v Version) ([]int, bool) {
	life, number, _ := strings.Cut(string(v), "-")
	from, err := strconv.ParseUint(number, 10, 64)
	if life != l.life || err != nil || from > l.changes || l.changes-from > changeLogSize {
		return nil, false
	}
	changed := make([]int, 0, l.changes-from)
	for n := from; n < l.changes; n++ {
		changed = append(changed, l.ring[n%changeLogSize])
	}
	slices.Sort(changed)
	return slices.Compact(changed), true
}
