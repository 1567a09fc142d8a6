package seatlist

import (
	"seatlock/lockstore"
)

// seats is the state of every seat of an event at one version, without the locks
// that had expired at one time. It is immutable.
type seats struct {
	ev      *lockstore.Event
	version lockstore.Version
	moment  uint64   // counts the states of a feed: a later one has a higher moment
	blocks  []*block // blockSize seats each, the last fewer
	counts  [statuses]int
	nextEnd int64 // of the lock that ends first; forever if there is none
}

// newSeats returns the state in which every seat is available.
func newSeats(ev *lockstore.Event) *seats {
	s := &seats{ev: ev, nextEnd: forever}
	for ids := ev.Seats; len(ids) > 0; {
		n := min(blockSize, len(ids))
		s.blocks = append(s.blocks, newBlock(ids[:n], untouched[:n:n], 0))
		s.counts[lockstore.Available] += n
		ids = ids[n:]
	}
	return s
}

// with returns the state after the changes of a store's snapshot, without the
// locks that have expired by its time. The two states share blocks that are the
// same.
func (s *seats) with(snap lockstore.Snapshot) *seats {
	now := snap.Now
	if len(snap.Seats) == 0 && s.version == snap.Version && now < s.nextEnd {
		return s
	}
	changed := make(map[int][]seat)
	edit := func(i int) []seat {
		if changed[i] == nil {
			changed[i] = append([]seat(nil), s.blocks[i].seats...)
		}
		return changed[i]
	}
	moment := s.moment + 1
	for _, listed := range snap.Seats {
		at := int(listed.Position)
		edit(at / blockSize)[at%blockSize] = seat{until(listed), moment}
	}
	for i, b := range s.blocks {
		if b.nextEnd <= now {
			edit(i)
		}
	}
	if len(changed) == 0 && s.version == snap.Version {
		return s
	}

	next := &seats{ev: s.ev, version: snap.Version, moment: moment, blocks: append([]*block(nil), s.blocks...), counts: s.counts, nextEnd: forever}
	for i, edited := range changed {
		old, b := s.blocks[i], newBlock(s.blocks[i].ids, edited, now)
		next.blocks[i] = b
		for status := range next.counts {
			next.counts[status] += b.counts[status] - old.counts[status]
		}
	}
	for _, b := range next.blocks {
		next.nextEnd = min(next.nextEnd, b.nextEnd)
	}
	return next
}

// all returns every seat in JSON, in the order of the event.
func (s *seats) all() pieces {
	return s.pieces(func(b *block) *piece { return b.all() })
}

// withStatus returns the seats that have the status.
func (s *seats) withStatus(status lockstore.Status) pieces {
	return s.pieces(func(b *block) *piece { return b.withStatus(status) })
}

func (s *seats) pieces(of func(*block) *piece) pieces {
	list := make(pieces, 0, len(s.blocks))
	for _, b := range s.blocks {
		if p := of(b); len(p.text) > 0 {
			list = append(list, p)
		}
	}
	return list
}

// since returns the seats that changed after the moment, unless there are more
// than most.
func (s *seats) since(moment uint64, most int) (list pieces, ok bool) {
	count := 0
	for _, b := range s.blocks {
		count += b.changes(moment)
		if count > most {
			return nil, false
		}
	}
	if count == 0 {
		return nil, true
	}
	text := make([]byte, 0, count*seatLen)
	for _, b := range s.blocks {
		if b.changed > moment {
			text = b.appendSeats(text, func(i int) bool { return b.seats[i].changed > moment })
		}
	}
	return pieces{{text: text}}, true
}
