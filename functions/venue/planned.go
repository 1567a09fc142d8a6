package venue

import (
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// A plan is a section of the file that was checked and counted, but not made.
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

// plan checks and counts the seats of a section, for each name of its range "section"
// if it has one.
func (b *builder) plan(here string, s sectionJSON) (plan, error) {
	p := plan{here: here, section: s}
	switch {
	case s.Rows != nil && s.Seats != nil:
		return p, wrong(here, "both rows and seats are given; give only one of them")
	case s.Rows == nil && s.Seats == nil:
		return p, wrong(here, "neither rows nor seats are given")
	case s.Section == nil && strings.Contains(s.Name, "{section}"):
		return p, wrong(here+"/name", "%s: {section} needs the field section", Shown(s.Name))
	case s.Section != nil && s.Seats != nil:
		return p, wrong(here+"/section", "a plain list of seats cannot be repeated: the seats would be the same")
	case s.Section != nil && !strings.Contains(s.Name, "{section}"):
		return p, wrong(here+"/name", "all these sections would be called %s; put {section} into it", Shown(s.Name))
	case s.Pattern != nil && s.Rows == nil:
		return p, wrong(here+"/pattern", "a plain list of seats has no pattern: its names are the seats")
	case s.Special != nil && s.Rows == nil:
		return p, wrong(here+"/special", "special is for rows; in a list, each seat has its own facts and note")
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
		return p, wrong(here+"/rows", "the list must not be empty")
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
		return wrong(here, "the list must not be empty")
	}
	return b.take(here, n)
}

// take counts n more seats. It fails if there are too many.
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

// countless exceeds every limit, and is far from overflowing.
const countless = 1 << 40

// product multiplies without overflow. The result is at most countless.
func product(a, b int) int {
	if b > 0 && a > countless/b {
		return countless
	}
	return a * b
}
