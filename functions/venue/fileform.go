package venue

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"seatlock/lockstore"
)

// fileJSON is an event file. Optional fields are pointers.
type fileJSON struct {
	Schema  *string               `json:"$schema"` // for editors
	Layouts map[string]layoutJSON `json:"layouts"`
	Events  []eventJSON           `json:"events"`
}

type layoutJSON struct {
	Sections []sectionJSON `json:"sections"`
	Areas    []areaJSON    `json:"areas"`
	Stage    *stageJSON    `json:"stage"`

	// Seats is set for an event that is a plain list.
	Seats []seatJSON `json:"-"`
}

type eventJSON struct {
	ID             lockstore.EventID `json:"id"`
	Name           *string           `json:"name"`
	Layout         *string           `json:"layout"`
	Revision       int               `json:"revision"`
	StartsAt       *string           `json:"startsAt"`
	OpensAt        *string           `json:"opensAt"`
	ClosesAt       *string           `json:"closesAt"`
	LockSeconds    *float64          `json:"lockSeconds"`
	MaxLockSeconds *float64          `json:"maxLockSeconds"`
	SeatLimit      *int              `json:"seatLimit"`
	NoSingles      bool              `json:"noSingles"`
	Currency       *string           `json:"currency"`
	Categories     []categoryJSON    `json:"categories"`
	Sections       []sectionJSON     `json:"sections"`
	Areas          []areaJSON        `json:"areas"`
	Stage          *stageJSON        `json:"stage"`
	Seats          []seatJSON        `json:"seats"`
}

type categoryJSON struct {
	ID     string      `json:"id"`
	Name   *string     `json:"name"`
	Color  *string     `json:"color"`
	Price  *int64      `json:"price"`
	Levels []levelJSON `json:"levels"`
}

type levelJSON struct {
	ID    string  `json:"id"`
	Name  *string `json:"name"`
	Price *int64  `json:"price"`
}

type sectionJSON struct {
	Name     string        `json:"name"`
	Section  *rangeJSON    `json:"section"`
	Pattern  *string       `json:"pattern"`
	Category *string       `json:"category"`
	X        *float64      `json:"x"`
	Y        *float64      `json:"y"`
	Rotate   float64       `json:"rotate"`
	Curve    float64       `json:"curve"`
	Rows     []rowsJSON    `json:"rows"`
	Special  []specialJSON `json:"special"`
	Seats    []seatJSON    `json:"seats"`
}

type rowsJSON struct {
	Row      rangeJSON `json:"row"`
	Seats    rangeJSON `json:"seats"`
	Category *string   `json:"category"`
	Table    *string   `json:"table"`
}

// specialJSON describes special seats among those of rows.
type specialJSON struct {
	Row      rangeJSON `json:"row"`
	Seats    rangeJSON `json:"seats"`
	Category *string   `json:"category"`
	Facts    []string  `json:"facts"`
	Note     *string   `json:"note"`
}

type areaJSON struct {
	Name     string   `json:"name"`
	ID       *string  `json:"id"`
	Capacity int      `json:"capacity"`
	Category *string  `json:"category"`
	X        *float64 `json:"x"`
	Y        *float64 `json:"y"`
	Width    *float64 `json:"width"`
	Height   *float64 `json:"height"`
}

type stageJSON struct {
	Label  string   `json:"label"`
	Shape  *string  `json:"shape"`
	X      *float64 `json:"x"`
	Y      *float64 `json:"y"`
	Width  *float64 `json:"width"`
	Height *float64 `json:"height"`
}

// seatJSON is a seat of a list: its id, or an object. The object {"aisle": true} is an
// aisle between two seats of a row.
type seatJSON struct {
	seatFields
	plain bool // it was the id alone
}

type seatFields struct {
	ID       lockstore.SeatID `json:"id"`
	Row      *string          `json:"row"`
	Number   *string          `json:"number"`
	Category *string          `json:"category"`
	Facts    []string         `json:"facts"`
	Note     *string          `json:"note"`
	X        *float64         `json:"x"`
	Y        *float64         `json:"y"`
	Source   *string          `json:"source"` // its name in another program, for people
	Aisle    bool             `json:"aisle"`
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (s *seatJSON) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if s.plain = d.PeekKind() != '{'; s.plain {
		return unmarshal(d, &s.ID)
	}
	return unmarshal(d, &s.seatFields)
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (r *rangeJSON) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '[' {
		r.list = []string{}
		return unmarshal(d, &r.list)
	}
	return unmarshal(d, &r.text)
}

// unmarshal decodes the next value with the options of d.
func unmarshal(d *jsontext.Decoder, into any) error { return json.UnmarshalDecode(d, into) }
