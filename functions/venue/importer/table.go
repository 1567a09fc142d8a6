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
)

// columns are those of a table, with the other names by which they are known.
var columns = map[string][]string{
	"id":       {"seatid", "seat_id"},
	"section":  {"block", "area", "zone"},
	"row":      {"reihe"},
	"seat":     {"number", "platz", "nr"},
	"category": {"kategorie", "price category"},
	"x":        nil,
	"y":        nil,
	"facts":    nil,
	"note":     nil,
}

// readCSV reads a table with a line for each seat. Its first line names the columns:
// section, row, seat, category, x, y, facts, note and id, of which id or seat is needed.
// The fields are separated by commas, semicolons or tabs. Places may be in any unit:
// seats that follow each other in a row are taken to be a seat width apart.
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
		return nil, fmt.Errorf("its first line does not name the columns: %w", err)
	}
	at, err := columnsOf(names)
	if err != nil {
		return nil, err
	}
	p := new(plan)
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			p.scale()
			return p, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		if err := p.addLine(at, fields); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// columnsOf returns where each column is.
func columnsOf(names []string) (map[string]int, error) {
	at := make(map[string]int)
	for i, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		for column, others := range columns {
			if name != column && !slices.Contains(others, name) {
				continue
			}
			if _, twice := at[column]; twice {
				return nil, fmt.Errorf("there are two columns %s", column)
			}
			at[column] = i
		}
	}
	_, id := at["id"]
	_, seat := at["seat"]
	_, x := at["x"]
	_, y := at["y"]
	switch {
	case !id && !seat:
		return nil, errors.New("there is no column seat and none id; the first line must name the columns, such as section,row,seat,category,x,y")
	case x != y:
		return nil, errors.New("the columns x and y must be there together")
	}
	return at, nil
}

// addLine adds the seat of a line. A line without a seat is skipped.
func (p *plan) addLine(at map[string]int, fields []string) (err error) {
	field := func(column string) string {
		if i, ok := at[column]; ok && i < len(fields) {
			return strings.TrimSpace(fields[i])
		}
		return ""
	}
	s := seat{id: field("id"), section: trimmed(field("section")), row: trimmed(field("row")), number: trimmed(field("seat")), category: trimmed(field("category")), note: field("note")}
	if s.id == "" && s.row == "" && s.number == "" {
		return nil
	}
	if s.row != "" && s.number == "" {
		return errors.New("the seat has a row and no number; fill in the column seat")
	}
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

// number reads a number with a point or a comma.
func number(text string) (float64, error) {
	n, err := strconv.ParseFloat(strings.Replace(text, ",", ".", 1), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return n, nil
}
