package venue_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// shown returns the numbers of a layout in one line, with its aisles:
// section[row:1 2|3;row:1 2;] ….
func shown(l *venue.Layout) string {
	var b strings.Builder
	for _, s := range l.Sections {
		fmt.Fprintf(&b, "%s[", s.Name)
		for _, r := range s.Rows {
			fmt.Fprintf(&b, "%s:", r.Name)
			for i := range r.Seats {
				switch {
				case slices.Contains(r.Aisles, i):
					b.WriteByte('|')
				case i > 0:
					b.WriteByte(' ')
				}
				if r.Numbers == nil {
					b.WriteString(string(r.Seats[i]))
				} else {
					b.WriteString(r.Numbers[i])
				}
			}
			b.WriteByte(';')
		}
		b.WriteByte(']')
	}
	return b.String()
}

// TestRanges checks the expansion of ranges of rows and of seats, and their aisles.
func TestRanges(t *testing.T) {
	for _, c := range []struct{ row, seats, want string }{
		{`"A"`, `"1-3|4-6"`, "A:1 2 3|4 5 6;"},
		{`"A"`, `"1-2,4-5"`, "A:1 2|4 5;"},
		{`"A"`, `"1-2|4-5"`, "A:1 2|4 5;"},
		{`"A"`, `"5-4,2-1"`, "A:5 4|2 1;"},
		{`"A"`, `"42-39"`, "A:42 41 40 39;"},
		{`"A"`, `"1-9:2"`, "A:1 3 5 7 9;"},
		{`"A"`, `"1-8:3"`, "A:1 4 7;"},
		{`"A"`, `"5-1:2,2-6:2"`, "A:5 3 1 2 4 6;"},
		{`"A"`, `"5-1:2|2-6:2"`, "A:5 3 1|2 4 6;"},
		{`"A"`, `"1,3,5,9"`, "A:1 3 5|9;"},
		{`"A"`, `"12-09"`, "A:12 11 10 09;"},
		{`"C-A"`, `"1"`, "C:1;B:1;A:1;"},
		{`"Y-AB"`, `"1"`, "Y:1;Z:1;AA:1;AB:1;"},
		{`"Z,AA-CC"`, `"1"`, "Z:1;AA:1;BB:1;CC:1;"},
		{`"AY-BB"`, `"1"`, "AY:1;AZ:1;BA:1;BB:1;"},
		{`"CCC-AAA"`, `"1"`, "CCC:1;BBB:1;AAA:1;"},
		{`"a-c,aa-bb"`, `"1"`, "a:1;b:1;c:1;aa:1;bb:1;"},
		{`"N,Ñ,14 P,A/B"`, `"1排2座"`, "N:1排2座;Ñ:1排2座;14 P:1排2座;A/B:1排2座;"},
		{`["14-P","A,B"]`, `["1","2","|","3 a"]`, "14-P:1 2|3 a;A,B:1 2|3 a;"},
		{`"N\u0303"`, `"1"`, "Ñ:1;"}, // n and a combining tilde become one letter
	} {
		text := section(`"name":"","pattern":"{row}:{seat}","rows":[{"row":` + c.row + `,"seats":` + c.seats + `}]`)
		events, err := read(strings.Replace(text, `"name":""`, `"name":"S"`, 1))
		if err != nil {
			t.Errorf("rows %s of seats %s: %v", c.row, c.seats, err)
			continue
		}
		if got := shown(events[0].Layout); got != "S["+c.want+"]" {
			t.Errorf("rows %s of seats %s are %s, want %s", c.row, c.seats, got, c.want)
		}
	}
}

// TestDoubledLettersAreDescribed checks that a description names rows with doubled
// letters, since older files mean other rows by the same range.
func TestDoubledLettersAreDescribed(t *testing.T) {
	for rows, want := range map[string]string{
		`"Z,AA-CC"`:     "    rows AA-CC: 3 rows of doubled letters, not",
		`"BB-AA,C"`:     "    rows BB-AA: 2 rows of doubled letters, not",
		`"AA-AZ,BA-BB"`: "", // as in a spreadsheet
		`"AA"`:          "",
	} {
		got, err := check(section(`"name":"S","rows":[{"row":` + rows + `,"seats":"1-2"}]`))
		if err != nil {
			t.Fatal(err)
		}
		if want == "" && strings.Contains(got, "doubled") || !strings.Contains(got, want) {
			t.Errorf("rows %s: the description does not have the line %q, or has another:\n%s", rows, want, got)
		}
	}
}

