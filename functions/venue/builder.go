package venue

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"seatlock/lockstore"
)

// A builder makes one layout of a file. It counts all seats, with count, before it
// makes any.
type builder struct {
	here        string // the layout's place in the file
	what        string // "event" or "layout", for errors
	event, file int    // how many more seats the event and the file may have
	planned     []plan

	layout   *Layout
	ids      []lockstore.SeatID
	seats    map[lockstore.SeatID]int // by id: its position
	origins  []origin
	names    map[string]bool // of sections and areas
	category categories
	placed   placing
	id       []byte // the seat id being made
}

// A plan is a section of the file, checked and counted but not made.
type plan struct {
	here    string
	section sectionJSON
	repeat  nameRange // one section for each name; nil is one section
	groups  []group
	pattern []string
}

// A group is rows with the same seats.
type group struct {
	here        string
	rows, seats nameRange
	fields      rowsJSON
}

// An origin is where in the file the seats from a position on come from.
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
		return wrong(b.here, "there are no seats; give sections or areas")
	}
	if l.Sections != nil && len(l.Sections) == 0 {
		return wrong(b.here+"/sections", "there is no section in it")
	}
	if l.Areas != nil && len(l.Areas) == 0 {
		return wrong(b.here+"/areas", "there is no area in it")
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
			return wrong(here+"/capacity", "it must be a number of places from 1, not %d", a.Capacity)
		}
		if err := b.take(here, a.Capacity); err != nil {
			return err
		}
	}
	return nil
}

// plan checks and counts the seats of a section, for each name of its range
// "section" if it has one.
func (b *builder) plan(here string, s sectionJSON) (plan, error) {
	p := plan{here: here, section: s}
	switch {
	case s.Rows != nil && s.Seats != nil:
		return p, wrong(here, "there are both rows and seats; give one of them")
	case s.Rows == nil && s.Seats == nil:
		return p, wrong(here, "there are neither rows nor seats")
	case s.Section == nil && strings.Contains(s.Name, "{section}"):
		return p, wrong(here+"/name", "%s: {section} needs the field section", Shown(s.Name))
	case s.Section != nil && s.Seats != nil:
		return p, wrong(here+"/section", "a plain list of seats cannot be repeated: the seats would be the same")
	case s.Section != nil && !strings.Contains(s.Name, "{section}"):
		return p, wrong(here+"/name", "all these sections would be called %s; put {section} into it", Shown(s.Name))
	case s.Pattern != nil && s.Rows == nil:
		return p, wrong(here+"/pattern", "a plain list of seats has no pattern: its names are the seats")
	case s.Special != nil && s.Rows == nil:
		return p, wrong(here+"/special", "a list of seats says itself what is special about each")
	}
	if err := checkFrame(here, s); err != nil {
		return p, err
	}
	if s.Seats != nil {
		return p, b.countList(here+"/seats", s.Seats)
	}
	var err error
	pattern, times := "{row}{seat}", 1
	if s.Section != nil {
		pattern = "{section}-{row}{seat}"
		if p.repeat, err = parseRange(*s.Section); err != nil {
			return p, at(here+"/section", err)
		}
		if p.repeat.hasAisle() {
			return p, wrong(here+"/section", "an aisle is between seats, not between sections; separate them by commas")
		}
		times = p.repeat.count()
	}
	if s.Pattern != nil {
		pattern = norm.NFC.String(*s.Pattern)
	}
	if p.pattern, err = parsePattern(pattern, s.Section != nil); err != nil {
		return p, at(here+"/pattern", err)
	}
	if len(s.Rows) == 0 {
		return p, wrong(here+"/rows", "there is no row in it")
	}
	for i, r := range s.Rows {
		here := fmt.Sprintf("%s/rows/%d", here, i)
		g, err := planRows(here, r)
		if err != nil {
			return p, err
		}
		if (r.Table == nil) != (s.Rows[0].Table == nil) {
			return p, wrong(here, "rows and tables must be in sections of their own")
		}
		if err := b.take(here, product(times, product(g.rows.count(), g.seats.count()))); err != nil {
			return p, err
		}
		p.groups = append(p.groups, g)
	}
	return p, nil
}

// planRows checks rows with the same seats.
func planRows(here string, r rowsJSON) (g group, err error) {
	g = group{here: here, fields: r}
	if g.rows, err = parseRange(r.Row); err != nil {
		return g, at(here+"/row", err)
	}
	if g.seats, err = parseRange(r.Seats); err != nil {
		return g, at(here+"/seats", err)
	}
	if g.rows.hasAisle() {
		return g, wrong(here+"/row", "an aisle is between seats, not between rows; separate them by commas")
	}
	if r.Table != nil && *r.Table != "round" && *r.Table != "square" {
		return g, wrong(here+"/table", "a table is round or square, not %s", Shown(*r.Table))
	}
	if r.Table != nil && g.seats.hasAisle() {
		return g, wrong(here+"/seats", "a table has no aisle")
	}
	return g, nil
}

