package best

import "seatlock/functions/venue"

// The dimensions of a venue for which only the rows are known, in tenths of a seat's
// width.
const (
	seatWidth = 10
	aisle     = 10
	rowDepth  = 17
)

// NewLayoutPlan returns the plan of a layout. Sections are numbered in the order of the
// layout, and the areas after them. A category is its index in Layout.Categories, or
// [Any] if a seat has none.
//
// The best place is the middle of the stage's front. If the places of the seats are not
// known, the best seat of a row is the one in its middle, counting seats and aisles,
// and rows that come first in the layout are better.
func NewLayoutPlan(l *venue.Layout) *Plan {
	var segments []Segment
	place := unplaced(l)
	if l.Placed() {
		place = placed(l)
	}
	for s := range l.Segments() {
		segment := Segment{Section: s.Section, Seats: make([]Seat, 0, s.End-s.First)}
		for at := s.First; at < s.End; at++ {
			x, y := place(s, at)
			segment.Seats = append(segment.Seats, Seat{
				Position: at, X: x, Y: y, Category: l.Category(at),
				Special: l.Facts(at)&(venue.Wheelchair|venue.Companion) != 0,
			})
		}
		segments = append(segments, segment)
	}
	var areas []Area
	for i, a := range l.Areas {
		areas = append(areas, Area{Section: len(l.Sections) + i, Category: l.Category(a.First), First: a.First, Places: a.End - a.First})
	}
	return NewPlan(segments, areas)
}

// placed returns the coordinates of a seat relative to the middle of the stage's front.
func placed(l *venue.Layout) func(venue.Segment, int) (x, y int) {
	var stageX, stageY int
	if l.Stage != nil && l.Stage.Box != nil {
		stageX, stageY = int(l.Stage.Box.X), int(l.Stage.Box.Y+l.Stage.Box.Height/2)
	}
	return func(_ venue.Segment, at int) (x, y int) {
		x, y = l.Place(at)
		return x - stageX, y - stageY
	}
}

// unplaced returns coordinates of a seat if only its row is known.
func unplaced(l *venue.Layout) func(venue.Segment, int) (x, y int) {
	before := make([]int, len(l.Sections)) // the number of rows before each section
	for i := 1; i < len(l.Sections); i++ {
		before[i] = before[i-1] + len(l.Sections[i-1].Rows)
	}
	return func(s venue.Segment, at int) (x, y int) {
		row := &l.Sections[s.Section].Rows[s.Row]
		width := (row.End-row.First-1)*seatWidth + len(row.Aisles)*aisle
		x = (at - row.First) * seatWidth
		for _, first := range row.Aisles {
			if row.First+first <= at {
				x += aisle
			}
		}
		return x - width/2, (before[s.Section] + s.Row) * rowDepth
	}
}