func check(file string) (string, error) {
	return venue.Check("events.json", strings.NewReader(file), venue.Defaults{LockTTL: time.Minute})
}

// TestUnusedLayoutsAreChecked checks that a check makes a layout that no event uses,
// and that such a layout does not stop a server.
func TestUnusedLayoutsAreChecked(t *testing.T) {
	file := func(pattern string) string {
		return `{"layouts": {"house": {"sections": [{"name": "S", "rows": [{"row": "A", "seats": "1-2"}]}]},
 "next year": {"sections": [{"name": "T", "pattern": "` + pattern + `", "rows": [{"row": "1,11", "seats": "1-11"}]}]}},
"events": [{"id": "a", "layout": "house"}]}`
	}
	got, err := check(file("{row}-{seat}"))
	if want := `layout "next year", which no event has: 22 places, 1 section` + "\n"; err != nil || !strings.Contains(got, want) || !strings.Contains(got, "event a:") {
		t.Errorf("the check prints, with error %v,\n%s\nwant %s", err, got, want)
	}
	twice := file("{row}{seat}") // row 1 seat 11, and row 11 seat 1
	if _, err := check(twice); err == nil || !strings.HasPrefix(err.Error(), "events.json:2:78: /layouts/next year/sections/0/rows/0: seat 111 ") {
		t.Errorf("a seat that is there twice: %v", err)
	}
	if events, err := read(twice); err != nil || len(events) != 1 {
		t.Errorf("a server reads %d events, %v, want the event of the other layout", len(events), err)
	}
}

// bigHouse uses everything that an event file can have.
const bigHouse = `{"$schema": "event-file.schema.json",
"layouts": {"big house": {
  "sections": [
    {"name": "Parkett", "category": "a", "pattern": "P-{row}-{seat}", "x": 0, "y": 10, "curve": 0.2,
     "rows": [{"row": "A-B", "seats": "1-3|4-6"}, {"row": "Ñ", "seats": "6-2:2"}, {"row": "14 P", "seats": "1-5:2", "category": "b"}],
     "special": [{"row": "A-B", "seats": "1", "facts": ["wheelchair"], "note": "Next to the lift"}, {"row": "A", "seats": "2", "facts": ["companion"], "category": "b"}]},
    {"name": "Loge Ä", "category": "b", "x": 20, "y": 10, "rotate": 90, "seats": [
      {"id": "7a1f-02", "row": "2", "number": "1"}, {"id": "7a1f-01", "row": "1", "number": "1"}, {"aisle": true}, {"id": "7a1f-03", "row": "1", "number": "2", "facts": ["restrictedView"]}]},
    {"name": "Tische", "category": "b", "x": -40, "y": 10, "pattern": "T{row}-{seat}", "rows": [{"row": "1-3", "seats": "1-8", "table": "round"}, {"row": "4", "seats": "1-4", "table": "square"}]}],
  "areas": [{"name": "Floor", "capacity": 30, "category": "b", "x": 0, "y": 5, "width": 20, "height": 4}, {"name": "Galerie <oben>", "id": "gallery", "capacity": 2, "category": "a"}],
  "stage": {"label": "Bühne", "shape": "apron", "x": 0, "y": 0, "width": 12, "height": 4}}},
"events": [
  {"id": "fri", "name": "Friday", "layout": "big house", "revision": 2, "startsAt": "2027-03-05T20:00:00+01:00", "opensAt": "2027-01-01T00:00:00Z", "closesAt": "2027-03-05T19:00:00+01:00",
   "lockSeconds": 120, "maxLockSeconds": 2400, "seatLimit": 8, "noSingles": true, "currency": "EUR",
   "categories": [{"id": "a", "name": "First", "price": 4200, "color": "#8c1d2f"}, {"id": "b", "levels": [{"id": "adult", "name": "Adult", "price": 2100}, {"id": "child", "price": 0}]}]},
  {"id": "sat", "layout": "big house", "categories": [{"id": "a"}, {"id": "b", "color": "#000000"}]}]}`

