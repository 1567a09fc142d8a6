package venue

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"seatlock/lockstore"
)

// A builder makes one layout of a file. It counts all seats, with count, before making
// any.
type builder struct {
	here        string // the layout's place in the file
	what        string // "event" or "layout", for errors
	event, file int    // how many more seats the event and the file may have
	planned     []plan

	layout   *Layout
	ids      []lockstore.SeatID
	seats    map[lockstore.SeatID]int // positions by id
	origins  []origin
	names    map[string]bool // of sections and areas
	category categories
	placed   placing
	id       []byte // the seat id being made
}

// An origin is where in the file the seats from a position on are defined.
type origin struct {
	first int
	here  string
}

// count checks the form of the layout's sections and areas, and counts their seats.
func (b *builder) count(l layoutJSON) error {
	if l.Seats != nil {
		return b.countList(b.here+"/seats", l.Seats)
	}
	if l.Sections == nil && l.Areas == nil {
		return wrong(b.here, "no seats are given; give sections or areas")
	}
	if l.Sections != nil && len(l.Sections) == 0 {
		return wrong(b.here+"/sections", "the list must not be empty")
	}
	if l.Areas != nil && len(l.Areas) == 0 {
		return wrong(b.here+"/areas", "the list must not be empty")
	}
	for i, s := range l.Sections {
		p, err := b.plan(fmt.Sprintf("%s/sections/%d", b.here, i), s)
		if err != nil {
			return err
		}
		b.planned = append(b.planned, p)
	}
	for i, a := range l.Areas {
		here := fmt.Sprintf("%s/areas/%d", b.here, i)
		if a.Capacity < 1 {
			return wrong(here+"/capacity", "must be a number of places from 1, not %d", a.Capacity)
		}
		if err := b.take(here, a.Capacity); err != nil {
			return err
		}
	}
	return nil
}

// build makes the layout whose seats count has counted.
func (b *builder) build(l layoutJSON) (*Layout, error) {
	b.layout = &Layout{notes: make(map[int]string)}
	b.seats = make(map[lockstore.SeatID]int)
	b.names = make(map[string]bool)
	if l.Seats != nil {
		if err := b.plain(l.Seats); err != nil {
			return nil, err
		}
	}
	for _, p := range b.planned {
		names := []string{""}
		if p.repeat != nil {
			var err error
			if names, _, err = p.repeat.names(); err != nil {
				return nil, at(p.here+"/section", err)
			}
		}
		for _, name := range names {
			if err := b.section(p, name); err != nil {
				return nil, err
			}
		}
	}
	return b.finish(l)
}

// finish makes everything after the sections.
func (b *builder) finish(l layoutJSON) (*Layout, error) {
	b.layout.seats = len(b.ids)
	for i, a := range l.Areas {
		if err := b.area(fmt.Sprintf("%s/areas/%d", b.here, i), a); err != nil {
			return nil, err
		}
	}
	var err error
	if b.layout.Stage, err = l.Stage.stage(b.here + "/stage"); err != nil {
		return nil, err
	}
	b.layout.Categories, b.layout.category = b.category.done(len(b.ids))
	b.layout.x, b.layout.y = b.placed.x, b.placed.y
	if err := b.layout.name(b.ids); err != nil {
		return nil, at(b.here, err)
	}
	return b.layout, nil
}

// section makes one section of a plan, with its name from the range.
func (b *builder) section(p plan, name string) error {
	section := Section{Name: norm.NFC.String(strings.ReplaceAll(p.section.Name, "{section}", name)), First: len(b.ids)}
	if err := b.nameOf(p.here, "section", section.Name); err != nil {
		return err
	}
	if p.section.Category != nil {
		if err := checkCategory(p.here+"/category", *p.section.Category); err != nil {
			return err
		}
	}
	var err error
	var order []int
	if p.section.Seats != nil {
		section.Rows, order, err = b.list(p.here, p.section)
	} else {
		section.Rows, err = b.rows(p, name)
	}
	section.End = len(b.ids)
	b.layout.Sections = append(b.layout.Sections, section)
	if err != nil {
		return err
	}
	return b.placed.section(p.here, p.section, &section, order)
}

// plain makes the only section of an event that is a plain list of seats.
func (b *builder) plain(seats []seatJSON) error {
	form := sectionJSON{Seats: seats}
	rows, order, err := b.list(b.here, form)
	if err != nil {
		return err
	}
	b.layout.Sections = []Section{{Rows: rows, End: len(b.ids)}}
	return b.placed.section(b.here, form, &b.layout.Sections[0], order)
}

