// Package best finds the best available seats: side by side for a party, or places in
// an area. It also judges whether a choice of seats leaves one alone.
//
// A [Plan] is the immutable part of a venue, and is shared by its events. A [Picker]
// belongs to one event: it knows which seats are available, as far as this process has
// learnt, and which ones its callers are trying to lock. The package knows neither HTTP
// nor a store: the caller passes [Picker.Take] the functions that lock and list seats.
package best

import (
	"cmp"
	"slices"
)

// Any is the category or the section of a [Want] that accepts all.
const Any = -1

// A Seat is a seat of a [Segment].
type Seat struct {
	Position int // in the layout

	// X and Y are the coordinates of the seat relative to the best place of the venue,
	// in tenths of a seat's width. The nearer, the better.
	X, Y int

	Category int
	Special  bool // such as a wheelchair place; locked only by name
}

// A Segment is a series of seats side by side. It ends at an aisle or at the end of the
// row.
type Segment struct {
	Section int
	Seats   []Seat
}

// An Area is a part of a venue without seats. Its places are alike.
type Area struct {
	Section  int
	Category int
	First    int // the position of its first place in the layout
	Places   int // their number
}

// A Plan says where the seats of a layout are, and which are side by side. It is
// immutable.
//
// Every seat and every place of an area has a slot. The slots of a segment are
// consecutive, and there is an empty slot, a wall, between two segments.
type Plan struct {
	seats    []Seat  // by slot; walls and places use only the Position
	slots    []int32 // by position; noSlot if there is none
	segment  []int32 // by slot; noSegment if it is in no segment
	sums     []int64 // prefix sums of the costs, by slot
	segments []segment
	areas    []area
}

const (
	noSlot    = -1
	noSegment = -1
	wall      = -1 // the Position of a wall
)

// A segment is the slots from first up to but not including end.
type segment struct {
	section    int
	first, end int32
	categories []categoryCost // of its ordinary seats
}

// A categoryCost is the least cost of the seats of a category.
type categoryCost struct {
	category int
	cost     int64
}

type area struct {
	Area
	slot int32 // of its first place
}

// NewPlan returns the plan of the segments and areas, in the order of the venue. No
// position may be in two of them.
func NewPlan(segments []Segment, areas []Area) *Plan {
	p := new(Plan)
	p.wall()
	for _, s := range segments {
		if len(s.Seats) == 0 {
			continue
		}
		p.wall()
		made := segment{section: s.Section, first: int32(len(p.seats))}
		for _, seat := range s.Seats {
			p.add(seat, int32(len(p.segments)))
			if !seat.Special {
				made.note(seat)
			}
		}
		made.end = int32(len(p.seats))
		p.segments = append(p.segments, made)
	}
	p.wall()
	p.wall()
	for _, a := range areas {
		p.areas = append(p.areas, area{a, int32(len(p.seats))})
		for i := range a.Places {
			p.add(Seat{Position: a.First + i}, noSegment)
		}
	}
	p.sums = make([]int64, len(p.seats)+1)
	for i, s := range p.seats {
		p.sums[i+1] = p.sums[i] + cost(s)
	}
	return p
}

func (p *Plan) wall() {
	p.seats = append(p.seats, Seat{Position: wall})
	p.segment = append(p.segment, noSegment)
}

func (p *Plan) add(s Seat, segment int32) {
	for len(p.slots) <= s.Position {
		p.slots = append(p.slots, noSlot)
	}
	p.slots[s.Position] = int32(len(p.seats))
	p.seats = append(p.seats, s)
	p.segment = append(p.segment, segment)
}

// cost is the squared distance of a seat from the best place.
func cost(s Seat) int64 { return int64(s.X)*int64(s.X) + int64(s.Y)*int64(s.Y) }

// note updates the least costs of the categories with a seat.
func (s *segment) note(seat Seat) {
	for i := range s.categories {
		if c := &s.categories[i]; c.category == seat.Category {
			c.cost = min(c.cost, cost(seat))
			return
		}
	}
	s.categories = append(s.categories, categoryCost{seat.Category, cost(seat)})
}

// least returns the least cost of a seat of the category, and whether there is one.
func (s *segment) least(category int) (least int64, ok bool) {
	for _, c := range s.categories {
		if category == Any || c.category == category {
			if !ok || c.cost < least {
				least, ok = c.cost, true
			}
		}
	}
	return least, ok
}

// A filter is the section and category that somebody wants.
type filter struct{ section, category int }

// A ranked is a segment with the least cost of a wanted seat in it.
type ranked struct {
	segment int32
	least   int64
}

// rank returns the segments that have seats for the filter, best first.
func (p *Plan) rank(f filter) []ranked {
	var all []ranked
	for i := range p.segments {
		s := &p.segments[i]
		if f.section != Any && s.section != f.section {
			continue
		}
		if least, ok := s.least(f.category); ok {
			all = append(all, ranked{int32(i), least})
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(a.least, b.least) })
	return all
}

// has reports whether any seats match the filter, taken or not.
func (p *Plan) has(f filter) bool {
	for i := range p.segments {
		s := &p.segments[i]
		if _, ok := s.least(f.category); ok && (f.section == Any || s.section == f.section) {
			return true
		}
	}
	return false
}

// areasFor returns the indexes of the areas that match the filter.
func (p *Plan) areasFor(f filter) []int {
	var all []int
	for i, a := range p.areas {
		if (f.section == Any || a.Section == f.section) && (f.category == Any || a.Category == f.category) {
			all = append(all, i)
		}
	}
	return all
}

// slotOf returns the slot of a position, or a wall if there is none.
func (p *Plan) slotOf(position int) int32 {
	if position < 0 || position >= len(p.slots) || p.slots[position] == noSlot {
		return 0
	}
	return p.slots[position]
}
