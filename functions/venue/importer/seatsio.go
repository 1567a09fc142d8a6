package importer

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"

	"seatlock/functions/venue"
)

// A seatsioObject is an object of a detailed chart report of seats.io, such as the
// report by label. A report is a JSON object of lists of them.
type seatsioObject struct {
	Label         string `json:"label"`
	CategoryLabel string `json:"categoryLabel"`
	Section       string `json:"section"`
	ObjectType    string `json:"objectType"`
	Capacity      int    `json:"capacity"`
	Left          string `json:"leftNeighbour"`
	Right         string `json:"rightNeighbour"`
	Accessible    bool   `json:"isAccessible"`
	Companion     bool   `json:"isCompanionSeat"`
	Restricted    bool   `json:"hasRestrictedView"`
	Labels        struct {
		Own     seatsioLabel `json:"own"`
		Parent  seatsioLabel `json:"parent"`
		Section string       `json:"section"`
	} `json:"labels"`
}

// A seatsioLabel is a text, or an object with a text.
type seatsioLabel string

// UnmarshalJSON implements json.Unmarshaler.
func (l *seatsioLabel) UnmarshalJSON(text []byte) error {
	var of struct {
		Label string `json:"label"`
	}
	if len(text) > 0 && text[0] == '{' {
		err := json.Unmarshal(text, &of)
		*l = seatsioLabel(of.Label)
		return err
	}
	return json.Unmarshal(text, (*string)(l))
}

func readSeatsio(text []byte) (*plan, error) {
	var report map[string][]seatsioObject
	if err := json.Unmarshal(text, &report); err != nil {
		return nil, fmt.Errorf("not a detailed chart report of seats.io: %w", err)
	}
	p := new(plan)
	byLabel := make(map[string]seatsioObject)
	parents := make(map[seatsioLabel]bool) // labels of the seats' rows, and of tables whose seats are sold
	neighbours := false                    // whether the report has neighbours
	for _, list := range report {
		for _, o := range list {
			byLabel[o.Label] = o
			if o.ObjectType == "seat" {
				parents[o.Labels.Parent] = true
			}
			neighbours = neighbours || o.Left != "" || o.Right != ""
		}
	}
	for _, o := range inOrder(byLabel) {
		switch {
		case o.ObjectType == "generalAdmission" && o.Capacity == 0: // not for sale
		case (o.ObjectType == "table" || o.ObjectType == "booth") && !parents[o.Labels.Own]:
			return nil, fmt.Errorf("%s is a %s that is sold as a whole, which an event file cannot describe; let its seats be sold one by one, or take it out of the chart", venue.Shown(o.Label), o.ObjectType)
		case o.ObjectType == "generalAdmission":
			p.areas = append(p.areas, area{name: trimmed(cmp.Or(string(o.Labels.Own), o.Label)), category: trimmed(o.CategoryLabel), capacity: o.Capacity})
		case o.ObjectType == "seat":
			_, beside := byLabel[o.Left]
			s := o.seat()
			s.aisle = neighbours && !beside
			p.seats = append(p.seats, s)
		}
	}
	return p, nil
}

func (o seatsioObject) seat() seat {
	s := seat{
		id: o.Label, category: trimmed(o.CategoryLabel), section: trimmed(cmp.Or(o.Labels.Section, o.Section)),
		row: trimmed(string(o.Labels.Parent)), number: trimmed(cmp.Or(string(o.Labels.Own), o.Label)),
	}
	for name, is := range map[string]bool{"wheelchair": o.Accessible, "companion": o.Companion, "restrictedView": o.Restricted} {
		if is {
			s.facts = append(s.facts, name)
		}
	}
	slices.Sort(s.facts)
	return s
}

// inOrder returns the objects by section and row, and in a row from neighbour to
// neighbour if the report has them.
func inOrder(byLabel map[string]seatsioObject) []seatsioObject {
	starts := make([]seatsioObject, 0, len(byLabel))
	for _, o := range byLabel {
		starts = append(starts, o)
	}
	slices.SortFunc(starts, func(a, b seatsioObject) int {
		return cmp.Or(
			natural(cmp.Or(a.Labels.Section, a.Section), cmp.Or(b.Labels.Section, b.Section)),
			natural(string(a.Labels.Parent), string(b.Labels.Parent)),
			natural(string(a.Labels.Own), string(b.Labels.Own)),
			cmp.Compare(a.Label, b.Label))
	})
	var order []seatsioObject
	done := make(map[string]bool)
	follow := func(o seatsioObject) {
		for !done[o.Label] {
			done[o.Label] = true
			order = append(order, o)
			next, ok := byLabel[o.Right]
			if !ok || next.Labels.Parent != o.Labels.Parent || next.Labels.Section != o.Labels.Section {
				return
			}
			o = next
		}
	}
	for _, o := range starts {
		if _, ok := byLabel[o.Left]; !ok {
			follow(o)
		}
	}
	for _, o := range starts { // a ring has no first seat
		follow(o)
	}
	return order
}

// natural compares names: numbers by value, and before other names.
func natural(a, b string) int {
	x, errA := strconv.Atoi(a)
	y, errB := strconv.Atoi(b)
	switch {
	case errA == nil && errB == nil:
		return cmp.Compare(x, y)
	case errA == nil:
		return -1
	case errB == nil:
		return 1
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
