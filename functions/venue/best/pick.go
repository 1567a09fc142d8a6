package best

import (
	"math/bits"
	"slices"
)

// maxBoards is how many boards a picker keeps: enough for parties of different sizes
// and a few filters.
const maxBoards = 16

// A board caches the windows of one size in each segment. It looks only at segments
// that have changed since the last call, and at those that have windows: most of the
// best ones are sold out after a while.
type board struct {
	filter
	n       int32
	order   []ranked
	places  []int32    // by segment: its index in order, or noSegment
	windows [][]window // of each segment of order, best first
	stale   bitset     // by index in order: the segment has changed
	offers  bitset     // by index in order: the segment has windows
}

// board returns the board for windows of n seats.
func (p *Picker) board(f filter, n int32) *board {
	for i, b := range p.boards {
		if b.filter == f && b.n == n {
			copy(p.boards[i:], p.boards[i+1:])
			p.boards[len(p.boards)-1] = b
			return b
		}
	}
	b := &board{filter: f, n: n, order: p.plan.rank(f)}
	b.windows, b.places = make([][]window, len(b.order)), make([]int32, len(p.plan.segments))
	b.stale, b.offers = newBitset(len(b.order)), newBitset(len(b.order))
	for i := range b.places {
		b.places[i] = noSegment
	}
	for at, s := range b.order {
		b.places[s.segment] = int32(at)
		b.stale.add(int32(at))
	}
	if len(p.boards) == maxBoards {
		copy(p.boards, p.boards[1:])
		p.boards = p.boards[:maxBoards-1]
	}
	p.boards = append(p.boards, b)
	return b
}

// change records that the availability of a seat of the segment has changed.
func (b *board) change(segment int32) {
	if at := b.places[segment]; at != noSegment {
		b.stale.add(at)
	}
}

// next returns the first index from at on whose segment has windows or has changed, or
// the number of segments.
func (b *board) next(at int32) int32 {
	end := int32(len(b.order))
	for word := at >> 6; at < end; word, at = word+1, (word+1)<<6 {
		if rest := (b.stale[word] | b.offers[word]) >> (at & 63); rest != 0 {
			return at + int32(bits.TrailingZeros64(rest))
		}
	}
	return end
}

// of returns the windows of the segment at index at of the order.
func (b *board) of(p *Picker, at int32) []window {
	if !b.stale.has(at) {
		return b.windows[at]
	}
	b.stale.remove(at)
	found := p.windows(b.windows[at][:0], &p.plan.segments[b.order[at].segment], b.n, b.category)
	slices.SortFunc(found, window.compare)
	b.windows[at] = found
	if len(found) > 0 {
		b.offers.add(at)
	} else {
		b.offers.remove(at)
	}
	return found
}

// best returns up to m of the best windows of n seats, in no particular order. They are
// valid until the next call.
func (p *Picker) best(f filter, n, m int) []window {
	b := p.board(f, int32(n))
	nearest := least{m: m, found: p.nearest[:0]}
	for at := b.next(0); at < int32(len(b.order)); at = b.next(at + 1) {
		if nearest.full && nearest.worst.class == 0 && b.order[at].least*int64(n) > nearest.worst.cost {
			break // nothing better follows
		}
		for _, w := range b.of(p, at) {
			if nearest.full && !w.before(nearest.worst) {
				break
			}
			nearest.add(w)
		}
	}
	nearest.cut()
	found := nearest.found
	p.nearest = found
	// Windows of a worse class are used only if there are no others.
	class := found[:0]
	least := leavesSingle | mixed
	for _, w := range found {
		least = min(least, w.class)
	}
	for _, w := range found {
		if w.class == least {
			class = append(class, w)
		}
	}
	return class
}

// choose returns the slots of one of the m best windows of n seats, or nil if there is
// no window.
func (p *Picker) choose(f filter, n, m int) []int32 {
	found := p.best(f, n, m)
	if len(found) == 0 {
		return nil
	}
	return slotsFrom(nil, found[p.rnd.IntN(len(found))].start, n)
}

func slotsFrom(dst []int32, start int32, n int) []int32 {
	for i := range int32(n) {
		dst = append(dst, start+i)
	}
	return dst
}

// longest returns the length of the longest run of available seats.
func (p *Picker) longest(f filter) int {
	longest := int32(0)
	for i := range p.plan.segments {
		s := &p.plan.segments[i]
		if f.section != Any && s.section != f.section {
			continue
		}
		if _, ok := s.least(f.category); !ok {
			continue
		}
		for start := p.free.next(s.first, s.end); start < s.end; start = p.free.next(start, s.end) {
			end := start
			for end < s.end && p.free.has(end) && p.plan.fits(end, f) {
				end++
			}
			longest = max(longest, end-start)
			start = max(end, start+1)
		}
	}
	return int(longest)
}

// available returns the number of available seats for the filter.
func (p *Picker) available(f filter) int {
	n := 0
	for i := range p.plan.segments {
		s := &p.plan.segments[i]
		if f.section != Any && s.section != f.section {
			continue
		}
		for at := p.free.next(s.first, s.end); at < s.end; at = p.free.next(at+1, s.end) {
			if p.plan.fits(at, f) {
				n++
			}
		}
	}
	return n
}

// fits reports whether the seat of a slot has the filter's category.
func (p *Plan) fits(slot int32, f filter) bool {
	return f.category == Any || p.seats[slot].Category == f.category
}

// places returns the slots of n places of the area with the index i, or nil if there
// are not enough. They are the first free ones after the last places, or after a random
// place if m is more than 1: processes that begin at random places rarely collide.
func (p *Picker) places(i, n, m int) []int32 {
	a := &p.plan.areas[i]
	end := a.slot + int32(a.Places)
	from := p.after[i]
	if m > 1 {
		from = a.slot + p.rnd.Int32N(int32(a.Places))
	}
	slots := make([]int32, 0, n)
	for at := p.free.next(from, end); at < end && len(slots) < n; at = p.free.next(at+1, end) {
		slots = append(slots, at)
	}
	for at := p.free.next(a.slot, from); at < from && len(slots) < n; at = p.free.next(at+1, from) {
		slots = append(slots, at)
	}
	if len(slots) < n {
		return nil
	}
	p.after[i] = slots[n-1] + 1
	slices.Sort(slots)
	return slots
}
