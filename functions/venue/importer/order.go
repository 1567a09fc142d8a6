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
// that is from the left or, if it is upright, from the top. Around a table, it is from the
// first one to the nearest that is left, and so on.
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
		for i := 1; i < len(order); i++ {
			next := i
			for j := i + 1; j < len(order); j++ {
				if apart(seats[order[j]], seats[order[i-1]]) < apart(seats[order[next]], seats[order[i-1]]) {
					next = j
				}
			}
			order[i], order[next] = order[next], order[i]
		}
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