func house(t *testing.T) (friday, saturday venue.Event) {
	t.Helper()
	events, err := read(bigHouse)
	if err != nil {
		t.Fatal(err)
	}
	return events[0], events[1]
}

func TestEventsShareALayout(t *testing.T) {
	fri, sat := house(t)
	if fri.Layout != sat.Layout || fri.Event.Layout != sat.Event.Layout || fri.Layout.Name != "big house" {
		t.Error("two events of one layout do not share it")
	}
	const want = "Parkett[A:1 2 3|4 5 6;B:1 2 3|4 5 6;Ñ:6 4 2;14 P:1 3 5;]Loge Ä[2:1;1:1|2;]Tische[1:1 2 3 4 5 6 7 8;2:1 2 3 4 5 6 7 8;3:1 2 3 4 5 6 7 8;4:1 2 3 4;]"
	if got := shown(fri.Layout); got != want {
		t.Errorf("the layout is %s\nwant %s", got, want)
	}
}

func TestSegmentsEndAtAisles(t *testing.T) {
	fri, _ := house(t)
	var got []int
	for s := range fri.Layout.Segments() {
		got = append(got, s.End-s.First)
	}
	if want := []int{3, 3, 3, 3, 3, 3, 1, 1, 1, 8, 8, 8, 4}; !slices.Equal(got, want) {
		t.Errorf("the segments have %v seats, want %v", got, want)
	}
}

// TestPlacesOfAnAreaAreConsecutive checks that the places of areas come after the
// seats, and that those of one area are consecutive.
func TestPlacesOfAnAreaAreConsecutive(t *testing.T) {
	fri, _ := house(t)
	l := fri.Layout
	next := l.SeatCount()
	for _, a := range l.Areas {
		if a.First != next {
			t.Errorf("area %s begins at %d, want %d", a.Name, a.First, next)
		}
		next = a.End
	}
	if next != len(l.Seats) || l.Seats[l.Areas[0].First] != "Floor#1" || l.Seats[l.Areas[1].End-1] != "gallery#2" {
		t.Errorf("the areas end at %d of %d, with %s", next, len(l.Seats), l.Seats[len(l.Seats)-1])
	}
}

func TestFacts(t *testing.T) {
	fri, _ := house(t)
	for seat, want := range map[string]string{"P-A-1": "[wheelchair] Next to the lift", "P-B-1": "[wheelchair] Next to the lift", "P-A-2": "[companion] ", "P-A-3": "[] ", "7a1f-03": "[restrictedView] ", "Floor#30": "[] "} {
		at, _ := fri.Position(lockstore.SeatID(seat))
		if got := fmt.Sprintf("%v %s", fri.Layout.Facts(at).Names(), fri.Layout.Note(at)); got != want {
			t.Errorf("seat %s has %q, want %q", seat, got, want)
		}
	}
}

func TestPrices(t *testing.T) {
	fri, sat := house(t)
	for _, c := range []struct {
		seat, level string
		want        int64 // -1: there is no such level
	}{
		{"P-B-2", "", 4200}, {"P-B-2", "adult", -1}, {"P-14 P-3", "", 2100}, {"P-14 P-3", "child", 0}, {"P-A-2", "adult", 2100}, {"Floor#1", "child", 0}, {"gallery#1", "", 4200},
	} {
		at, _ := fri.Position(lockstore.SeatID(c.seat))
		got, ok := fri.Price(at, c.level)
		if ok != (c.want >= 0) || ok && got.Price != c.want {
			t.Errorf("seat %s at level %q costs %v (%v), want %d", c.seat, c.level, got, ok, c.want)
		}
	}
	at, _ := sat.Position("P-A-2")
	if c := sat.CategoryOf(at); c == nil || c.Color != "#000000" || sat.Currency != "" {
		t.Errorf("an event without prices has the category %+v", c)
	}
}

func TestSaleTimes(t *testing.T) {
	fri, sat := house(t)
	if want := time.Date(2027, 3, 5, 18, 0, 0, 0, time.UTC); !fri.ClosesAt.Equal(want) || !fri.OpensAt.Equal(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)) || fri.StartsAt.Sub(want) != time.Hour {
		t.Errorf("%v, %v, %v", fri.OpensAt, fri.ClosesAt, fri.StartsAt)
	}
	if !fri.NoSingles || sat.NoSingles || !sat.OpensAt.IsZero() || fri.SeatLimit != 8 || sat.SeatLimit != defaults.SeatLimit {
		t.Errorf("%+v, %+v", fri, sat)
	}
}

