package venue

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// The dimensions of a plan, in tenths of a seat width.
const (
	seatWidth = 10
	rowDepth  = 17 // from one row to the next
	tableSize = 14 // the least radius of the seats around a table
	tableRoom = 3 * seatWidth
	farApart  = 17 // neighbours in a listed row that are further apart have an aisle between them
)

// maxPlace is the largest coordinate in seat widths, either way.
const maxPlace = 100_000

// A point is a place in a plan, in tenths of a seat width.
type point struct{ x, y float64 }

// A frame is the position of a section: that of the middle of its front row, its
// clockwise rotation, and the curve of its rows towards the stage.
type frame struct {
	at     point
	rotate float64 // in degrees
	curve  float64 // 0 is straight; 1 bends a front row of the section's width to half a circle
}

// out converts a point of the section to a point of the plan.
func (f frame) out(p point) point {
	sin, cos := math.Sincos(f.rotate * math.Pi / 180)
	return point{f.at.x + p.x*cos - p.y*sin, f.at.y + p.x*sin + p.y*cos}
}

// rows returns the places of the seats of rows, given their positions along the rows in
// tenths from the middle. The rows are behind each other and have the same centre of
// curvature.
func (f frame) rows(rows [][]float64) [][]point {
	widest := 0.0
	for _, row := range rows {
		for _, s := range row {
			widest = max(widest, math.Abs(s))
		}
	}
	radius := 0.0
	if f.curve > 0 && widest > 0 {
		radius = widest / (f.curve * math.Pi / 2)
	}
	placed := make([][]point, len(rows))
	for r, row := range rows {
		placed[r] = make([]point, len(row))
		depth := float64(r) * rowDepth
		for i, s := range row {
			p := point{s, depth}
			if radius > 0 {
				sin, cos := math.Sincos(s / (radius + depth))
				p = point{(radius + depth) * sin, (radius+depth)*cos - radius}
			}
			placed[r][i] = f.out(p)
		}
	}
	return placed
}

// tables returns the places of the seats around tables, given the number of seats of
// each. The tables form a block that is roughly square.
func (f frame) tables(shape string, seats []int) [][]point {
	most := 0.0
	for _, n := range seats {
		most = max(most, tableRadius(n))
	}
	pitch := 2*most + tableRoom
	columns := int(math.Ceil(math.Sqrt(float64(len(seats)))))
	placed := make([][]point, len(seats))
	for t, n := range seats {
		middle := point{
			(float64(t%columns) - float64(columns-1)/2) * pitch,
			most + float64(t/columns)*pitch,
		}
		placed[t] = make([]point, n)
		for i := range n {
			p := around(shape, tableRadius(n), i, n)
			placed[t][i] = f.out(point{middle.x + p.x, middle.y + p.y})
		}
	}
	return placed
}

// tableRadius returns the distance of the seats of a table from its middle, at which
// they do not touch.
func tableRadius(seats int) float64 {
	return max(tableSize, float64(seats)*1.2*seatWidth/(2*math.Pi))
}

// around returns the place of seat i of n around a table, clockwise from the stage's
// side.
func around(shape string, radius float64, i, n int) point {
	sin, cos := math.Sincos(2 * math.Pi * float64(i) / float64(n))
	p := point{radius * sin, -radius * cos}
	if shape == "square" { // pushed out to the square around the circle
		far := max(math.Abs(sin), math.Abs(cos))
		p.x, p.y = p.x/far, p.y/far
	}
	return p
}

// tenths rounds to the precision of a Layout.
func tenths(f float64) int32 { return int32(math.Round(f)) }

// placing places the seats of a layout while it is made: all of them, or none.
type placing struct {
	x, y    []int32
	started bool
}

// section places the seats of a section. Listed seats are in the order of their indexes
// in the list.
func (p *placing) section(here string, s sectionJSON, made *Section, order []int) error {
	inList := len(order) > 0 && s.Seats[order[0]].X != nil
	placed := s.X != nil || inList
	if p.started && placed != (p.x != nil) {
		return wrong(here, "some sections have a place, x and y, and others have none; give all of them one, or none")
	}
	p.started = true
	if !placed && order == nil {
		return nil
	}
	f := frame{rotate: s.Rotate, curve: s.Curve}
	if s.X != nil {
		f.at = point{*s.X * seatWidth, *s.Y * seatWidth}
	}
	for _, i := range order {
		if seat := &s.Seats[i]; (seat.X != nil) != inList || (seat.Y != nil) != inList {
			return wrong(fmt.Sprintf("%s/seats/%d", here, i), "all seats of a list must have a place, x and y, or none")
		}
	}
	switch {
	case !placed:
		return nil
	case inList:
		points := make([]point, len(order))
		for n, i := range order {
			seat, here := &s.Seats[i], fmt.Sprintf("%s/seats/%d", here, i)
			if err := errors.Join(checkPlace(here+"/x", *seat.X), checkPlace(here+"/y", *seat.Y)); err != nil {
				return err
			}
			points[n] = f.out(point{*seat.X * seatWidth, *seat.Y * seatWidth})
		}
		p.add(points)
		for r := range made.Rows {
			p.findAisles(&made.Rows[r])
		}
		return nil
	case made.Rows[0].Table != "":
		var seats []int
		for _, r := range made.Rows {
			seats = append(seats, r.End-r.First)
		}
		p.add(f.tables(made.Rows[0].Table, seats)...)
		return nil
	}
	rows := make([][]float64, len(made.Rows))
	for i, r := range made.Rows {
		rows[i] = slots(r.Numbers, r.Aisles, r.End-r.First)
	}
	p.add(f.rows(rows)...)
	return nil
}

func (p *placing) add(rows ...[]point) {
	for _, row := range rows {
		for _, at := range row {
			p.x = append(p.x, tenths(at.x))
			p.y = append(p.y, tenths(at.y))
		}
	}
}

// findAisles adds aisles to a listed row where neighbours are far apart.
func (p *placing) findAisles(row *Row) {
	var aisles []int
	for i := 1; i < row.End-row.First; i++ {
		at := row.First + i
		apart := math.Hypot(float64(p.x[at]-p.x[at-1]), float64(p.y[at]-p.y[at-1]))
		if apart > farApart || slices.Contains(row.Aisles, i) {
			aisles = append(aisles, i)
		}
	}
	row.Aisles = aisles
}

// checkFrame checks the position of a section.
func checkFrame(here string, s sectionJSON) error {
	if (s.X == nil) != (s.Y == nil) {
		return wrong(here, "x and y must be given together")
	}
	if s.X == nil && (s.Rotate != 0 && s.Seats == nil || s.Curve != 0) {
		return wrong(here, "rotate and curve need the place of the section, x and y")
	}
	if s.X != nil {
		if err := errors.Join(checkPlace(here+"/x", *s.X), checkPlace(here+"/y", *s.Y)); err != nil {
			return err
		}
	}
	if s.Rotate < -360 || s.Rotate > 360 {
		return wrong(here+"/rotate", "must be from -360 to 360 degrees, not %v", s.Rotate)
	}
	if s.Curve < 0 || s.Curve > 1 {
		return wrong(here+"/curve", "must be from 0 for straight rows to 1 for half a circle, not %v", s.Curve)
	}
	return nil
}

func checkPlace(here string, at float64) error {
	if math.Abs(at) > maxPlace {
		return wrong(here, "must be from -%d to %d seat widths, not %v", maxPlace, maxPlace, at)
	}
	return nil
}
