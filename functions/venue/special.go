package venue

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// special sets what is special about some of the seats of rows.
func (b *builder) special(p plan, rows []Row) error {
	for i, s := range p.section.Special {
		here := fmt.Sprintf("%s/special/%d", p.here, i)
		which, err := planRows(here, rowsJSON{Row: s.Row, Seats: s.Seats})
		if err != nil {
			return err
		}
		if n := product(which.rows.count(), which.seats.count()); n > len(b.ids) {
			return wrong(here, "there are more seats here than the section has")
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
	return 0, fmt.Errorf("unknown fact %s; the facts are %s", Shown(name), strings.Join(names, ", "))
}
