package importer

import (
	"cmp"
	"math"
	"slices"
)

// A point is a place in the units of the file.
type point struct{ x, y float64 }

func apart(a, b point) float64 { return math.Hypot(a.x-b.x, a.y-b.y) }

const (
	// longRow is the ratio of length to depth from which seats are a row. Otherwise
	// they are around a table.
	longRow = 2

	// largestTable bounds the work of ordering the seats around a table.
	largestTable = 500
)

// along returns the order in which the seats at these places follow each other. In a row,
// that is from the left or, if it is upright, from the top. Other seats stand on an arc or
// around a table: see around.
func along(seats []point) []int {
	order := make([]int, len(seats))
	for i := range order {
		order[i] = i
	}
	if len(seats) < 2 {
		return order
	}
	axis, long := mainAxis(seats)
	switch {
	case long:
		slices.SortStableFunc(order, func(a, b int) int {
			return cmp.Compare(seats[a].x*axis.x+seats[a].y*axis.y, seats[b].x*axis.x+seats[b].y*axis.y)
		})
	case len(seats) <= largestTable:
		return around(seats)
	}
	return order
}

// gapOfArc is how many times as wide as the widest step between two seats of an arc the gap
// between its ends is. Around a table, there is no such gap.
const gapOfArc = 1.25

// around returns the order of seats on an arc of more than half a circle, or around a table.
// It goes on from both ends of what it has to the seat that is nearest to either. An arc
// begins at the end that is listed first or, if it is listed from its middle, at its left end
// (its upper end, if none is further left). The seats around a table begin with the first.
func around(seats []point) []int {
	order, left := []int{0}, make([]int, len(seats)-1)
	for i := range left {
		left[i] = i + 1
	}
	widest := 0.0
	for len(left) > 0 {
		head, tail := seats[order[0]], seats[order[len(order)-1]]
		next, step, ahead := 0, math.Inf(1), false
		for i, s := range left {
			if d := apart(seats[s], tail); d < step {
				next, step, ahead = i, d, false
			}
			if d := apart(seats[s], head); d < step {
				next, step, ahead = i, d, true
			}
		}
		if ahead {
			order = slices.Insert(order, 0, left[next])
		} else {
			order = append(order, left[next])
		}
		left = slices.Delete(left, next, next+1)
		widest = max(widest, step)
	}
	first, last := seats[order[0]], seats[order[len(order)-1]]
	at := slices.Index(order, 0)
	switch {
	case apart(first, last) <= gapOfArc*widest:
		return slices.Concat(order[at:], order[:at])
	case at == len(order)-1, at > 0 && cmp.Or(cmp.Compare(last.x, first.x), cmp.Compare(last.y, first.y)) < 0:
		slices.Reverse(order)
	}
	return order
}

// mainAxis returns the direction of the greatest variance of the places, to the right
// or down, and whether they are a row.
func mainAxis(seats []point) (axis point, long bool) {
	var middle point
	for _, s := range seats {
		middle.x += s.x / float64(len(seats))
		middle.y += s.y / float64(len(seats))
	}
	var xx, xy, yy float64
	for _, s := range seats {
		x, y := s.x-middle.x, s.y-middle.y
		xx, xy, yy = xx+x*x, xy+x*y, yy+y*y
	}
	angle := math.Atan2(2*xy, xx-yy) / 2 // from -90 to 90 degrees
	axis.y, axis.x = math.Sincos(angle)
	if axis.y < -0.9 { // pointing upwards
		axis.x, axis.y = -axis.x, -axis.y
	}
	spread := math.Hypot((xx-yy)/2, xy)
	most, least := (xx+yy)/2+spread, (xx+yy)/2-spread
	return axis, most > longRow*longRow*max(least, 0)
}

// arrange sorts the seats of each row with a name in their order along it, if all of
// them have places.
func (p *plan) arrange() {
	rows := make(map[[2]string][]int)
	var names [][2]string
	for i, s := range p.seats {
		name := [2]string{s.section, s.row}
		if rows[name] == nil {
			names = append(names, name)
		}
		rows[name] = append(rows[name], i)
	}
	arranged := make([]seat, 0, len(p.seats))
	for _, name := range names {
		row := make([]seat, 0, len(rows[name]))
		places := make([]point, 0, len(rows[name]))
		for _, i := range rows[name] {
			row = append(row, p.seats[i])
			if p.seats[i].placed {
				places = append(places, point{p.seats[i].x, p.seats[i].y})
			}
		}
		if len(places) < len(row) || name[1] == "" {
			arranged = append(arranged, row...)
			continue
		}
		for _, i := range along(places) {
			arranged = append(arranged, row[i])
		}
	}
	p.seats = arranged
}
