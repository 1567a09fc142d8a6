package venue

import (
	"sort"

	"seatlock/lockstore"
)

// A Where describes to people where a seat is, as far as the event file says so. A
// place of an area has no row and no number.
type Where struct {
	Section  string // or area
	Row      string
	Number   string // in its row
	Category string // its id
}

// Where returns the location of the seat or place. It is zero if the event does not
// have it.
func (e *Event) Where(id lockstore.SeatID) (w Where) {
	at, ok := e.Position(id)
	if !ok {
		return w
	}
	if c := e.CategoryOf(at); c != nil {
		w.Category = c.ID
	}
	l := e.Layout
	if at >= l.seats {
		i := sort.Search(len(l.Areas), func(i int) bool { return at < l.Areas[i].End })
		w.Section = l.Areas[i].Name
		return w
	}
	section := &l.Sections[sort.Search(len(l.Sections), func(i int) bool { return at < l.Sections[i].End })]
	row := &section.Rows[sort.Search(len(section.Rows), func(i int) bool { return at < section.Rows[i].End })]
	w.Section, w.Row = section.Name, row.Name
	if row.Numbers != nil {
		w.Number = row.Numbers[at-row.First]
	}
	return w
}
