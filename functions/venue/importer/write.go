package importer

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
)

// seatOut is a seat of the event file.
type seatOut struct {
	ID       string   `json:"id"`
	Row      string   `json:"row,omitempty"`
	Number   string   `json:"number,omitempty"`
	Category string   `json:"category,omitempty"`
	Facts    []string `json:"facts,omitempty"`
	Note     string   `json:"note,omitempty"`
	X        *float64 `json:"x,omitzero"`
	Y        *float64 `json:"y,omitzero"`
	Source   string   `json:"source,omitempty"`
}

type areaOut struct {
	Name     string `json:"name"`
	ID       string `json:"id,omitempty"`
	Capacity int    `json:"capacity"`
	Category string `json:"category,omitempty"`
}

type stageOut struct {
	Label  string  `json:"label"`
	X      float64 `json:"x"`
	Y      float64 `json:"y"`
	Width  float64 `json:"width"`
	Height float64 `json:"height"`
}

type categoryOut struct {
	ID    string `json:"id"`
	Color string `json:"color,omitempty"`
}

type eventOut struct {
	ID         string        `json:"id"`
	Name       string        `json:"name"`
	Layout     string        `json:"layout"`
	Categories []categoryOut `json:"categories,omitempty"`
}

// write returns the event file, with one seat in each line.
func (p *plan) write() ([]byte, error) {
	sources, err := p.nameSeats()
	if err != nil {
		return nil, err
	}
	sections := p.sections()
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\"layouts\": {%s: {\n", line(p.name))
	for i, of := range sections {
		lead := "    "
		if i == 0 {
			lead = "  \"sections\": [\n    "
		}
		name := p.seats[of[0]].section
		if name == "" {
			name = p.name
		}
		fmt.Fprintf(&b, "%s{\"name\": %s, \"seats\": [", lead, line(name))
		for n, at := range of {
			s := &p.seats[at]
			if n > 0 {
				b.WriteByte(',')
				if s.aisle && s.row == p.seats[of[n-1]].row {
					b.WriteString("\n      {\"aisle\":true},")
				}
			}
			out := seatOut{ID: s.id, Row: s.row, Number: s.number, Category: s.category, Facts: s.facts, Note: s.note, Source: sources[at]}
			if s.placed {
				x, y := round(s.x), round(s.y)
				out.X, out.Y = &x, &y
			}
			b.WriteString("\n      " + line(out))
		}
		b.WriteString("]}")
		if i < len(sections)-1 {
			b.WriteString(",\n")
		} else {
			b.WriteString("]")
		}
	}
	taken := make(map[string]bool)
	for i, a := range p.areas {
		lead := "    "
		if i == 0 {
			lead = "  \"areas\": [\n    "
			if len(sections) > 0 {
				lead = ",\n" + lead
			}
		}
		out := areaOut{Name: a.name, Capacity: a.capacity, Category: a.category}
		if id := different(taken, madeID(a.name)); id != a.name {
			out.ID = id
		}
		b.WriteString(lead + line(out))
		if i < len(p.areas)-1 {
			b.WriteString(",\n")
		} else {
			b.WriteString("]")
		}
	}
	if p.stage != nil {
		fmt.Fprintf(&b, ",\n  \"stage\": %s", line(stageOut{p.stage.label, round(p.stage.x), round(p.stage.y), round(p.stage.width), round(p.stage.height)}))
	}
	event := eventOut{ID: eventID(p.name), Name: p.name, Layout: p.name}
	for _, c := range p.usedCategories() {
		event.Categories = append(event.Categories, categoryOut{c.name, c.color})
	}
	fmt.Fprintf(&b, "}},\n\"events\": [\n  %s]}\n", line(event))
	return b.Bytes(), nil
}

// sections returns the indexes of the seats of each section, in the order of their
// first seats.
func (p *plan) sections() [][]int {
	var all [][]int
	byName := make(map[string]int)
	for i, s := range p.seats {
		at, known := byName[s.section]
		if !known {
			at = len(all)
			byName[s.section] = at
			all = append(all, nil)
		}
		all[at] = append(all[at], i)
	}
	return all
}

// usedCategories returns the categories of seats and areas, in the order of the file.
func (p *plan) usedCategories() []category {
	used := make(map[string]bool)
	var order []string
	note := func(name string) {
		if name != "" && !used[name] {
			used[name] = true
			order = append(order, name)
		}
	}
	for _, s := range p.seats {
		note(s.category)
	}
	for _, a := range p.areas {
		note(a.category)
	}
	var all []category
	listed := make(map[string]bool)
	for _, c := range p.categories {
		if used[c.name] && !listed[c.name] {
			listed[c.name] = true
			all = append(all, c)
		}
	}
	for _, name := range order {
		if !listed[name] {
			all = append(all, category{name: name})
		}
	}
	return all
}

// eventID makes an event id from a name.
func eventID(name string) string {
	id := strings.Map(func(r rune) rune {
		switch {
		case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_.-", r)):
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, name)
	if id = id[:min(len(id), 64)]; id == "" {
		return "event"
	}
	return id
}

// line returns a value as JSON in one line.
func line(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers cannot fail
	}
	return string(text)
}

// round rounds to hundredths of a seat width.
func round(f float64) float64 { return math.Round(f*100) / 100 }
