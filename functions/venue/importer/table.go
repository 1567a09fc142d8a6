package importer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"seatlock/functions/venue"
)

// A column is a column of a table, with its alternative names.
type column struct {
	name   string
	others []string
}

var columns = []column{
	{"id", []string{"seatid", "seat_id"}},
	{"level", []string{"floor", "tier", "ebene", "rang"}}, // of the building
	{"section", []string{"block", "area", "zone"}},
	{"row", []string{"reihe"}},
	{"seat", []string{"number", "platz", "nr"}},
	{"category", []string{"kategorie", "price category"}},
	{"x", nil},
	{"y", nil},
	{"facts", nil},
	{"note", nil},
}

// readCSV reads a table with one line for each seat. Its first line names the columns:
// level, section, row, seat, category, x, y, facts, note and id. Either id or seat is
// required; other columns are ignored. The fields are separated by commas, semicolons
// or tabs. Places may be in any unit: neighbours in a row are assumed to be one seat
// width apart.
func readCSV(text []byte) (*plan, error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.TrimLeadingSpace = true
	r.FieldsPerRecord = -1
	head, _, _ := bytes.Cut(text, []byte("\n"))
	for _, comma := range ";\t" {
		if bytes.ContainsRune(head, comma) {
			r.Comma = comma
		}
	}
	names, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("the first line does not name the columns: %w", err)
	}
	at, err := columnsOf(names)
	if err != nil {
		return nil, err
	}
	p, lines := new(plan), make(map[[4]string]int) // by section, row, number and id
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			p.arrange()
			p.scale()
			return p, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		if err := p.addLine(at, fields, line, lines); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// columnsOf returns the index of each column.
func columnsOf(names []string) (map[string]int, error) {
	for i := range names {
		names[i] = strings.ToLower(strings.TrimSpace(names[i]))
	}
	at := make(map[string]int)
	find := func(c column, known ...string) error {
		for i, name := range names {
			if !slices.Contains(known, name) {
				continue
			}
			if first, twice := at[c.name]; twice && names[first] == name {
				return fmt.Errorf("there are two columns %s", name)
			} else if twice {
				return fmt.Errorf("the columns %s and %s are both the %s; name one of them %s, and the other differently", names[first], name, c.name, c.name)
			}
			at[c.name] = i
		}
		return nil
	}
	for _, c := range columns {
		err := find(c, c.name)
		if _, ok := at[c.name]; !ok { // alternative names count only if no column has this name
			err = find(c, c.others...)
		}
		if err != nil {
			return nil, err
		}
	}
	_, id := at["id"]
	_, seat := at["seat"]
	_, x := at["x"]
	_, y := at["y"]
	switch {
	case !id && !seat:
		return nil, errors.New("there is neither a column seat nor a column id; the first line must name the columns, such as section,row,seat,category,x,y")
	case x != y:
		return nil, errors.New("the columns x and y must be given together")
	}
	return at, nil
}

// addLine adds the seat of a line. It skips a line without a seat. lines are the lines
// before it.
func (p *plan) addLine(at map[string]int, fields []string, line int, lines map[[4]string]int) (err error) {
	field := func(column string) string {
		if i, ok := at[column]; ok && i < len(fields) {
			return strings.TrimSpace(fields[i])
		}
		return ""
	}
	section := field("section")
	if level := field("level"); level != section {
		section = strings.TrimSpace(level + " " + section)
	}
	s := seat{id: field("id"), section: trimmed(section), row: trimmed(field("row")), number: trimmed(field("seat")), category: trimmed(field("category")), note: field("note")}
	if s.id == "" && s.row == "" && s.number == "" {
		return nil
	}
	if s.row != "" && s.number == "" {
		return errors.New("the seat has a row but no number; fill in the column seat")
	}
	name := [4]string{s.section, s.row, s.number, s.id}
	if before, twice := lines[name]; twice && s.number != "" {
		return fmt.Errorf("the seat %s is listed twice, first on line %d; distinguish the two in the column section, or add a column level", venue.Shown(strings.TrimSpace(strings.Join(name[:3], " "))), before)
	}
	lines[name] = line
	s.facts = strings.FieldsFunc(field("facts"), func(r rune) bool { return strings.ContainsRune(" ,;|", r) })
	if x := field("x"); x != "" {
		s.placed = true
		if s.x, err = number(x); err == nil {
			s.y, err = number(field("y"))
		}
	}
	p.seats = append(p.seats, s)
	return err
}

// number parses a number with a decimal point or comma.
func number(text string) (float64, error) {
	n, err := strconv.ParseFloat(strings.Replace(text, ",", ".", 1), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return n, nil
}
