package seatlist

import (
	"iter"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"seatlock/lockstore"
)

// An Area is a part of an event whose places are alike. Lists show how many of them
// are available, and not the places.
type Area struct {
	Name       string // valid UTF-8
	First, End int    // the positions of its places: First to End-1
}

// An area is an Area with the beginning of its JSON.
type area struct {
	Area
	head []byte
}

// areas returns the areas, and how many seats come before the first place.
func areas(ev *lockstore.Event, given []Area) (all []area, named int) {
	named = len(ev.Seats)
	for _, a := range given {
		named = min(named, a.First)
		head := []byte(`{"section":`)
		head, _ = jsontext.AppendQuote(head, a.Name) // fails only on invalid UTF-8
		all = append(all, area{a, append(head, `,"available":`...)})
	}
	return all, named
}

// appendAreas appends the areas to the JSON before the seats.
func (s *Snapshot) appendAreas(b []byte) []byte {
	if len(s.feed.areas) == 0 {
		return b
	}
	b = append(b, `,"areas":[`...)
	for i, a := range s.feed.areas {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, a.head...)
		b = strconv.AppendInt(b, int64(s.seats.available(a.First, a.End)), 10)
		b = append(b, '}')
	}
	return append(b, ']')
}

// available returns the number of available seats at the positions first to end-1.
func (s *seats) available(first, end int) int {
	n := 0
	for at := first; at < end; {
		b, from := s.blocks[at/blockSize], at%blockSize
		to := min(len(b.seats), from+end-at)
		if from == 0 && to == len(b.seats) {
			n += b.counts[lockstore.Available]
		} else {
			for i := from; i < to; i++ {
				if b.seats[i].until == 0 {
					n++
				}
			}
		}
		at += to - from
	}
	return n
}

// Status returns the status of the seat at the position.
func (s *Snapshot) Status(position int) lockstore.Status {
	return s.seats.blocks[position/blockSize].status(position % blockSize)
}

// Moment orders the snapshots of one Feed, as [List.Moment] does its lists.
func (s *Snapshot) Moment() uint64 { return s.seats.moment }

// Changed returns the positions of all seats that may have another status than in
// before, each with its status: of all seats if before is nil. Both must be of one
// Feed. Its cost is that of what has changed.
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
