package best

import (
	"cmp"
	"math"
	"slices"
	"sync"
)

const (
	// maxParted is the size of the largest party for which every partition is tried.
	maxParted = 12

	// anchors is how many windows of the largest piece are tried, each with the nearest
	// windows for the other pieces.
	anchors = 8
)

// A run is a series of consecutive available seats for a filter.
type run struct{ start, n int32 }

// apart returns slots for a party of n that does not fit side by side, in pieces that
// are near each other, or nil if there are not enough seats. It minimizes first the
// number of people who sit alone, then the number of pieces, and then the differences
// of their sizes.
func (p *Picker) apart(f filter, n int) []int32 {
	runs := p.runs(f)
	free := 0
	for _, r := range runs {
		free += int(r.n)
	}
	if free < n {
		return nil
	}
	parted := partitions(n)
	if n > maxParted {
		parted = [][]int{longestFirst(runs, n)}
	}
	counts := byLength(runs)
	for _, pieces := range parted {
		if !fitsInto(pieces, counts) {
			continue
		}
		if slots := p.place(f, pieces, runs); slots != nil {
			return slots
		}
	}
	return nil
}

// runs returns the runs of available seats for the filter.
func (p *Picker) runs(f filter) []run {
	var all []run
	for i := range p.plan.segments {
		s := &p.plan.segments[i]
		if f.section != Any && s.section != f.section {
			continue
		}
		for start := p.free.next(s.first, s.end); start < s.end; start = p.free.next(start, s.end) {
			end := start
			for end < s.end && p.free.has(end) && p.plan.fits(end, f) {
				end++
			}
			if end > start {
				all = append(all, run{start, end - start})
			}
			start = max(end, start+1)
		}
	}
	return all
}

// partitions returns the ways to divide n people into at least two pieces, the best one
// first, each with its largest piece first. It returns none if n is large.
func partitions(n int) [][]int {
	if n > maxParted {
		return nil
	}
	return partitionsOf[n]()
}

var partitionsOf = func() (all [maxParted + 1]func() [][]int) {
	for n := range all {
		all[n] = sync.OnceValue(func() [][]int { return makePartitions(n) })
	}
	return all
}()

func makePartitions(n int) [][]int {
	var all [][]int
	var part func(left, most int, pieces []int)
	part = func(left, most int, pieces []int) {
		if left == 0 {
			if len(pieces) > 1 {
				all = append(all, slices.Clone(pieces))
			}
			return
		}
		for piece := min(left, most); piece > 0; piece-- {
			part(left-piece, piece, append(pieces, piece))
		}
	}
	part(n, n, nil)
	rank := func(pieces []int) (alone, uneven int) {
		for _, piece := range pieces {
			if piece == 1 {
				alone++
			}
			uneven += piece * piece
		}
		return alone, uneven
	}
	slices.SortStableFunc(all, func(a, b []int) int {
		aAlone, aUneven := rank(a)
		bAlone, bUneven := rank(b)
		return cmp.Or(cmp.Compare(aAlone, bAlone), cmp.Compare(len(a), len(b)), cmp.Compare(aUneven, bUneven))
	})
	return all
}

// longestFirst divides n people among the longest runs, which must have enough seats
// together. It leaves nobody alone if the next run has a seat for a second person.
func longestFirst(runs []run, n int) []int {
	lengths := make([]int, len(runs))
	for i, r := range runs {
		lengths[i] = int(r.n)
	}
	slices.SortFunc(lengths, func(a, b int) int { return b - a })
	var pieces []int
	for i, length := range lengths {
		piece := min(length, n)
		if n-piece == 1 && piece > 2 && lengths[i+1] > 1 {
			piece--
		}
		pieces = append(pieces, piece)
		if n -= piece; n == 0 {
			break
		}
	}
	return pieces
}

// byLength returns the number of runs of each length.
func byLength(runs []run) []int {
	var counts []int
	for _, r := range runs {
		for len(counts) <= int(r.n) {
			counts = append(counts, 0)
		}
		counts[r.n]++
	}
	return counts
}

