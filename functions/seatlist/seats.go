package seatlist

import (
	"slices"

	"seatlock/lockstore"
)

// seats is the state of every seat of an event at one version, without the locks
// that had expired at one time. It is immutable.
type seats struct {
	ev         *lockstore.Event
	plan       *Plan
	version    lockstore.Version
	moment     uint64   // increases with each state of a feed
	blocks     []*block // blockSize seats each; the last may have fewer
	counts     tally
	categories []part // by category of the plan
	nextEnd    int64  // the earliest end of a lock; forever if there is none
}

// with returns the state after the changes in a store's snapshot, without the locks
// that have expired by its time. Both states share unchanged blocks.
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

	next := &seats{ev: s.ev, plan: s.plan, version: snap.Version, moment: moment, blocks: slices.Clone(s.blocks), counts: s.counts, categories: slices.Clone(s.categories), nextEnd: forever}
	for i, edited := range changed {
		old, b := s.blocks[i], newBlock(s.blocks[i].ids, edited, now)
		next.blocks[i] = b
		for status := range next.counts {
			next.counts[status] += b.counts[status] - old.counts[status]
		}
		s.plan.recount(next.categories, moment, i*blockSize, old, b)
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

// since returns the seats that changed after the moment, if there are no more than
// most.
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
	if len(text) == 0 {
		return nil, true // only places of areas have changed
	}
	return pieces{{text: text}}, true
}

// count counts the seats at the positions first to end-1.
func (s *seats) count(first, end int) (n tally) {
	for at := first; at < end; {
		b, from := s.blocks[at/blockSize], at%blockSize
		to := min(len(b.seats), from+end-at)
		if from == 0 && to == len(b.seats) {
			for status := range n {
				n[status] += b.counts[status]
			}
		} else {
			for i := from; i < to; i++ {
				n[b.status(i)]++
			}
		}
		at += to - from
	}
	return n
}

// placeEnd returns the earliest end of a lock in the blocks with places of areas.
func (s *seats) placeEnd() int64 {
	end := int64(forever)
	if len(s.plan.areas) == 0 {
		return end
	}
	for _, b := range s.blocks[s.plan.named/blockSize:] {
		end = min(end, b.nextEnd)
	}
	return end
}
