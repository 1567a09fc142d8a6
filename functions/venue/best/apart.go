package best

import (
	"cmp"
	"math"
	"slices"
	"sync"
)

const (
	// maxParted is the largest party of which every partition is tried.
	maxParted = 12

	// anchors is how many windows of the largest piece are tried, each with the
	// nearest ones for the other pieces.
	anchors = 8
)

// A run is consecutive available seats for a filter.
type run struct{ start, n int32 }

// apart returns slots for a party of n that does not fit side by side, in pieces that
// are near each other, or nil if there are not as many seats. As few as can be sit
// alone, then there are as few pieces as can be, and they are of like size.
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
	for _, pieces := range parted {
		if !fitsInto(pieces, runs) {
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

// partitions returns the ways to part n people into at least two pieces, the best one
// first, each with its largest piece first. There is none for many people.
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

// longestFirst parts n people over the longest runs, which have as many seats at least.
// It leaves nobody alone where the next run has a seat for a second one.
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

// fitsInto reports whether the pieces fit into the runs, the largest piece each time
// in the shortest run that takes it.
func fitsInto(pieces []int, runs []run) bool {
	var byLength []int // how many runs there are of each length
	for _, r := range runs {
		for len(byLength) <= int(r.n) {
			byLength = append(byLength, 0)
		}
		byLength[r.n]++
	}
	for _, piece := range pieces {
		at := piece
		for at < len(byLength) && byLength[at] == 0 {
			at++
		}
		if at >= len(byLength) {
			return false
		}
		byLength[at]--
		byLength[at-piece]++
	}
	return true
}

// place returns slots for the pieces, the largest first: of the anchors, the one whose
// other pieces are nearest. It returns nil if no anchor has room for them.
func (p *Picker) place(f filter, pieces []int, runs []run) []int32 {
	var best []int32
	least := int64(math.MaxInt64)
	for _, anchor := range slices.Clone(p.best(f, pieces[0], anchors)) {
		taken := []run{{anchor.start, int32(pieces[0])}}
		far := int64(0)
		for _, piece := range pieces[1:] {
			next, d, ok := p.nearestTo(taken, runs, int32(piece))
			if !ok {
				taken = nil
				break
			}
			taken = append(taken, next)
			far += d
		}
		if taken == nil || far >= least {
			continue
		}
		best, least = best[:0], far
		for _, r := range taken {
			best = slotsFrom(best, r.start, int(r.n))
		}
	}
	return best
}

// nearestTo returns the seats for a piece that are nearest to the first of those taken
// already, and how far that is. It prefers seats that leave no single.
func (p *Picker) nearestTo(taken, runs []run, piece int32) (nearest run, far int64, ok bool) {
	x, y := p.middle(taken[0])
	var bestSingle bool
	for _, r := range runs {
		for at := r.start; at+piece <= r.start+r.n; at++ {
			candidate := run{at, piece}
			if slices.ContainsFunc(taken, candidate.meets) {
				continue
			}
			cx, cy := p.middle(candidate)
			d := (cx-x)*(cx-x) + (cy-y)*(cy-y)
			single := p.leavesSingle(at, piece)
			if !ok || !single && bestSingle || single == bestSingle && d < far {
				nearest, far, bestSingle, ok = candidate, d, single, true
			}
		}
	}
	return nearest, far, ok
}

func (r run) meets(other run) bool {
	return r.start < other.start+other.n && other.start < r.start+r.n
}

// middle returns twice the place of the middle of a run.
func (p *Picker) middle(r run) (x, y int64) {
	first, last := p.plan.seats[r.start], p.plan.seats[r.start+r.n-1]
	return int64(first.X + last.X), int64(first.Y + last.Y)
}
