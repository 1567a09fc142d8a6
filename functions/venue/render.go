package venue

import (
	"time"

	"github.com/go-json-experiment/json"

	"seatlock/lockstore"
)

// Render returns the event in the JSON of GET /events, without its layout.
func (e *Event) Render() ([]byte, error) {
	out := eventOut{
		EventID: e.ID, Name: e.Name, Layout: e.Layout.Name, Revision: e.Revision,
		StartsAt: e.StartsAt, OpensAt: e.OpensAt, ClosesAt: e.ClosesAt,
		LockSeconds: e.LockTTL.Seconds(), MaxLockSeconds: min(e.MaxLock, lockstore.MaxLockTTL).Seconds(),
		SeatLimit: e.SeatLimit, SeatCount: len(e.Seats),
		NoSingles: e.NoSingles, Currency: e.Currency,
	}
	for _, c := range e.Categories {
		out.Categories = append(out.Categories, c.out())
	}
	return json.Marshal(out)
}

// Render returns the layout in the JSON of GET /events. It is made once; the caller
// must not change it.
func (l *Layout) Render() ([]byte, error) {
	l.json.once.Do(func() { l.json.text, l.json.err = json.Marshal(l.out(), json.Deterministic(true)) })
	return l.json.text, l.json.err
}

type eventOut struct {
	EventID        lockstore.EventID `json:"eventId"`
	Name           string            `json:"name"`
	Layout         string            `json:"layout,omitempty"`
	Revision       int               `json:"revision,omitzero"`
	StartsAt       time.Time         `json:"startsAt,omitzero"`
	OpensAt        time.Time         `json:"opensAt,omitzero"`
	ClosesAt       time.Time         `json:"closesAt,omitzero"`
	LockSeconds    float64           `json:"lockSeconds"`
	MaxLockSeconds float64           `json:"maxLockSeconds"`
	SeatLimit      int               `json:"seatLimit"`
	SeatCount      int               `json:"seatCount"`
	NoSingles      bool              `json:"noSingles,omitzero"`
	Currency       string            `json:"currency,omitempty"`
	Categories     []categoryOut     `json:"categories,omitempty"`
}

type categoryOut struct {
	ID     string     `json:"id"`
	Name   string     `json:"name"`
	Color  string     `json:"color,omitempty"`
	Price  *int64     `json:"price,omitzero"`
	Levels []levelOut `json:"levels,omitempty"`
}

type levelOut struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Price int64  `json:"price"`
}

func (c Category) out() categoryOut {
	out := categoryOut{ID: c.ID, Name: c.Name, Color: c.Color}
	if len(c.Levels) == 0 {
		return out
	}
	out.Price = &c.Levels[0].Price
	if c.Levels[0].ID == "" {
		return out
	}
	for _, l := range c.Levels {
		out.Levels = append(out.Levels, levelOut(l))
	}
	return out
}

type layoutOut struct {
	Sections []sectionOut `json:"sections,omitempty"`
	Areas    []areaOut    `json:"areas,omitempty"`
	Stage    *stageOut    `json:"stage,omitempty"`
}

type sectionOut struct {
	Name string   `json:"name"`
	Rows []rowOut `json:"rows"`
}

type rowOut struct {
	Name       string                        `json:"name"`
	Seats      []lockstore.SeatID            `json:"seats"`
	Numbers    []string                      `json:"numbers,omitempty"`
	Aisles     []int                         `json:"aisles,omitempty"`
	Table      string                        `json:"table,omitempty"`
	Category   string                        `json:"category,omitempty"`   // if all seats have the same one
	Categories []string                      `json:"categories,omitempty"` // otherwise
	Facts      map[lockstore.SeatID][]string `json:"facts,omitempty"`
	Notes      map[lockstore.SeatID]string   `json:"notes,omitempty"`
	X          []int32                       `json:"x,omitempty"`
	Y          []int32                       `json:"y,omitempty"`
}

type areaOut struct {
	Name     string `json:"name"`
	ID       string `json:"id,omitempty"` // if it is not the name
	Capacity int    `json:"capacity"`
	Category string `json:"category,omitempty"`
	*Box
}

type stageOut struct {
	Label string `json:"label,omitempty"`
	Shape string `json:"shape"`
	*Box
}

func (l *Layout) out() layoutOut {
	var out layoutOut
	for _, s := range l.Sections {
		section := sectionOut{Name: s.Name, Rows: make([]rowOut, len(s.Rows))}
		for i := range s.Rows {
			section.Rows[i] = l.rowOut(&s.Rows[i])
		}
		out.Sections = append(out.Sections, section)
	}
	for _, a := range l.Areas {
		area := areaOut{a.Name, a.ID, a.End - a.First, l.categoryID(a.First), a.Box}
		if a.ID == a.Name {
			area.ID = ""
		}
		out.Areas = append(out.Areas, area)
	}
	if l.Stage != nil {
		out.Stage = &stageOut{l.Stage.Label, l.Stage.Shape, l.Stage.Box}
	}
	return out
}

func (l *Layout) rowOut(r *Row) rowOut {
	out := rowOut{Name: r.Name, Seats: r.Seats, Numbers: r.Numbers, Aisles: r.Aisles, Table: r.Table, Category: l.categoryID(r.First)}
	mixed := false
	for p := r.First; p < r.End; p++ {
		mixed = mixed || l.Category(p) != l.Category(r.First)
		if f := l.Facts(p); f != 0 {
			if out.Facts == nil {
				out.Facts = make(map[lockstore.SeatID][]string)
			}
			out.Facts[l.Seats[p]] = f.Names()
		}
		if note := l.notes[p]; note != "" {
			if out.Notes == nil {
				out.Notes = make(map[lockstore.SeatID]string)
			}
			out.Notes[l.Seats[p]] = note
		}
	}
	if mixed {
		out.Category = ""
		for p := r.First; p < r.End; p++ {
			out.Categories = append(out.Categories, l.categoryID(p))
		}
	}
	if l.Placed() {
		out.X, out.Y = l.x[r.First:r.End], l.y[r.First:r.End]
	}
	return out
}

// categoryID returns the id of the category of the seat at the position, or "".
func (l *Layout) categoryID(position int) string {
	c := l.Category(position)
	if c < 0 {
		return ""
	}
	return l.Categories[c]
}
