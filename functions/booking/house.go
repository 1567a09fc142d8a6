package booking

import (
	"errors"
	"fmt"
	"strings"

	"seatlock/lockstore"
)

// A house makes the seats of one event of a file, and counts them before it
// does.
type house struct {
	seats       map[lockstore.SeatID]string // where each seat comes from
	names       map[string]bool             // of sections
	event, file int                         // how many more seats fit into the event and the file
}

// sections makes what the event says, sections or a plain list of seats.
func (h *house) sections(here string, e eventJSON) ([]Section, error) {
	switch {
	case e.Sections != nil && e.Seats != nil:
		return nil, wrong(here, "there are both sections and seats; give one of them")
	case e.Seats != nil:
		rows, err := h.list(here+"/seats", e.Seats)
		return []Section{{Rows: rows}}, err
	case len(e.Sections) == 0:
		return nil, wrong(here, "there are neither sections nor seats")
	}
	h.names = make(map[string]bool)
	var all []Section
	for i, s := range e.Sections {
		sections, err := h.repeat(fmt.Sprintf("%s/sections/%d", here, i), s)
		if err != nil {
			return nil, err
		}
		all = append(all, sections...)
	}
	return all, nil
}

// repeat makes a section, or one for each name of its range "section".
func (h *house) repeat(here string, s sectionJSON) ([]Section, error) {
	if s.Rows != nil && s.Seats != nil {
		return nil, wrong(here, "there are both rows and seats; give one of them")
	}
	if s.Rows == nil && s.Seats == nil {
		return nil, wrong(here, "there are neither rows nor seats")
	}
	if s.Section == nil && strings.Contains(s.Name, "{section}") {
		return nil, wrong(here+"/name", "%s: {section} needs the field section", shown(s.Name))
	}
	names, pattern := []string{""}, "{row}{seat}"
	if s.Section != nil {
		if s.Seats != nil {
			return nil, wrong(here+"/section", "a plain list of seats cannot be repeated: the seats would be the same")
		}
		if !strings.Contains(s.Name, "{section}") {
			return nil, wrong(here+"/name", "all these sections would be called %s; put {section} into it", shown(s.Name))
		}
		r, err := parseRange(*s.Section)
		if err != nil {
			return nil, at(here+"/section", err)
		}
		if r.count() > h.event {
			return nil, h.full(here+"/section", r.count())
		}
		if names, err = r.names(); err != nil {
			return nil, at(here+"/section", err)
		}
		pattern = "{section}-{row}{seat}"
	}
	if s.Pattern != nil {
		pattern = *s.Pattern
		if s.Rows == nil {
			return nil, wrong(here+"/pattern", "a plain list of seats has no pattern: its names are the seats")
		}
	}
	parts, err := parsePattern(pattern, s.Section != nil)
	if err != nil {
		return nil, at(here+"/pattern", err)
	}
	var sections []Section
	for _, name := range names {
		section := Section{Name: strings.ReplaceAll(s.Name, "{section}", name)}
		if err := checkLabel(section.Name); err != nil {
			return nil, at(here+"/name", err)
		}
		if h.names[section.Name] {
			return nil, wrong(here+"/name", "section %s is there twice", shown(section.Name))
		}
		h.names[section.Name] = true
		if s.Seats != nil {
			section.Rows, err = h.list(here+"/seats", s.Seats)
		} else {
			section.Rows, err = h.rows(here+"/rows", s.Rows, name, parts)
		}
		if err != nil {
			return nil, err
		}
		sections = append(sections, section)
	}
	return sections, nil
}

// list makes a row of seats that are named one by one.
func (h *house) list(here string, seats []lockstore.SeatID) ([]Row, error) {
	if len(seats) == 0 {
		return nil, wrong(here, "there is no seat in it")
	}
	if err := h.take(here, len(seats)); err != nil {
		return nil, err
	}
	for i, id := range seats {
		if err := h.add(fmt.Sprintf("%s/%d", here, i), id); err != nil {
			return nil, err
		}
	}
	return []Row{{Seats: seats}}, nil
}

// rows makes the rows of one section.
func (h *house) rows(here string, groups []rowsJSON, section string, pattern []string) ([]Row, error) {
	if len(groups) == 0 {
		return nil, wrong(here, "there is no row in it")
	}
	var rows []Row
	seen := make(map[string]bool)
	for i, group := range groups {
		here := fmt.Sprintf("%s/%d", here, i)
		rowRange, err := parseRange(group.Row)
		if err != nil {
			return nil, at(here+"/row", err)
		}
		seatRange, err := parseRange(group.Seats)
		if err != nil {
			return nil, at(here+"/seats", err)
		}
		if err := h.take(here, product(rowRange.count(), seatRange.count())); err != nil {
			return nil, err
		}
		rowNames, err := rowRange.names()
		if err != nil {
			return nil, at(here+"/row", err)
		}
		seatNames, err := seatRange.names()
		if err != nil {
			return nil, at(here+"/seats", err)
		}
		for _, name := range rowNames {
			if seen[name] {
				return nil, wrong(here+"/row", "row %s is there twice", name)
			}
			seen[name] = true
			row := Row{Name: name, Seats: make([]lockstore.SeatID, len(seatNames))}
			for i, seat := range seatNames {
				row.Seats[i] = seatID(pattern, section, name, seat)
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
	if n > h.event {
		return wrong(here, "with these %d seats the event has more than %d", n, MaxEventSeats)
	}
	return wrong(here, "with these %d seats the file has more than %d", n, MaxFileSeats)
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

// product multiplies without overflow; past every limit, how far does not matter.
func product(a, b int) int {
	if b > 0 && a > (1<<40)/b {
		return 1 << 40
	}
	return a * b
}

// parsePattern cuts a pattern into text and placeholders, the latter with
// their brace in front: "S-{row}{seat}" is "S-", "{row", "{seat".
func parsePattern(pattern string, repeated bool) ([]string, error) {
	var parts []string
	for rest := pattern; rest != ""; {
		text, after, found := strings.Cut(rest, "{")
		if strings.Contains(text, "}") {
			return nil, fmt.Errorf("%s: a } is without its {", shown(pattern))
		}
		if text != "" {
			parts = append(parts, text)
		}
		if !found {
			break
		}
		name, tail, closed := strings.Cut(after, "}")
		switch {
		case !closed:
			return nil, fmt.Errorf("%s: a { is without its }", shown(pattern))
		case name == "section" && !repeated:
			return nil, fmt.Errorf("%s: {section} needs the field section", shown(pattern))
		case name != "section" && name != "row" && name != "seat":
			return nil, fmt.Errorf("%s: there is no {%s}; there are {section}, {row} and {seat}", shown(pattern), name)
		}
		parts = append(parts, "{"+name)
		rest = tail
	}
	for _, needed := range []string{"{row", "{seat"} {
		if !strings.Contains(strings.Join(parts, " "), needed) {
			return nil, errors.New(shown(pattern) + ": " + needed + "} is missing: seats would have the same name")
		}
	}
	return parts, nil
}

// seatID fills the pattern in.
func seatID(pattern []string, section, row, seat string) lockstore.SeatID {
	var b strings.Builder
	for _, part := range pattern {
		switch part {
		case "{section":
			b.WriteString(section)
		case "{row":
			b.WriteString(row)
		case "{seat":
			b.WriteString(seat)
		default:
			b.WriteString(part)
		}
	}
	return lockstore.SeatID(b.String())
}
