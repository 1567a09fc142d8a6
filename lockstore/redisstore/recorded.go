package redisstore

import (
	"sync"

	"seatlock/lockstore"
)

// mostRecorded bounds how many recorded revisions are remembered.
const mostRecorded = 10000

// recorded is what this process knows of the revisions that Redis has. The map key,
// which every call compares, does not have the revision: a higher one may have the same
// seats, and a call would then not notice. The zero value is empty.
type recorded struct {
	mu      sync.RWMutex
	highest map[recordedKey]int
}

type recordedKey struct {
	event       lockstore.EventID
	fingerprint string
}

// has reports whether Redis is known to have the revision of the event's seats, or a
// higher one.
func (r *recorded) has(ev *lockstore.Event) bool {
	if ev.Revision == 0 { // the lowest
		return true
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.highest[recordedKey{ev.ID, ev.Fingerprint()}] >= ev.Revision
}

// add remembers that Redis has the revision of the event's seats.
func (r *recorded) add(ev *lockstore.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.highest) >= mostRecorded {
		clear(r.highest) // what is forgotten is looked up again
	}
	if r.highest == nil {
		r.highest = make(map[recordedKey]int)
	}
	key := recordedKey{ev.ID, ev.Fingerprint()}
	r.highest[key] = max(r.highest[key], ev.Revision)
}