// fitsInto reports whether the pieces fit into runs, given the number of runs of each
// length. It puts each piece, the largest first, into the shortest run that is long
// enough.
func fitsInto(pieces, counts []int) bool {
	counts = slices.Clone(counts)
	for _, piece := range pieces {
		at := piece
		for at < len(counts) && counts[at] == 0 {
			at++
		}
		if at >= len(counts) {
			return false
		}
		counts[at]--
		counts[at-piece]++
	}
	return true
}

// place returns slots for the pieces, the largest first. It chooses the anchor whose
// other pieces are nearest, and returns nil if no anchor has room for them.
func (p *Picker) place(f filter, pieces []int, runs []run) []int32 {
	var best []window
	least := int64(math.MaxInt64)
	for _, anchor := range slices.Clone(p.best(f, pieces[0], anchors)) {
		if others, far, ok := p.around(anchor.start, pieces, runs); ok && far < least {
			best, least = others, far
		}
	}
	var slots []int32
	for i, w := range best {
		slots = slotsFrom(slots, w.start, pieces[i])
	}
	return slots
}

// around returns windows for the pieces: the first one at the anchor, and the others as
// near to it as possible, with the sum of their distances. It scans all runs once for
// the pieces of one size, or a few times if a run must take several of them.
func (p *Picker) around(anchor int32, pieces []int, runs []run) (found []window, far int64, ok bool) {
	first := run{anchor, int32(pieces[0])}
	x, y := p.middle(first)
	found = []window{{start: anchor}}
	free := without(runs, found, first.n)
	for rest := pieces[1:]; len(rest) > 0; {
		same := 1
		for same < len(rest) && rest[same] == rest[0] {
			same++
		}
		near := p.nearestTo(x, y, free, int32(rest[0]), same)
		if len(near) == 0 {
			return nil, 0, false
		}
		for _, w := range near {
			far += w.cost
		}
		found = append(found, near...)
		free = without(free, near, int32(rest[0]))
		rest = rest[len(near):]
	}
	return found, far, true
}

// nearestTo returns up to m windows of n seats that are nearest to the place, one in
// each run. The place is given in the units of middle. It prefers windows that leave no
// single seat. The cost of a window is the squared distance.
func (p *Picker) nearestTo(x, y int64, runs []run, n int32, m int) []window {
	found := least{m: m}
	for _, r := range runs {
		var nearest window
		ok := false
		for at := r.start; at+n <= r.start+r.n; at++ {
			w := window{start: at}
			cx, cy := p.middle(run{at, n})
			w.cost = (cx-x)*(cx-x) + (cy-y)*(cy-y)
			if found.full && found.worst.class == 0 && w.cost >= found.worst.cost {
				continue // too far, whatever its class
			}
			if p.leavesSingle(at, n) {
				w.class = leavesSingle
			}
			if !ok || w.before(nearest) {
				nearest, ok = w, true
			}
		}
		if ok {
			found.add(nearest)
		}
	}
	found.cut()
	return found.found
}

// without returns the runs, which are sorted, without the windows of n seats in them.
func without(runs []run, windows []window, n int32) []run {
	starts := make([]int32, len(windows))
	for i, w := range windows {
		starts[i] = w.start
	}
	slices.Sort(starts)
	left := make([]run, 0, len(runs)+len(windows))
	for _, r := range runs {
		end := r.start + r.n
		for len(starts) > 0 && starts[0] < end {
			if starts[0] > r.start {
				left = append(left, run{r.start, starts[0] - r.start})
			}
			r.start = starts[0] + n
			starts = starts[1:]
		}
		if r.start < end {
			left = append(left, run{r.start, end - r.start})
		}
	}
	return left
}

// middle returns twice the coordinates of the middle of a run.
func (p *Picker) middle(r run) (x, y int64) {
	first, last := p.plan.seats[r.start], p.plan.seats[r.start+r.n-1]
	return int64(first.X + last.X), int64(first.Y + last.Y)
}