// countList counts the seats of a list.
func (b *builder) countList(here string, seats []seatJSON) error {
	n := 0
	for _, s := range seats {
		if !s.Aisle {
			n++
		}
	}
	if n == 0 {
		return wrong(here, "there is no seat in it")
	}
	return b.take(here, n)
}

// build makes the layout that count has counted.
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

// finish makes what comes after the sections.
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

// section makes one section of a plan, with the name that its range gives it.
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
		return wrong(here+"/name", "%s %s is there twice", what, Shown(name))
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
				return nil, wrong(g.here+"/row", "row %s is there twice", Shown(name))
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

// withWayOut adds to the error about a seat that is there twice that another pattern may
// help, if the section has none of its own.
func withWayOut(err error, p plan) error {
	if _, ok := errors.AsType[*twiceError](err); !ok || p.section.Pattern != nil {
		return err
	}
	if p.repeat != nil {
		return extended(err, `; give the section a pattern that keeps them apart, such as "{section}-{row}-{seat}"`)
	}
	return extended(err, `; give the section a pattern that keeps them apart, such as "{row}-{seat}", or "B-{row}-{seat}" for the seats of a balcony`)
}

// A twiceError is a seat id that two seats have.
type twiceError struct {
	id    lockstore.SeatID
	first string // where in the file the first one is
}

func (e *twiceError) Error() string {
	return fmt.Sprintf("seat %s is there twice, the first time at %s", e.id, e.first)
}

// special marks what is special about some of the seats of rows.
func (b *builder) special(p plan, rows []Row) error {
	for i, s := range p.section.Special {
		here := fmt.Sprintf("%s/special/%d", p.here, i)
		which, err := planRows(here, rowsJSON{Row: s.Row, Seats: s.Seats})
		if err != nil {
			return err
		}
		if n := product(which.rows.count(), which.seats.count()); n > len(b.ids) {
			return wrong(here, "these are more seats than the section has")
		}
		rowNames, _, err := which.rows.names()
		if err != nil {
			return at(here+"/row", err)
		}
		seatNames, _, err := which.seats.names()
		if err != nil {
			return at(here+"/seats", err)
		}
		for _, name := range rowNames {
			r := slices.IndexFunc(rows, func(r Row) bool { return r.Name == name })
			if r < 0 {
				return wrong(here+"/row", "there is no row %s in the section", Shown(name))
			}
			for _, number := range seatNames {
				n := slices.Index(rows[r].Numbers, number)
				if n < 0 {
					return wrong(here+"/seats", "there is no seat %s in row %s", Shown(number), Shown(name))
				}
				if err := b.mark(here, rows[r].First+n, s.Category, s.Facts, s.Note); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// mark sets what is special about the seat at the position.
func (b *builder) mark(here string, position int, category *string, facts []string, note *string) error {
	if category != nil {
		index, err := b.category.index(here+"/category", category)
		if err != nil {
			return err
		}
		b.category.of[position] = index
	}
	for i, name := range facts {
		f, err := fact(name)
		if err != nil {
			return at(fmt.Sprintf("%s/facts/%d", here, i), err)
		}
		for len(b.layout.facts) <= position {
			b.layout.facts = append(b.layout.facts, 0)
		}
		b.layout.facts[position] |= f
	}
	if note != nil {
		if err := checkLabel(*note); err != nil {
			return at(here+"/note", err)
		}
		b.layout.notes[position] = norm.NFC.String(*note)
	}
	return nil
}

// fact returns the fact with the name.
func fact(name string) (Facts, error) {
	var names []string
	for _, n := range factNames {
		if n.name == name {
			return n.fact, nil
		}
		names = append(names, n.name)
	}
	return 0, fmt.Errorf("there is no fact %s; there are %s", Shown(name), strings.Join(names, ", "))
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

// add checks and records a seat that was made.
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

// origin returns the place in the file of the seat at the position.
func (b *builder) origin(position int) string {
	i, _ := slices.BinarySearchFunc(b.origins, position+1, func(o origin, p int) int { return o.first - p })
	return b.origins[i-1].here
}

// take counts n more seats. It fails if they are too many.
func (b *builder) take(here string, n int) error {
	if n > b.event || n > b.file {
		return b.full(here, n)
	}
	b.event -= n
	b.file -= n
	return nil
}

func (b *builder) full(here string, n int) error {
	these := fmt.Sprintf("these %d seats", n)
	if n >= countless {
		these = "so many seats"
	}
	if n > b.event {
		return wrong(here, "with %s the %s has more than %d", these, b.what, MaxEventSeats)
	}
	return wrong(here, "with %s the file has more than %d", these, maxFileSeats)
}

// countless is beyond every limit, and far from the largest int.
const countless = 1 << 40

// product multiplies without overflow. The result is at most countless.
func product(a, b int) int {
	if b > 0 && a > countless/b {
		return countless
	}
	return a * b
}