// nameOf checks and records the name of a section or an area.
func (b *builder) nameOf(here, what, name string) error {
	if err := checkLabel(name); err != nil {
		return at(here+"/name", err)
	}
	if b.names[name] {
		return wrong(here+"/name", "%s %s is listed twice", what, Shown(name))
	}
	b.names[name] = true
	return nil
}

// rows makes the rows of one section.
func (b *builder) rows(p plan, section string) ([]Row, error) {
	var rows []Row
	seen := make(map[string]bool)
	for _, g := range p.groups {
		rowNames, _, err := g.rows.names()
		if err != nil {
			return nil, at(g.here+"/row", err)
		}
		seatNames, marked, err := g.seats.names()
		if err != nil {
			return nil, at(g.here+"/seats", err)
		}
		template := Row{Numbers: seatNames}
		if g.fields.Table != nil {
			template.Table = *g.fields.Table
		} else {
			template.Aisles = aislesOf(seatNames, marked)
		}
		category, err := b.category.index(g.here+"/category", g.fields.Category, p.section.Category)
		if err != nil {
			return nil, err
		}
		for _, name := range rowNames {
			if seen[name] {
				return nil, wrong(g.here+"/row", "row %s is listed twice", Shown(name))
			}
			seen[name] = true
			row := template
			row.Name, row.First = name, len(b.ids)
			b.origins = append(b.origins, origin{first: row.First, here: g.here})
			for _, seat := range seatNames {
				b.id = appendSeat(b.id[:0], p.pattern, section, name, seat)
				if err := b.add(g.here, lockstore.SeatID(b.id), category); err != nil {
					return nil, withWayOut(err, p)
				}
			}
			row.End = len(b.ids)
			rows = append(rows, row)
		}
	}
	return rows, b.special(p, rows)
}

// area makes the places of an area, and names them: "Floor#1", "Floor#2" ….
func (b *builder) area(here string, a areaJSON) error {
	area := Area{Name: norm.NFC.String(a.Name), First: len(b.ids)}
	if err := b.nameOf(here, "area", area.Name); err != nil {
		return err
	}
	id := area.Name
	if a.ID != nil {
		id = norm.NFC.String(*a.ID)
	}
	area.ID = id
	category, err := b.category.index(here+"/category", a.Category)
	if err != nil {
		return err
	}
	if area.Box, err = box(here, a.X, a.Y, a.Width, a.Height); err != nil {
		return err
	}
	b.origins = append(b.origins, origin{first: area.First, here: here})
	for n := 1; n <= a.Capacity; n++ {
		if err := b.add(here, lockstore.SeatID(fmt.Sprintf("%s#%d", id, n)), category); err != nil {
			return extended(err, "; give the area an id of its own, from which the ids of its places are made")
		}
	}
	area.End = len(b.ids)
	b.layout.Areas = append(b.layout.Areas, area)
	return nil
}

// A twiceError is the id that two seats have.
type twiceError struct {
	id    lockstore.SeatID
	first string // where in the file the first seat is
}

func (e *twiceError) Error() string {
	return fmt.Sprintf("seat %s is listed twice, first at %s", e.id, e.first)
}

// withWayOut adds to the error about a repeated seat id that another pattern may help,
// if the section has none of its own.
func withWayOut(err error, p plan) error {
	if _, ok := errors.AsType[*twiceError](err); !ok || p.section.Pattern != nil {
		return err
	}
	if p.repeat != nil {
		return extended(err, `; give the section a pattern that keeps them apart, such as "{section}-{row}-{seat}"`)
	}
	return extended(err, `; give the section a pattern that keeps them apart, such as "{row}-{seat}", or "B-{row}-{seat}" for the seats of a balcony`)
}

// add checks and records a new seat.
func (b *builder) add(here string, id lockstore.SeatID, category uint16) error {
	if err := checkSeat(id); err != nil {
		return at(here, err)
	}
	if before, twice := b.seats[id]; twice {
		return at(here, &twiceError{id, b.origin(before)})
	}
	b.seats[id] = len(b.ids)
	b.ids = append(b.ids, id)
	b.category.of = append(b.category.of, category)
	return nil
}

// origin returns where in the file the seat at the position is defined.
func (b *builder) origin(position int) string {
	i, _ := slices.BinarySearchFunc(b.origins, position+1, func(o origin, p int) int { return o.first - p })
	return b.origins[i-1].here
}