// TestSeatsDoNotOverlap checks the places of seats: neighbours in a row are a seat
// apart, also in curved rows and at tables, and no two seats are in the same place.
func TestSeatsDoNotOverlap(t *testing.T) {
	fri, _ := house(t)
	l := fri.Layout
	for p := range l.SeatCount() {
		for q := range p {
			x1, y1 := l.Place(p)
			x2, y2 := l.Place(q)
			if d := math.Hypot(float64(x1-x2), float64(y1-y2)); d < 9 {
				t.Errorf("seats %s and %s are %.0f tenths of a seat width apart", l.Seats[p], l.Seats[q], d)
			}
		}
	}
	x, y := l.Place(0)
	lastX, lastY := l.Place(5)
	if x != -lastX || y != lastY {
		t.Errorf("a row is not centred: from %d, %d to %d, %d", x, y, lastX, lastY)
	}
	middleX, middleY := l.Place(13) // the middle of row Ñ, which has three seats and is the third
	if middleX != 0 || middleY <= y {
		t.Errorf("the middle of the third row is at %d, %d", middleX, middleY)
	}
}

// TestListedPlaces checks that listed seats have the places given, turned with their
// section, and that a gap between neighbours is an aisle.
func TestListedPlaces(t *testing.T) {
	events, err := read(section(`"name":"S","x":100,"y":50,"rotate":90,"seats":[
		{"id":"a","row":"1","number":"1","x":0,"y":0},{"id":"b","row":"1","number":"3","x":1,"y":0},{"id":"c","row":"1","number":"4","x":3,"y":0}]`))
	if err != nil {
		t.Fatal(err)
	}
	l := events[0].Layout
	if got := shown(l); got != "S[1:1 3|4;]" {
		t.Errorf("the layout is %s", got)
	}
	for p, want := range [][2]int{{1000, 500}, {1000, 510}, {1000, 530}} {
		if x, y := l.Place(p); x != want[0] || y != want[1] {
			t.Errorf("seat %s is at %d, %d, want %v", l.Seats[p], x, y, want)
		}
	}
}

// layout returns a file with one event of a layout that has these sections and areas.
func layout(fields, event string) string {
	return `{"layouts":{"L":{` + fields + `}},"events":[{"id":"a","layout":"L"` + event + `}]}`
}

