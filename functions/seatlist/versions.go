package seatlist

import (
	"sync"

	"seatlock/lockstore"
)

// knownVersions is the number of versions that a feed remembers. A client with an older
// one is far behind.
const knownVersions = 8192

// versions are the latest versions of a feed, each with its first moment. The zero
// value is empty.
type versions struct {
	mu      sync.RWMutex
	moments map[lockstore.Version]uint64
	order   []lockstore.Version // a ring once it is full
	oldest  int                 // of the ring
}

// add adds a version. It does nothing if the version is known.
func (k *versions) add(v lockstore.Version, moment uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, known := k.moments[v]; known {
		return
	}
	if k.moments == nil {
		k.moments = make(map[lockstore.Version]uint64)
	}
	k.moments[v] = moment
	if len(k.order) < knownVersions {
		k.order = append(k.order, v)
		return
	}
	delete(k.moments, k.order[k.oldest])
	k.order[k.oldest] = v
	k.oldest = (k.oldest + 1) % knownVersions
}

func (k *versions) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.moments, k.order, k.oldest = nil, nil, 0
}

// moment returns the first moment of the version.
func (k *versions) moment(v lockstore.Version) (moment uint64, known bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	moment, known = k.moments[v]
	return moment, known
}
