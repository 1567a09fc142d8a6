package best

import "cmp"

// A window is a series of available seats side by side.
type window struct {
	start int32
	class class
	cost  int64 // the sum for its seats
}

// A class ranks windows before their cost: the lower, the better.
type class uint8

const (
	leavesSingle class = 1 << iota // a seat next to it would have no other neighbour
	mixed                          // its seats are of several categories
)

func (w window) before(other window) bool {
	if w.class != other.class {
		return w.class < other.class
	}
	return w.cost < other.cost
}

func (w window) compare(other window) int {
	return cmp.Or(cmp.Compare(w.class, other.class), cmp.Compare(w.cost, other.cost), cmp.Compare(w.start, other.start))
}

// windows appends the windows of n seats in a segment: the best one of each run of
// available seats, and those at multiples of n seats from it. Windows of one category
// never overlap.
func (p *Picker) windows(dst []window, s *segment, n int32, category int) []window {
	for start := p.free.next(s.first, s.end); start < s.end; start = p.free.next(start, s.end) {
		of, end := p.plan.seats[start].Category, start+1
		for end < s.end && p.free.has(end) && p.plan.seats[end].Category == of {
			end++
		}
		if category == Any || category == of {
			dst = p.windowsOfRun(dst, start, end, n)
		}
		start = end
	}
	if category == Any && len(s.categories) > 1 {
		dst = p.mixedWindow(dst, s, n)
	}
	return dst
}

// windowsOfRun appends the windows of one run. It compares windows by these criteria,
// in this order: whether it leaves a single seat, whether it takes the room of another
// n seats, whether it leaves more odd numbers of seats at its ends than needed, and its
// cost. The second criterion lets parties of one size fill a run as far as possible.
func (p *Picker) windowsOfRun(dst []window, start, end, n int32) []window {
	spare := end - start - n
	if spare < 0 {
		return dst
	}
	var best window
	var bestRank int64 = -1
	for before := range spare + 1 {
		after := spare - before
		w := window{start: start + before, cost: p.cost(start+before, n)}
		lost := spare/n - before/n - after/n
		odd := before&1 + after&1 - spare&1
		rank := int64(lost)<<2 | int64(odd)
		if p.leavesSingle(w.start, n) {
			w.class = leavesSingle
			rank |= 1 << 3
		}
		if bestRank < 0 || rank < bestRank || rank == bestRank && w.cost < best.cost {
			best, bestRank = w, rank
		}
	}
	dst = append(dst, best)
	tile := func(at int32) {
		if !p.leavesSingle(at, n) {
			dst = append(dst, window{start: at, cost: p.cost(at, n)})
		}
	}
	for at := best.start - n; at >= start; at -= n {
		tile(at)
	}
	for at := best.start + n; at+n <= end; at += n {
		tile(at)
	}
	return dst
}

// mixedWindow appends the best window of a segment with seats of several categories, if
// there is one.
func (p *Picker) mixedWindow(dst []window, s *segment, n int32) []window {
	var best window
	found := false
	for start := p.free.next(s.first, s.end); start < s.end; start = p.free.next(start, s.end) {
		end, changes := start+1, start // changes is where the category of the last seats begins
		for ; end <= s.end; end++ {
			if at := end - n; at >= start && changes > at {
				w := window{start: at, class: mixed, cost: p.cost(at, n)}
				if p.leavesSingle(at, n) {
					w.class |= leavesSingle
				}
				if !found || w.before(best) {
					best, found = w, true
				}
			}
			if end == s.end || !p.free.has(end) {
				break
			}
			if p.plan.seats[end].Category != p.plan.seats[end-1].Category {
				changes = end
			}
		}
		start = end
	}
	if found {
		dst = append(dst, best)
	}
	return dst
}

func (p *Picker) cost(start, n int32) int64 { return p.plan.sums[start+n] - p.plan.sums[start] }

// leavesSingle reports whether a seat next to the window would be left without an
// available neighbour.
func (p *Picker) leavesSingle(start, n int32) bool {
	return p.free.has(start-1) && !p.free.has(start-2) || p.free.has(start+n) && !p.free.has(start+n+1)
}
