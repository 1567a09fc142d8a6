package venue

import (
	"fmt"
	"strings"

	"seatlock/lockstore"
)

// A builder makes the seats of one event of a file. It counts all of them, with
// count, before it makes any.
type builder struct {
	here        string
	planned     []plan
	seats       map[lockstore.SeatID]string // the place of each in the file
	names       map[string]bool             // of sections
	event, file int                         // how many more seats the event and the file may have
	id          []byte                      // the seat id being made
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
type group struct{ rows, seats nameRange }

// count checks the form of the event's seats and counts them.
func (b *builder) count(e eventJSON) error {
	switch {
	case e.Sections != nil && e.Seats != nil:
		return wrong(b.here, "there are both sections and seats; give one of them")
	case e.Seats != nil:
		return b.countList(b.here+"/seats", e.Seats)
	case e.Sections == nil:
		return wrong(b.here, "there are neither sections nor seats")
	case len(e.Sections) == 0:
		return wrong(b.here+"/sections", "there is no section in it")
	}
	for i, s := range e.Sections {
		p, err := b.plan(fmt.Sprintf("%s/sections/%d", b.here, i), s)
		if err != nil {
			return err
		}
		b.planned = append(b.planned, p)
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
		times = p.repeat.count()
	}
	if s.Pattern != nil {
		pattern = *s.Pattern
	}
	if p.pattern, err = parsePattern(pattern, s.Section != nil); err != nil {
		return p, at(here+"/pattern", err)
	}
	if len(s.Rows) == 0 {
		return p, wrong(here+"/rows", "there is no row in it")
	}
	for i, r := range s.Rows {
		here := fmt.Sprintf("%s/rows/%d", here, i)
		var g group
		if g.rows, err = parseRange(r.Row); err != nil {
			return p, at(here+"/row", err)
		}
		if g.seats, err = parseRange(r.Seats); err != nil {
			return p, at(here+"/seats", err)
		}
		if err := b.take(here, product(times, product(g.rows.count(), g.seats.count()))); err != nil {
			return p, err
		}
		p.groups = append(p.groups, g)
	}
	return p, nil
}

func (b *builder) countList(here string, seats []lockstore.SeatID) error {
	if len(seats) == 0 {
		return wrong(here, "there is no seat in it")
	}
	return b.take(here, len(seats))
}

// sections makes the sections that count has counted.
func (b *builder) sections(e eventJSON) ([]Section, error) {
	b.seats = make(map[lockstore.SeatID]string, MaxEventSeats-b.event)
	b.names = make(map[string]bool)
	if e.Seats != nil {
		rows, err := b.list(b.here+"/seats", e.Seats)
		return []Section{{Rows: rows}}, err
	}
	var all []Section
	for _, p := range b.planned {
		names := []string{""}
		if p.repeat != nil {
			var err error
			if names, err = p.repeat.names(); err != nil {
				return nil, at(p.here+"/section", err)
			}
		}
		for _, name := range names {
			section, err := b.section(p, name)
			if err != nil {
				return nil, err
			}
			all = append(all, section)
		}
	}
	return all, nil
}

// section makes one section of a plan, with the name that its range gives it.
func (b *builder) section(p plan, name string) (Section, error) {
	section := Section{Name: strings.ReplaceAll(p.section.Name, "{section}", name)}
	if err := checkLabel(section.Name); err != nil {
		return Section{}, at(p.here+"/name", err)
	}
	if b.names[section.Name] {
		return Section{}, wrong(p.here+"/name", "section %s is there twice", Shown(section.Name))
	}
	b.names[section.Name] = true
	var err error
	if p.section.Seats != nil {
		section.Rows, err = b.list(p.here+"/seats", p.section.Seats)
	} else {
		section.Rows, err = b.rows(p.here+"/rows", p.groups, name, p.pattern)
	}
	return section, err
}

// list makes a row of a plain list of seats.
func (b *builder) list(here string, seats []lockstore.SeatID) ([]Row, error) {
	for i, id := range seats {
		if err := b.add(fmt.Sprintf("%s/%d", here, i), id); err != nil {
			return nil, err
		}
	}
	return []Row{{Seats: seats}}, nil
}

// rows makes the rows of one section.
func (b *builder) rows(here string, groups []group, section string, pattern []string) ([]Row, error) {
	var rows []Row
	seen := make(map[string]bool)
	for i, g := range groups {
		here := fmt.Sprintf("%s/%d", here, i)
		rowNames, err := g.rows.names()
		if err != nil {
			return nil, at(here+"/row", err)
		}
		seatNames, err := g.seats.names()
		if err != nil {
			return nil, at(here+"/seats", err)
		}
		for _, name := range rowNames {
			if seen[name] {
				return nil, wrong(here+"/row", "row %s is there twice", Shown(name))
			}
			seen[name] = true
			row := Row{Name: name, Seats: make([]lockstore.SeatID, len(seatNames)), Numbers: seatNames}
			for i, seat := range seatNames {
				b.id = appendSeat(b.id[:0], pattern, section, name, seat)
				row.Seats[i] = lockstore.SeatID(b.id)
				if err := b.add(here, row.Seats[i]); err != nil {
					return nil, err
				}
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
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
		return wrong(here, "with %s the event has more than %d", these, MaxEventSeats)
	}
	return wrong(here, "with %s the file has more than %d", these, maxFileSeats)
}

// add checks and records a seat that was made.
func (b *builder) add(here string, id lockstore.SeatID) error {
	if err := id.Check(); err != nil {
		return at(here, err)
	}
	if before, twice := b.seats[id]; twice {
		return wrong(here, "seat %s is there twice, the first time at %s", id, before)
	}
	b.seats[id] = here
	return nil
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
