package venue

import (
	"iter"
	"slices"
	"sync"

	"seatlock/lockstore"
)

// A Layout says where the seats of a venue are, and what is special about them. Any
// number of events may share it. It is immutable and must not be copied.
//
// Positions are those of the [lockstore.Layout]: first the seats, section after
// section and row after row, then the places of each area.
type Layout struct {
	*lockstore.Layout

	// Name is the layout's name in the event file. It is empty if the layout belongs to
	// one event.
	Name     string
	Sections []Section
	Areas    []Area
	Stage    *Stage // nil if it is not described

	// Categories are the ids of the categories that the layout names. Each event
	// defines them.
	Categories []string

	seats    int            // the number of seats; higher positions are places of areas
	category []uint16       // by position: one more than its index in Categories, or 0; nil if none has one
	facts    []Facts        // by position of a seat; nil if there are none
	notes    map[int]string // by position of a seat
	x, y     []int32        // by position of a seat; nil if the places are not known

	json struct {
		once sync.Once
		text []byte
		err  error
	}
}

// A Section is a part of a venue, such as the stalls. Its name is empty if it is
// the only part.
type Section struct {
	Name       string
	Rows       []Row
	First, End int // the positions of its seats: First to End-1
}

// A Row is seats side by side, or around a table. Its name is empty if the seats
// are a plain list.
type Row struct {
	Name       string
	Seats      []lockstore.SeatID // must not be changed
	Numbers    []string           // the name of each seat in its row, such as 7; nil if none has one
	First, End int                // the positions of its seats: First to End-1

	// Aisles are the indexes of the seats with an aisle before them, ascending.
	// The first seat has none.
	Aisles []int

	// Table is the shape of the table around which the seats stand: round or
	// square. It is empty if they stand in a row.
	Table string
}

// An Area is a set of places that are alike, such as standing room. It has a name, as a
// section does.
type Area struct {
	Name       string
	ID         string // its places are ID#1, ID#2 …
	First, End int    // the positions of its places: First to End-1

	// Box is the rectangle of the area; nil if that is not known.
	Box *Box
}

// A Box is a rectangle in a plan: its middle and its size, in tenths of a seat width.
type Box struct {
	X      int32 `json:"x"`
	Y      int32 `json:"y"`
	Width  int32 `json:"width"`
	Height int32 `json:"height"`
}

// A Stage is where the audience looks.
type Stage struct {
	Label string
	Shape string // straight, apron or round
	Box   *Box   // nil: the middle of its front is at x and y 0
}

// Facts are what is special about a seat.
type Facts uint8

// The facts.
const (
	Wheelchair     Facts = 1 << iota // a place for a wheelchair
	Companion                        // beside one, for a companion of its user
	RestrictedView                   // the view is obstructed
)

// factNames are the names of the facts in event files and answers.
var factNames = []struct {
	fact Facts
	name string
}{{Wheelchair, "wheelchair"}, {Companion, "companion"}, {RestrictedView, "restrictedView"}}

// Names returns the facts as event files and answers name them.
func (f Facts) Names() []string {
	var names []string
	for _, n := range factNames {
		if f&n.fact != 0 {
			names = append(names, n.name)
		}
	}
	return names
}

// SeatCount returns the number of seats. Positions from there on are places of areas.
func (l *Layout) SeatCount() int { return l.seats }

// Category returns the index in l.Categories of the category of the seat or place at
// the position, or -1 if it has none.
func (l *Layout) Category(position int) int {
	if l.category == nil {
		return -1
	}
	return int(l.category[position]) - 1
}

// SameParts reports whether other, which must have the same seats, has the same areas and
// gives each seat and place the same category.
func (l *Layout) SameParts(other *Layout) bool {
	sameArea := func(a, b Area) bool { return a.Name == b.Name && a.First == b.First && a.End == b.End }
	return l == other || slices.EqualFunc(l.Areas, other.Areas, sameArea) &&
		slices.Equal(l.Categories, other.Categories) && slices.Equal(l.category, other.category)
}

// Facts returns what is special about the seat or place at the position.
func (l *Layout) Facts(position int) Facts {
	if position >= len(l.facts) {
		return 0
	}
	return l.facts[position]
}

// Note returns a sentence about the seat at the position, or "".
func (l *Layout) Note(position int) string { return l.notes[position] }

// Placed reports whether the places of the seats are known.
func (l *Layout) Placed() bool { return l.x != nil }

// Place returns the coordinates of the middle of the seat at the position, in tenths of
// a seat width: x to the right and y away from the stage, on a plan with the stage at
// its top. The position must be that of a seat, and l must be Placed.
func (l *Layout) Place(position int) (x, y int) { return int(l.x[position]), int(l.y[position]) }

// A Segment is seats side by side with no aisle between them: those at the
// positions First to End-1.
type Segment struct {
	Section, Row int // indexes in l.Sections and its Rows
	First, End   int
}

// Segments returns the segments in the order of their positions. Every seat is in
// one.
func (l *Layout) Segments() iter.Seq[Segment] {
	return func(yield func(Segment) bool) {
		for s := range l.Sections {
			for r := range l.Sections[s].Rows {
				row := &l.Sections[s].Rows[r]
				first := row.First
				for _, aisle := range row.Aisles {
					if !yield(Segment{s, r, first, row.First + aisle}) {
						return
					}
					first = row.First + aisle
				}
				if !yield(Segment{s, r, first, row.End}) {
					return
				}
			}
		}
	}
}

// name gives the ids to the layout, those of the seats first and then those of the
// places of areas, and to its rows.
func (l *Layout) name(ids []lockstore.SeatID) error {
	named, err := lockstore.NewLayout(ids)
	if err != nil {
		return err
	}
	l.Layout = named
	for s := range l.Sections {
		for r := range l.Sections[s].Rows {
			row := &l.Sections[s].Rows[r]
			row.Seats = named.Seats[row.First:row.End:row.End]
		}
	}
	return nil
}
