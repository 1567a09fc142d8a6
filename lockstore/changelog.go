package lockstore

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// changeLogSize is how many changed seats a [Memory] remembers of an event;
// who is further behind gets a full list.
const changeLogSize = 16384

// changeLog numbers the changes of one event and remembers the last
// changeLogSize of them: which seats, not what became of them, since a delta
// tells how they are now.
type changeLog struct {
	life    string // tells this log's Versions from those of any other
	changes uint64 // how many there have been
	ring    []int  // change n is at n % changeLogSize
	waiters chan struct{}

	current   Version // the Version of change currentOf, to format it once
	currentOf uint64
}

func newChangeLog() changeLog {
	l := changeLog{life: strconv.FormatUint(rand.Uint64(), 36)}
	l.current = l.format(0)
	return l
}

func (l *changeLog) format(n uint64) Version {
	return Version(l.life + "-" + strconv.FormatUint(n, 10))
}

func (l *changeLog) version() Version {
	if l.currentOf != l.changes {
		l.current, l.currentOf = l.format(l.changes), l.changes
	}
	return l.current
}

// add appends a change of the seat at p. A call adds all its changes before
// anybody else looks, then wakes.
func (l *changeLog) add(p int) {
	if len(l.ring) < changeLogSize {
		l.ring = append(l.ring, p)
	} else {
		l.ring[l.changes%changeLogSize] = p
	}
	l.changes++
}

// next returns a channel that is closed by the next wake.
func (l *changeLog) next() <-chan struct{} {
	if l.waiters == nil {
		l.waiters = make(chan struct{})
	}
	return l.waiters
}

func (l *changeLog) wake() {
	if l.waiters != nil {
		close(l.waiters)
		l.waiters = nil
	}
}

// since returns the positions, ascending and each once, that changed after
// the Version, and whether the log knows that.
func (l *changeLog) since(v Version) ([]int, bool) {
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