func TestSecondFormRefusesBadFiles(t *testing.T) {
	floor := func(fields string) string {
		return layout(`"areas":[{"name":"Floor","capacity":5`+fields+`}]`, "")
	}
	list := func(seats string) string { return section(`"name":"S","seats":[` + seats + `]`) }
	priced := func(event string) string {
		return layout(`"areas":[{"name":"Floor","capacity":5,"category":"a"}]`, event)
	}
	for _, c := range []struct{ name, text, want string }{
		{"another layout", layout(`"areas":[{"name":"F","capacity":1}]`, `,"layout":"M"`), `the field "layout" is given twice`},
		{"an unknown layout", `{"events":[{"id":"a","layout":"Große Bühne"}]}`, `e.json:1:22: /events/0/layout: the file has no layout "Große Bühne"`},
		{"a layout and sections", layout(`"areas":[{"name":"F","capacity":1}]`, `,"sections":[]`), "both a layout and seats are given; give only one of them"},
		{"an empty layout", layout(``, ``), "/layouts/L: no seats are given; give sections or areas"},
		{"an unknown field of a layout", layout(`"rows":[]`, ``), `unknown field "rows"; the fields are sections, areas and stage`},
		{"a layout that is called like a field", `{"layouts":{"rows":{"x":1}},"events":[]}`, `unknown field "x"; the fields are sections, areas and stage`},
		{"no capacity", layout(`"areas":[{"name":"F"}]`, ``), "must be a number of places from 1, not 0"},
		{"too large an area", layout(`"areas":[{"name":"F","capacity":200001}]`, ``), "with these 200001 seats the layout has more than 200000"},
		{"an area that cannot name its places", layout(`"areas":[{"name":"<F>","capacity":1}]`, ``), `the seat id "<F>#1" must not contain "<"; a seat in a list may have any row and number besides its id; give the area an id of its own`},
		{"an area called like a section", layout(`"sections":[{"name":"F","seats":["A1"]}],"areas":[{"name":"F","capacity":1}]`, ``), `area "F" is listed twice`},
		{"half a place", floor(`,"x":1,"y":1`), "x, y, width and height must be given together"},
		{"no width", floor(`,"x":1,"y":1,"width":0,"height":1`), "width and height must be more than 0"},
		{"some sections with places", layout(`"sections":[{"name":"A","x":0,"y":0,"seats":["A1"]},{"name":"B","seats":["B1"]}]`, ``), "some sections have a place, x and y, and others have none"},
		{"x alone", section(`"name":"S","x":1,"seats":["A1"]`), "x and y must be given together"},
		{"a curve of nothing", section(`"name":"S","curve":1,"seats":["A1"]`), "rotate and curve need the place of the section, x and y"},
		{"too much of a curve", section(`"name":"S","x":0,"y":0,"curve":2,"seats":["A1"]`), "must be from 0 for straight rows to 1 for half a circle, not 2"},
		{"a place of some seats", list(`{"id":"a","x":0,"y":0},{"id":"b"}`), "all seats of a list must have a place, x and y, or none"},
		{"a place beyond all bounds", list(`{"id":"a","x":1e9,"y":0}`), "must be from -100000 to 100000 seat widths, not 1e+09"},
		{"a row without a number", list(`{"id":"a","row":"1"}`), "a seat with a row must have a number, too"},
		{"a number of some seats", list(`{"id":"a","number":"1"},"b"`), "all seats of a row must have a number, or none"},
		{"an aisle at the end", list(`"a",{"aisle":true}`), "an aisle must be between two seats of a row"},
		{"an aisle between rows", list(`{"id":"a","row":"1","number":"1"},{"aisle":true},{"id":"b","row":"2","number":"1"}`), "an aisle must be between two seats of a row"},
		{"an aisle between rows of a range", rows("A|B", "1"), "an aisle is between seats, not between rows"},
		{"a step of nothing", rows("A", "1-9:0"), `"1-9:0": a step must be a number from 1, as in 1-29:2`},
		{"a list that is no range", section(`"name":"S","rows":[{"row":["A"],"seats":["|","1"]}]`), `an aisle, "|", must be between two seats`},
		{"another table", section(`"name":"S","rows":[{"row":"A","seats":"1","table":"oval"}]`), `a table is round or square, not "oval"`},
		{"rows and tables", section(`"name":"S","rows":[{"row":"A","seats":"1","table":"round"},{"row":"B","seats":"1"}]`), "rows and tables must be in sections of their own"},
		{"an unknown fact", list(`{"id":"a","facts":["nice"]}`), `unknown fact "nice"; the facts are wheelchair, companion, restrictedView`},
		{"a special seat that is not there", section(`"name":"S","rows":[{"row":"A","seats":"1"}],"special":[{"row":"A","seats":"2","facts":["wheelchair"]}]`), `there is no seat "2" in row "A"`},
		{"a special row that is not there", section(`"name":"S","rows":[{"row":"A","seats":"1"}],"special":[{"row":"B","seats":"1","facts":["wheelchair"]}]`), `there is no row "B" in the section`},
		{"a number for a seat", list(`7`), "must be a string or an object, not a number"},
		{"another stage", layout(`"areas":[{"name":"F","capacity":1}],"stage":{"shape":"oval"}`, ``), `a stage is straight, apron or round, not "oval"`},
		{"a time without a zone", priced(`,"opensAt":"2027-03-05T20:00:00"`), `must be a time with its zone, such as 2027-03-05T20:00:00+01:00, not "2027-03-05T20:00:00"`},
		{"a sale that ends first", priced(`,"categories":[{"id":"a"}],"opensAt":"2027-03-05T20:00:00Z","closesAt":"2027-03-05T20:00:00Z"`), "must be after opensAt, which is 2027-03-05T20:00:00Z"},
		{"an unknown category", priced(``), `category "a" is not listed, but seats of the event have it`},
		{"a category twice", priced(`,"categories":[{"id":"a"},{"id":"a"}]`), `category "a" is listed twice`},
		{"a price without a currency", priced(`,"categories":[{"id":"a","price":1}]`), "a price needs a currency; give the event one"},
		{"a category without a price", priced(`,"currency":"EUR","categories":[{"id":"a"}]`), "the event has a currency; give the category a price or levels (0 is free)"},
		{"a level without a price", priced(`,"currency":"EUR","categories":[{"id":"a","levels":[{"id":"child"}]}]`), "the price is missing (0 is free)"},
		{"a level twice", priced(`,"currency":"EUR","categories":[{"id":"a","levels":[{"id":"b","price":1},{"id":"b","price":2}]}]`), `level "b" is listed twice`},
		{"a seat without a price", layout(`"areas":[{"name":"F","capacity":1}]`, `,"currency":"EUR"`), "seat F#1 has no category and so no price"},
		{"a negative price", priced(`,"currency":"EUR","categories":[{"id":"a","price":-1}]`), "a price is a whole number of the currency's smallest unit from 0 to 1000000000000, not -1"},
		{"a fraction of a cent", priced(`,"currency":"EUR","categories":[{"id":"a","price":42.5}]`), "must be a whole number, written with digits alone, not 42.5"},
		{"another currency", priced(`,"currency":"Euro","categories":[{"id":"a","price":1}]`), `a currency is three capital letters, such as EUR, not "Euro"`},
		{"another color", priced(`,"categories":[{"id":"a","color":"red"}]`), `a color is # and six hexadecimal digits, such as #8c1d2f, not "red"`},
		{"UTF-16", "\xff\xfe{\x00}\x00", "e.json:1:1: the file is UTF-16; save it as UTF-8"},
		{"Windows-1252", "{\"events\":[{\"id\":\"a\",\"name\":\"Gr\xfc\xdfe\"}]}", `e.json:1:32: not UTF-8: the byte 0xfc, which is "ü" in Windows-1252; save the file as UTF-8`},
		{"a table", "section;row;seat\nA;1;1\n", `not JSON but a table, it seems; use "-import csv FILE" to make an event file from it`},
		{"a plan of pretix", `{"name":"x","zones":[{"rows":[{"seats":[{"seat_guid":"1"}]}]}]}`, `a pretix seating plan, not an event file; use "-import pretix FILE" to make an event file from it`},
		{"seats alike by the default pattern", rows("1,11", "1,11"), `seat 111 is listed twice, first at /events/0/sections/0/rows/0` + wayOut},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(c.text)
			if err == nil {
				t.Fatal("the file is accepted")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "e.json:") {
				t.Errorf("got  %s\nwant %s", err, c.want)
			}
		})
	}
}

