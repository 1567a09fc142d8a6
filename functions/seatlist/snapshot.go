package seatlist

import (
	"iter"
	"strconv"
	"sync"
	"time"

	"seatlock/lockstore"
)

const (
	// mostChanges is the number of seats in the longest list of changes. A client with
	// more changes is far behind and gets the whole list, which costs less: it is
	// already rendered and compressed, except for the blocks that changed last.
	mostChanges = 1024

	// keptChanges is the number of lists of changes that a Snapshot keeps.
	keptChanges = 32
)

// A Snapshot is every seat of an event at one moment. Each of its lists is rendered
// when it is first asked for, and then shared. It is safe for concurrent use.
type Snapshot struct {
	feed  *Feed
	seats *seats
	now   int64 // the store's clock, in Unix milliseconds

	mu         sync.Mutex
	whole      *List
	withStatus [statuses]*List  // by status
	changes    map[uint64]*List // by the moment after which they begin
}

// Counts are the numbers of seats in each state.
type Counts struct{ Available, Locked, Booked, Blocked int }

// Counts counts the seats.
func (s *Snapshot) Counts() Counts {
	n := s.seats.counts
	return Counts{n[lockstore.Available], n[lockstore.Locked], n[lockstore.Booked], n[lockstore.Blocked]}
}

// Time returns the store's clock at the moment of the Snapshot.
func (s *Snapshot) Time() time.Time { return time.UnixMilli(s.now) }

// Tag identifies the state of the seats: snapshots with the same tag differ only in
// their time. It consists of the characters of a [lockstore.Version].
func (s *Snapshot) Tag() string {
	// At one version, only the number of expired locks can differ.
	return string(s.seats.version) + "." + strconv.Itoa(s.seats.counts[lockstore.Locked])
}

// Status returns the status of the seat at the position.
func (s *Snapshot) Status(position int) lockstore.Status {
	return s.seats.blocks[position/blockSize].status(position % blockSize)
}

// Moment orders the snapshots of one Feed, as [List.Moment] does its lists.
func (s *Snapshot) Moment() uint64 { return s.seats.moment }

// Changed returns the positions and statuses of all seats whose status may differ from
// that in before, or of all seats if before is nil. Both must be of the same Feed. Its
// cost depends only on the number of changes.
func (s *Snapshot) Changed(before *Snapshot) iter.Seq2[int, lockstore.Status] {
	return func(yield func(int, lockstore.Status) bool) {
		for i, b := range s.seats.blocks {
			if before != nil && before.seats.blocks[i] == b {
				continue
			}
			for at := range b.seats {
				if !yield(i*blockSize+at, b.status(at)) {
					return
				}
			}
		}
	}
}

// WithStatus returns the list of the seats that have the status.
func (s *Snapshot) WithStatus(status lockstore.Status) *List {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := &s.withStatus[status]
	if *kept == nil {
		*kept = s.list(true, s.seats.withStatus(status), 0)
	}
	return *kept
}

// Since returns the list of the seats that changed after the version. If the version is
// empty, unknown to the feed or far behind, it returns the list of all seats.
func (s *Snapshot) Since(version lockstore.Version) *List {
	moment, counted, known := s.since(version)
	s.mu.Lock()
	defer s.mu.Unlock()
	if known {
		if l := s.changesSince(moment, counted); l != nil {
			return l
		}
	}
	if s.whole == nil {
		s.whole = s.list(true, s.seats.all(), 0)
	}
	return s.whole
}

// since returns the moment after which seats have changed since the version, and the
// moment from which counts may have changed. The feed may know a version that the
// Snapshot does not: it met the version later, or has forgotten the past and met it
// again.
//
// The end of a lock changes counts, but neither the version nor a seat. Another process
// may have listed the version before a lock ended that this feed never saw: it had
// ended when the feed first met the version. So the counts that changed at that moment
// are among those that may have changed since.
func (s *Snapshot) since(version lockstore.Version) (moment, counted uint64, known bool) {
	if version == "" {
		return 0, 0, false
	}
	first, known := s.feed.known.moment(version)
	known = known && first <= s.seats.moment
	switch {
	case version == s.seats.version && known:
		return s.seats.moment, first, true
	case version == s.seats.version:
		return s.seats.moment, 0, true
	}
	return first, first, known
}

// changesSince returns the seats that changed after a moment and the counts that may have
// changed from another one on, or nil if there are too many. The caller must hold s.mu.
func (s *Snapshot) changesSince(moment, counted uint64) *List {
	if l := s.changes[moment]; l != nil {
		return l
	}
	changed, ok := s.seats.since(moment, mostChanges)
	if !ok {
		return nil
	}
	l := s.list(false, changed, counted)
	if s.changes == nil {
		s.changes = make(map[uint64]*List)
	}
	if len(s.changes) < keptChanges {
		s.changes[moment] = l
	}
	return l
}
