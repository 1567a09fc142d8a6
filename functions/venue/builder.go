package booking

import (
	"fmt"
	"strings"

	"seatlock/lockstore"
)

// A house makes the seats of one event of a file. It counts all of them, with
// count, before it makes any.
type house struct {
	here        string
	planned     []plan
	seats       map[lockstore.SeatID]string // where each seat comes from
	names       map[string]bool             // of sections
	event, file int                         // how many more seats fit into the event and the file
	id          []byte                      // the seat id being made
}

// A plan is a section of the file, checked and counted but not made.
type plan struct {
	here    string
	section sectionJSON
	repeat  nameRange // what the section is made for; nil is just once
	groups  []group
	pattern []string
}

// A group is rows that have the same seats.
type group struct{ rows, seats nameRange }

// count checks the form of what the event says and counts its seats.
func (h *house) count(e eventJSON) error {
	switch {
	case e.Sections != nil && e.Seats != nil:
		return wrong(h.here, "there are both sections and seats; give one of them")
	case e.Seats != nil:
		return h.countList(h.here+"/seats", e.Seats)
	case e.Sections == nil:
		return wrong(h.here, "there are neither sections nor seats")
	case len(e.Sections) == 0:
		return wrong(h.here+"/sections", "there is no section in it")
	}
	for i, s := range e.Sections {
		p, err := h.plan(fmt.Sprintf("%s/sections/%d", h.here, i), s)
		if err != nil {
			return err
		}
		h.planned = append(h.planned, p)
	}
	return nil
}

// plan counts a section, or one for each name of its range "section".
func (h *house) plan(here string, s sectionJSON) (plan, error) {
	p := plan{here: here, section: s}
	switch {
	case s.Rows != nil && s.Seats != nil:
		return p, wrong(here, "there are both rows and seats; give one of them")
	case s.Rows == nil && s.Seats == nil:
		return p, wrong(here, "there are neither rows nor seats")
	case s.Section == nil && strings.Contains(s.Name, "{section}"):
		return p, wrong(here+"/name", "%s: {section} needs the field section", shown(s.Name))
	case s.Section != nil && s.Seats != nil:
		return p, wrong(here+"/section", "a plain list of seats cannot be repeated: the seats would be the same")
	case s.Section != nil && !strings.Contains(s.Name, "{section}"):
		return p, wrong(here+"/name", "all these sections would be called %s; put {section} into it", shown(s.Name))
	case s.Pattern != nil && s.Rows == nil:
		return p, wrong(here+"/pattern", "a plain list of seats has no pattern: its names are the seats")
	}
	if s.Seats != nil {
		return p, h.countList(here+"/seats", s.Seats)
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
		if err := h.take(here, product(times, product(g.rows.count(), g.seats.count()))); err != nil {
			return p, err
		}
		p.groups = append(p.groups, g)
	}
	return p, nil
}

func (h *house) countList(here string, seats []lockstore.SeatID) error {
	if len(seats) == 0 {
		return wrong(here, "there is no seat in it")
	}
	return h.take(here, len(seats))
}

// sections makes what count has counted.
func (h *house) sections(e eventJSON) ([]Section, error) {
	h.seats = make(map[lockstore.SeatID]string, MaxEventSeats-h.event)
	h.names = make(map[string]bool)
	if e.Seats != nil {
		rows, err := h.list(h.here+"/seats", e.Seats)
		return []Section{{Rows: rows}}, err
	}
	var all []Section
	for _, p := range h.planned {
		names := []string{""}
		if p.repeat != nil {
			var err error
			if names, err = p.repeat.names(); err != nil {
				return nil, at(p.here+"/section", err)
			}
		}
		for _, name := range names {
			section, err := h.section(p, name)
			if err != nil {
				return nil, err
			}
			all = append(all, section)
		}
	}
	return all, nil
}

// section makes the section for one name of its range.
func (h *house) section(p plan, name string) (Section, error) {
	section := Section{Name: strings.ReplaceAll(p.section.Name, "{section}", name)}
	if err := checkLabel(section.Name); err != nil {
		return Section{}, at(p.here+"/name", err)
	}
	if h.names[section.Name] {
		return Section{}, wrong(p.here+"/name", "section %s is there twice", shown(section.Name))
	}
	h.names[section.Name] = true
	var err error
	if p.section.Seats != nil {
		section.Rows, err = h.list(p.here+"/seats", p.section.Seats)
	} else {
		section.Rows, err = h.rows(p.here+"/rows", p.groups, name, p.pattern)
	}
	return section, err
}

// list makes a row of seats that are named one by one.
func (h *house) list(here string, seats []lockstore.SeatID) ([]Row, error) {
	for i, id := range seats {
		if err := h.add(fmt.Sprintf("%s/%d", here, i), id); err != nil {
			return nil, err
		}
	}
	return []Row{{Seats: seats}}, nil
}

// rows makes the rows of one section.
func (h *house) rows(here string, groups []group, section string, pattern []string) ([]Row, error) {
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
				return nil, wrong(here+"/row", "row %s is there twice", shown(name))
			}
			seen[name] = true
			row := Row{Name: name, Seats: make([]lockstore.SeatID, len(seatNames)), Numbers: seatNames}
			for i, seat := range seatNames {
				h.id = appendSeat(h.id[:0], pattern, section, name, seat)
				row.Seats[i] = lockstore.SeatID(h.id)
				if err := h.add(here, row.Seats[i]); err != nil {
					return nil, err
				}
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// take counts n more seats, before they are made.
func (h *house) take(here string, n int) error {
	if n > h.event || n > h.file {
		return h.full(here, n)
	}
	h.event -= n
	h.file -= n
	return nil
}

func (h *house) full(here string, n int) error {
	these := fmt.Sprintf("these %d seats", n)
	if n >= countless {
		these = "so many seats"
	}
	if n > h.event {
		return wrong(here, "with %s the event has more than %d", these, MaxEventSeats)
	}
	return wrong(here, "with %s the file has more than %d", these, MaxFileSeats)
}

// add checks a seat.
func (h *house) add(here string, id lockstore.SeatID) error {
	if err := id.Check(); err != nil {
		return at(here, err)
	}
	if before, twice := h.seats[id]; twice {
		return wrong(here, "seat %s is there twice, the first time at %s", id, before)
	}
	h.seats[id] = here
	return nil
}

// countless is past every limit, and far from where an int ends.
const countless = 1 << 40

// product multiplies up to countless, without overflow.
func product(a, b int) int {
	if b > 0 && a > countless/b {
		return countless
	}
	return a * b
}
