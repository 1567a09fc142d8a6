package importer

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// A pretixPlan is a seating plan of pretix, according to the schema in its source.
// Other members, such as colors of borders, are ignored.
type pretixPlan struct {
	Name       string `json:"name"`
	Categories []struct {
		Name  string `json:"name"`
		Color string `json:"color"`
	} `json:"categories"`
	Zones []struct {
		Name     string      `json:"name"`
		Position pretixPoint `json:"position"`
		Rows     []struct {
			Number   string       `json:"row_number"`
			Label    string       `json:"row_label"`
			Position pretixPoint  `json:"position"`
			Seats    []pretixSeat `json:"seats"`
		} `json:"rows"`
		Areas []pretixArea `json:"areas"`
	} `json:"zones"`
}

type pretixPoint struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

type pretixSeat struct {
	GUID     string      `json:"seat_guid"`
	Number   string      `json:"seat_number"`
	Label    string      `json:"seat_label"`
	Position pretixPoint `json:"position"`
	Category string      `json:"category"`
}

type pretixArea struct {
	Position  pretixPoint `json:"position"`
	Rectangle struct {
		Width  float64 `json:"width"`
		Height float64 `json:"height"`
	} `json:"rectangle"`
	Text any `json:"text"` // a text, or an object with a text
}

// stageWords find the area that is the stage.
var stageWords = regexp.MustCompile(`(?i)stage|bühne|podium|scène|escenario|screen|leinwand`)

func readPretix(text []byte) (*plan, error) {
	var file pretixPlan
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("not a pretix seating plan: %w", err)
	}
	if file.Zones == nil {
		return nil, fmt.Errorf("not a pretix seating plan: it has no zones")
	}
	p := &plan{name: trimmed(file.Name)}
	for _, c := range file.Categories {
		color := strings.ToLower(c.Color)
		if !hexColor.MatchString(color) {
			color = ""
		}
		p.categories = append(p.categories, category{trimmed(c.Name), color})
	}
	zones := make(map[string]bool)
	for n, z := range file.Zones {
		zone := trimmed(z.Name)
		if zone == "" && len(file.Zones) > 1 {
			zone = fmt.Sprintf("Zone %d", n+1)
		}
		zone = different(zones, zone)
		rows := make(map[string]bool)
		for n, r := range z.Rows {
			row := trimmed(r.Number)
			if row == "" {
				row = fmt.Sprint(n + 1)
			}
			row = different(rows, row)
			numbers := make(map[string]bool)
			for n, s := range inRow(r.Seats) {
				number := trimmed(s.Number)
				if number == "" {
					number = fmt.Sprint(n + 1)
				}
				p.seats = append(p.seats, seat{
					id: s.GUID, section: zone, row: row, number: different(numbers, number), category: trimmed(s.Category),
					x: z.Position.X + r.Position.X + s.Position.X, y: z.Position.Y + r.Position.Y + s.Position.Y, placed: true,
				})
			}
		}
		for _, a := range z.Areas {
			if label := a.label(); p.stage == nil && stageWords.MatchString(label) && a.Rectangle.Width > 0 && a.Rectangle.Height > 0 {
				p.stage = &stage{label, z.Position.X + a.Position.X + a.Rectangle.Width/2, z.Position.Y + a.Position.Y + a.Rectangle.Height/2, a.Rectangle.Width, a.Rectangle.Height}
			}
		}
	}
	p.scale()
	return p, nil
}

// label returns the text of an area.
func (a *pretixArea) label() string {
	switch text := a.Text.(type) {
	case string:
		return trimmed(text)
	case map[string]any:
		label, _ := text["text"].(string)
		return trimmed(label)
	}
	return ""
}

var hexColor = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// inRow returns the seats of a row in their order along it.
func inRow(seats []pretixSeat) []pretixSeat {
	places := make([]point, len(seats))
	for i, s := range seats {
		places[i] = point{s.Position.X, s.Position.Y}
	}
	sorted := make([]pretixSeat, len(seats))
	for i, at := range along(places) {
		sorted[i] = seats[at]
	}
	return sorted
}

// scale converts the places from the file's units to seat widths.
func (p *plan) scale() {
	width := p.seatWidth()
	for i := range p.seats {
		p.seats[i].x /= width
		p.seats[i].y /= width
	}
	if s := p.stage; s != nil {
		s.x, s.y, s.width, s.height = s.x/width, s.y/width, s.width/width, s.height/width
	}
}

// seatWidth returns the usual distance of neighbours in a row, in the file's units, or
// 1 if there are none.
func (p *plan) seatWidth() float64 {
	var distances []float64
	for i := 1; i < len(p.seats); i++ {
		a, b := &p.seats[i-1], &p.seats[i]
		if d := apart(point{a.x, a.y}, point{b.x, b.y}); a.section == b.section && a.row == b.row && d > 0 {
			distances = append(distances, d)
		}
	}
	if len(distances) == 0 {
		return 1
	}
	slices.Sort(distances)
	return distances[(len(distances)-1)/2]
}

// trimmed turns the text into a valid name: without invisible characters, and no longer
// than names may be.
func trimmed(s string) string {
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r == '\u200b' || r == '\ufeff' {
			return -1
		}
		return r
	}, s)), " ")
	for len(s) > 60 { // a category may have 64 bytes
		r := []rune(s)
		s = string(r[:len(r)-1])
	}
	return s
}
