package seatlist

import (
	"slices"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"seatlock/lockstore"
)

// An Area is a part of an event whose places are alike. Lists show the numbers of its
// places in each state instead of the places.
type Area struct {
	Name       string // valid UTF-8
	First, End int    // the positions of its places: First to End-1
}

// Parts are the parts of a layout that lists count separately.
type Parts struct {
	Areas []Area // the last seats are their places

	// Categories are the ids of the seats' categories, in valid UTF-8, and CategoryOf
	// returns the index of the category of the seat or place at a position, or -1.
	// CategoryOf may be nil if there are no categories.
	Categories []string
	CategoryOf func(position int) int
}

// A Plan is what the lists of all events of one layout share: the parts that are
// counted, and the seats as they are before anybody takes one. Events that share a Plan
// need memory only for blocks with changes. A Plan is safe for concurrent use.
type Plan struct {
	layout     *lockstore.Layout
	areas      []area
	categories []category
	categoryOf func(position int) int
	named      int // how many seats come before the first place of an area

	once     sync.Once
	blank    []*block // every seat is available
	capacity []part   // by category: the number of its seats, all of them available
}

// An area is an Area with the beginning of its JSON object, and a category has the
// beginning of a category's.
type (
	area struct {
		Area
		head []byte
	}
	category []byte
)

// NewPlan returns the Plan of a layout.
func NewPlan(layout *lockstore.Layout, parts Parts) *Plan {
	p := &Plan{layout: layout, categoryOf: parts.CategoryOf, named: len(layout.Seats)}
	for _, a := range parts.Areas {
		p.named = min(p.named, a.First)
		p.areas = append(p.areas, area{a, counted("section", a.Name)})
	}
	for _, id := range parts.Categories {
		p.categories = append(p.categories, counted("category", id))
	}
	return p
}

// counted returns the beginning of an object with counts.
func counted(what, name string) []byte {
	head := append([]byte(`{"`), what...)
	head = append(head, `":`...)
	head, _ = jsontext.AppendQuote(head, name) // fails only on invalid UTF-8
	return append(head, ',')
}

// blankSeats returns the state in which every seat is available.
func (p *Plan) blankSeats(ev *lockstore.Event) *seats {
	p.once.Do(p.makeBlank)
	s := &seats{ev: ev, plan: p, blocks: p.blank, categories: p.capacity, nextEnd: forever}
	s.counts[lockstore.Available] = len(p.layout.Seats)
	return s
}

func (p *Plan) makeBlank() {
	ids := p.layout.Seats
	for at := 0; at < len(ids); at += blockSize {
		n := min(blockSize, len(ids)-at)
		p.blank = append(p.blank, newBlock(ids[at:max(at, min(at+n, p.named))], untouched[:n:n], 0))
	}
	if len(p.categories) == 0 {
		return
	}
	p.capacity = make([]part, len(p.categories))
	for at := range ids {
		if c := p.categoryOf(at); c >= 0 {
			p.capacity[c].counts[lockstore.Available]++
		}
	}
}

// A part is the counts of a category, and the moment at which they may have last changed.
type part struct {
	counts  tally
	changed uint64
}

// recount updates the counts of the categories at a moment at which a block replaces
// another one. Its first seat is at position first.
func (p *Plan) recount(categories []part, moment uint64, first int, before, after *block) {
	if len(categories) == 0 {
		return
	}
	for i := range after.seats {
		if before.seats[i].until == after.seats[i].until {
			continue
		}
		if c := p.categoryOf(first + i); c >= 0 {
			categories[c].counts[before.status(i)]--
			categories[c].counts[after.status(i)]++
			categories[c].changed = moment
		}
	}
}

// countsChanged marks the counts of every category as changed at the next moment. A lock
// may have ended since another process listed the version that is met then.
func (s *seats) countsChanged() {
	s.categories = slices.Clone(s.categories) // others share them
	for i := range s.categories {
		s.categories[i].changed = s.moment + 1
	}
}

// A tally has the number of seats in each status.
type tally [statuses]int

// append appends the members of a JSON object.
func (t *tally) append(b []byte) []byte {
	b = append(b, `"available":`...)
	b = strconv.AppendInt(b, int64(t[lockstore.Available]), 10)
	b = append(b, `,"locked":`...)
	b = strconv.AppendInt(b, int64(t[lockstore.Locked]), 10)
	b = append(b, `,"booked":`...)
	b = strconv.AppendInt(b, int64(t[lockstore.Booked]), 10)
	if n := t[lockstore.Blocked]; n > 0 {
		b = append(b, `,"blocked":`...)
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return b
}

// appendParts appends the counts of the areas, and of the categories whose counts may
// have changed at the moment or later, to the JSON before the seats.
func (s *seats) appendParts(b []byte, moment uint64) []byte {
	n := 0
	for i, head := range s.plan.categories {
		if c := &s.categories[i]; c.changed >= moment {
			b = appendPart(b, n, `,"categories":[`, head, &c.counts)
			n++
		}
	}
	if n > 0 {
		b = append(b, ']')
	}
	for i, a := range s.plan.areas {
		n := s.count(a.First, a.End)
		b = appendPart(b, i, `,"areas":[`, a.head, &n)
	}
	if len(s.plan.areas) > 0 {
		b = append(b, ']')
	}
	return b
}

// appendPart appends the element i of an array. start comes before the first element.
func appendPart(b []byte, i int, start string, head []byte, n *tally) []byte {
	if i > 0 {
		start = ","
	}
	b = append(b, start...)
	b = append(b, head...)
	return append(n.append(b), '}')
}
