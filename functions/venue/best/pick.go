package best

import "slices"

// maxBoards is how many boards a picker keeps: enough for parties of different sizes
// and a few filters.
const maxBoards = 16

// A board keeps the windows of one size that each segment offers. It looks only at
// segments that have changed since it was last asked.
type board struct {
	filter
	n        int32
	order    []ranked
	seen     []uint32   // the number of changes of each segment of order when it was looked at
	windows  [][]window // of each segment of order
	lookedAt []bool
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
	b.seen, b.windows, b.lookedAt = make([]uint32, len(b.order)), make([][]window, len(b.order)), make([]bool, len(b.order))
	if len(p.boards) == maxBoards {
		copy(p.boards, p.boards[1:])
		p.boards = p.boards[:maxBoards-1]
	}
	p.boards = append(p.boards, b)
	return b
}

// of returns the windows of the segment at this place of the order.
func (b *board) of(p *Picker, at int) []window {
	s := b.order[at].segment
	if !b.lookedAt[at] || b.seen[at] != p.changes[s] {
		b.windows[at] = p.windows(b.windows[at][:0], &p.plan.segments[s], b.n, b.category)
		b.seen[at], b.lookedAt[at] = p.changes[s], true
	}
	return b.windows[at]
}

// best returns up to m of the best windows of n seats, in no order. They are valid
// until the next call.
func (p *Picker) best(f filter, n, m int) []window {
	b := p.board(f, int32(n))
	found := p.nearest[:0] // a heap with the worst window first
	for at, s := range b.order {
		if len(found) == m && found[0].class == 0 && s.least*int64(n) > found[0].cost {
			break // nothing better follows
		}
		for _, w := range b.of(p, at) {
			found = keep(found, w, m)
		}
	}
	p.nearest = found
	// Windows of a worse class are for when there is nothing else.
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

// keep adds a window to a heap of the m best ones, with the worst of them first.
func keep(heap []window, w window, m int) []window {
	switch {
	case len(heap) < m:
		heap = append(heap, w)
		up(heap)
	case w.before(heap[0]):
		heap[0] = w
		down(heap)
	}
	return heap
}

// up restores a heap whose last window is new.
func up(heap []window) {
	for i := len(heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !heap[parent].before(heap[i]) {
			return
		}
		heap[parent], heap[i] = heap[i], heap[parent]
		i = parent
	}
}

// down restores a heap whose first window is new.
func down(heap []window) {
	for i := 0; ; {
		worst := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(heap); child++ {
			if heap[worst].before(heap[child]) {
				worst = child
			}
		}
		if worst == i {
			return
		}
		heap[i], heap[worst] = heap[worst], heap[i]
		i = worst
	}
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

// longest returns the number of seats of the longest run of available seats.
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

// fits reports whether the seat of a slot is of the filter's category.
func (p *Plan) fits(slot int32, f filter) bool {
	return f.category == Any || p.seats[slot].Category == f.category
}

// places returns the slots of n places of the area with the index i, or nil if there are
// not as many. They are the first ones that are free from a place on: where the last
// ones ended, or a random one if a choice is among several windows. Processes that begin
// at random places seldom meet.
func (p *Picker) places(i, n, m int) []int32 {
	a := &p.plan.areas[i]
	end := a.slot + int32(a.Places)
	if p.free.count(a.slot, end) < n {
		return nil
	}
	from := p.after[i]
	if m > 1 {
		from = a.slot + p.rnd.Int32N(int32(a.Places))
	}
	slots := make([]int32, 0, n)
	for at := p.free.next(from, end); len(slots) < n; at = p.free.next(at+1, end) {
		if at == end {
			at = p.free.next(a.slot, end)
		}
		slots = append(slots, at)
	}
	p.after[i] = slots[n-1] + 1
	slices.Sort(slots)
	return slots
}