// TestByteOrderMark checks that a byte order mark is skipped.
func TestByteOrderMark(t *testing.T) {
	if _, err := read("\xef\xbb\xbf" + bigHouse); err != nil {
		t.Error(err)
	}
}

// TestEventsAreManyOfOneLayout checks that the limit of seats counts a layout once, and
// that the limit of all events is higher.
func TestEventsAreManyOfOneLayout(t *testing.T) {
	file := func(events int) string {
		var list []string
		for i := range events {
			list = append(list, fmt.Sprintf(`{"id":"e%d","layout":"L"}`, i))
		}
		return `{"layouts":{"L":{"areas":[{"name":"F","capacity":200000}]}},"events":[` + strings.Join(list, ",") + `]}`
	}
	if events, err := read(file(100)); err != nil || len(events) != 100 {
		t.Errorf("100 events of 200,000 seats: %v", err)
	}
	if _, err := read(file(101)); err == nil || !strings.Contains(err.Error(), "the events of the file have more than 20000000 in total") {
		t.Errorf("101 events of 200,000 seats: %v", err)
	}
}

// TestCheckFindsSeatsOnTop checks that a seat is compared with all seats near it, not
// only with the first of them.
func TestCheckFindsSeatsOnTop(t *testing.T) {
	said, err := check(`{"events":[{"id":"e","sections":[{"name":"S","seats":[
		{"id":"A","x":0.5,"y":0.5},{"id":"B","x":0.9,"y":0.9},{"id":"C","x":1.0,"y":0.9}]}]}]}`)
	if err != nil || !strings.Contains(said, "1 seat on top of another, or nearly so: the first is C on B") {
		t.Errorf("-check says %q, %v", said, err)
	}
}
