package venue_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"seatlock/functions/venue"
	"seatlock/lockstore"
)

var defaults = venue.Defaults{LockTTL: time.Minute, SeatLimit: 4}

func read(text string) ([]venue.Event, error) {
	return venue.ReadEvents("e.json", strings.NewReader(text), defaults)
}

// drawn returns a layout in one line: section[row:[seats];row:[seats];] ….
func drawn(e venue.Event) string {
	var b strings.Builder
	for _, s := range e.Layout.Sections {
		fmt.Fprintf(&b, "%s[", s.Name)
		for _, r := range s.Rows {
			fmt.Fprintf(&b, "%s:%v;", r.Name, r.Seats)
		}
		b.WriteString("]")
	}
	return b.String()
}

var goodFiles = []struct{ name, text, want string }{
	{"a plain list", `{"events":[{"id":"a","seats":["T-1","T-2"]}]}`, "[:[T-1 T-2];]"},
	{"rows", `{"events":[{"id":"a","sections":[{"name":"S","rows":[{"row":"A-B","seats":"1-2"},{"row":"C","seats":"1,3-4"}]}]}]}`,
		"S[A:[A1 A2];B:[B1 B2];C:[C1 C3 C4];]"},
	{"letters go on after Z", `{"events":[{"id":"a","sections":[{"name":"S","rows":[{"row":"Y-AB","seats":"1"}]}]}]}`,
		"S[Y:[Y1];Z:[Z1];AA:[AA1];AB:[AB1];]"},
	{"zeros in front", `{"events":[{"id":"a","sections":[{"name":"S","pattern":"{row}{seat}","rows":[{"row":"A","seats":"08-11"}]}]}]}`,
		"S[A:[A08 A09 A10 A11];]"},
	{"a pattern", `{"events":[{"id":"a","sections":[{"name":"S","pattern":"x:{seat}.{row}","rows":[{"row":"A, C","seats":"1-2"}]}]}]}`,
		"S[A:[x:1.A x:2.A];C:[x:1.C x:2.C];]"},
	{"a repeated section", `{"events":[{"id":"a","sections":[{"name":"Block {section}","section":"1-2,VIP","rows":[{"row":"A","seats":"1"}]}]}]}`,
		"Block 1[A:[1-A1];]Block 2[A:[2-A1];]Block VIP[A:[VIP-A1];]"},
	{"a section of a list", `{"events":[{"id":"a","sections":[{"name":"S","rows":[{"row":"A","seats":"1"}]},{"name":"Boxes","seats":["B1","B2"]}]}]}`,
		"S[A:[A1];]Boxes[:[B1 B2];]"},
}

func TestReadEvents(t *testing.T) {
	for _, c := range goodFiles {
		t.Run(c.name, func(t *testing.T) {
			events, err := read(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := drawn(events[0]); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestSeatsKnowTheirNumbers checks that a seat's number does not depend on the
// pattern of its id.
func TestSeatsKnowTheirNumbers(t *testing.T) {
	events, err := read(`{"events":[{"id":"a","sections":[{"name":"S","pattern":"x:{seat}.{row}","rows":[{"row":"A-B","seats":"08-09,12"}]},{"name":"Boxes","seats":["B1"]}]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	rows := events[0].Layout.Sections[0].Rows
	if want := []string{"08", "09", "12"}; !slices.Equal(rows[0].Numbers, want) || !slices.Equal(rows[1].Numbers, want) {
		t.Errorf("rows %+v, want the numbers %q", rows, want)
	}
	if box := events[0].Layout.Sections[1].Rows[0]; box.Numbers != nil {
		t.Errorf("a plain list has the numbers %q, want none", box.Numbers)
	}
}

func TestReadEventsSettings(t *testing.T) {
	events, err := read(`{"events":[
		{"id":"plain","seats":["A1"]},
		{"id":"own","name":"Its own","lockSeconds":2.5,"seatLimit":0,"seats":["A1"]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	plain, own := events[0], events[1]
	if plain.Name != "plain" || plain.Event.LockTTL != time.Minute || plain.Event.SeatLimit != 4 {
		t.Errorf("an event without settings has %+v and the name %q", plain.Event, plain.Name)
	}
	if own.Name != "Its own" || own.Event.LockTTL != 2500*time.Millisecond || own.Event.SeatLimit != 0 {
		t.Errorf("an event with settings has %+v and the name %q", own.Event, own.Name)
	}
}

func TestExampleEventFiles(t *testing.T) {
	for name, want := range map[string]struct{ seats, sections int }{
		"theatre.json": {20 + 72 + 28 + 16 + 36, 2},
		"arena.json":   {50_000, 40},
	} {
		text, err := os.ReadFile("../../local/events/" + name)
		if err != nil {
			t.Fatal(err)
		}
		events, err := read(string(text))
		if err != nil {
			t.Fatal(err)
		}
		if m := events[0]; len(events) != 1 || len(m.Event.Seats) != want.seats || len(m.Layout.Sections) != want.sections {
			t.Errorf("%s: %d events, %d seats in %d sections, want %+v", name, len(events), len(m.Event.Seats), len(m.Layout.Sections), want)
		}
		if lines := strings.Count(string(text), "\n"); lines >= 30 {
			t.Errorf("%s has %d lines, want fewer than 30", name, lines)
		}
	}
}

// in returns a file with one event that has these fields in addition to its id.
func in(fields string) string { return "{\"events\":[\n  {\"id\":\"a\"," + fields + "}]}" }

// section returns a file with one section that has these fields.
func section(fields string) string { return in(`"sections":[{` + fields + `}]`) }

// rows returns a file with one section of these rows.
func rows(row, seats string) string {
	return section(fmt.Sprintf(`"name":"S","rows":[{"row":%q,"seats":%q}]`, row, seats))
}

var badFiles = []struct{ name, text, want string }{
	{"nothing", " \n", "e.json:1:1: the file is empty"},
	{"no JSON", "{\n  events", "e.json:2:3: not JSON: invalid character 'e' at start of value"},
	{"half of it", `{"events":[`, "e.json:1:12: /events: not JSON: unexpected end of the file"},
	{"something after it", `{"events":[{"id":"a","seats":["A1"]}]} x`, "e.json:1:40: not JSON: invalid character 'x' after top-level value"},
	{"a field twice", `{"events":[],"events":[]}`, `e.json:1:14: /events: the field "events" is given twice`},
	{"no events", `{}`, "e.json:1:1: /events: the field events is missing"},
	{"empty events", `{"events":[]}`, "e.json:1:2: /events: the list must not be empty"},
	{"not an object", `[]`, "e.json:1:1: must be an object, not a list"},
	{"an unknown field of the file", `{"event":[]}`, `e.json:1:2: /event: unknown field "event"; the fields are layouts and events`},
	{"an unknown field of an event", in(`"sets":1`), `e.json:2:13: /events/0/sets: unknown field "sets"; the fields are id, name, layout, revision, startsAt, opensAt, closesAt, lockSeconds, maxLockSeconds, seatLimit, noSingles, currency, categories, and sections, areas and stage, or seats`},
	{"an unknown field of a section", section(`"label":"x"`), `e.json:2:26: /events/0/sections/0/label: unknown field "label"; the fields are name, section, pattern, category, x, y, rotate, curve, and rows and special, or seats`},
	{"an unknown field of rows", section(`"name":"S","rows":[{"rows":"A"}]`), `e.json:2:46: /events/0/sections/0/rows/0/rows: unknown field "rows"; the fields are row, seats, category and table`},
	{"a string for a number", in(`"lockSeconds":"60"`), "e.json:2:27: /events/0/lockSeconds: must be a number, not a string"},
	{"a fraction for a whole number", in(`"seatLimit":1.5`), "e.json:2:25: /events/0/seatLimit: must be a whole number, written with digits alone, not 1.5"},
	{"a number for a range", section(`"name":"S","rows":[{"row":1}]`), "e.json:2:52: /events/0/sections/0/rows/0/row: must be a string, not a number"},
	{"no id", `{"events":[{"seats":["A1"]}]}`, `e.json:1:12: /events/0/id: an event id is 1 to 64 letters, digits, '_', '.' and '-', not ""`},
	{"a bad id", `{"events":[{"id":"a b","seats":["A1"]}]}`, `e.json:1:13: /events/0/id: an event id is 1 to 64 letters, digits, '_', '.' and '-', not "a b"`},
	{"an id twice", `{"events":[{"id":"a","seats":["A1"]},{"id":"a","seats":["A1"]}]}`, "e.json:1:39: /events/1/id: event a is listed twice, first at /events/0"},
	{"an empty name", in(`"name":"","seats":["A1"]`), `e.json:2:13: /events/0/name: a name must be 1 to 200 bytes of printable text, not ""`},
	{"a negative revision", in(`"revision":-1,"seats":["A1"]`), "e.json:2:13: /events/0/revision: must be a whole number from 0 to 1000000000, not -1"},
	{"no longest time", in(`"maxLockSeconds":0,"seats":["A1"]`), "e.json:2:13: /events/0/maxLockSeconds: the longest lock must last from 0.001 to 2592000 seconds, not 0"},
	{"a longest time below that of a lock", in(`"lockSeconds":60,"maxLockSeconds":59,"seats":["A1"]`), "e.json:2:30: /events/0/maxLockSeconds: must not be less than lockSeconds, which is 60"},
	{"no time to lock", in(`"lockSeconds":0,"seats":["A1"]`), "e.json:2:13: /events/0/lockSeconds: a lock must last from 0.001 to 2592000 seconds, not 0"},
	{"too much time to lock", in(`"lockSeconds":1e12,"seats":["A1"]`), "e.json:2:13: /events/0/lockSeconds: a lock must last from 0.001 to 2592000 seconds, not 1e+12"},
	{"a negative limit", in(`"seatLimit":-1,"seats":["A1"]`), "e.json:2:13: /events/0/seatLimit: must be a number of seats, or 0 for no limit, not -1"},
	{"neither sections nor seats", in(`"name":"x"`), "e.json:2:3: /events/0: neither sections nor seats are given; give one of them, areas, or the name of a layout"},
	{"both sections and seats", in(`"sections":[],"seats":[]`), "e.json:2:3: /events/0: both sections and seats are given; give only one of them"},
	{"an empty list", in(`"seats":[]`), "e.json:2:13: /events/0/seats: the list must not be empty"},
	{"a seat twice in a list", in(`"seats":["A1","A2","A1"]`), "e.json:2:32: /events/0/seats/2: seat A1 is listed twice, first at /events/0/seats/0"},
	{"a bad seat in a list", in(`"seats":["A1","A<2"]`), `e.json:2:27: /events/0/seats/1: the seat id "A<2" must not contain "<"; a seat in a list may have any row and number besides its id`},
	{"a section without a name", section(`"seats":["A1"]`), `e.json:2:25: /events/0/sections/0/name: a name must be 1 to 200 bytes of printable text, not ""`},
	{"neither rows nor seats", section(`"name":"S"`), "e.json:2:25: /events/0/sections/0: neither rows nor seats are given"},
	{"both rows and seats", section(`"name":"S","rows":[],"seats":[]`), "e.json:2:25: /events/0/sections/0: both rows and seats are given; give only one of them"},
	{"no rows", section(`"name":"S","rows":[]`), "e.json:2:37: /events/0/sections/0/rows: the list must not be empty"},
	{"a row of no seats", rows("A", ""), "e.json:2:56: /events/0/sections/0/rows/0/seats: must not be empty; write a range like A-H, 1-6,9-14 or 1-6|7-12"},
	{"a range of letters and numbers", rows("A-9", "1"), `e.json:2:46: /events/0/sections/0/rows/0/row: "A-9" goes neither from a number to a number nor from letters to letters of the same case; a name that contains a dash must be in a list, as ["A-9"]`},
	{"a name twice in a range", rows("A", "1-3,2"), `e.json:2:56: /events/0/sections/0/rows/0/seats: "2" is listed twice`},
	{"a row twice", section(`"name":"S","rows":[{"row":"A","seats":"1"},{"row":"A","seats":"2"}]`), `e.json:2:70: /events/0/sections/0/rows/1/row: row "A" is listed twice`},
	{"too many seats", rows("1-500", "1-401"), "e.json:2:45: /events/0/sections/0/rows/0: with these 200500 seats the event has more than 200000"},
	{"far too many seats", rows("1-999999999", "1-999999999"), "e.json:2:45: /events/0/sections/0/rows/0: with so many seats the event has more than 200000"},
	{"a range too large for its names alone", section(`"name":"{section}","section":"1-999999999","rows":[{"row":"A","seats":"1"}]`), "e.json:2:77: /events/0/sections/0/rows/0: with these 999999999 seats the event has more than 200000"},
	{"a pattern without seats", section(`"name":"S","pattern":"{row}","rows":[{"row":"A","seats":"1"}]`), `e.json:2:37: /events/0/sections/0/pattern: "{row}": {seat} is missing: seats would have the same name`},
	{"a pattern with another word", section(`"name":"S","pattern":"{row}{seat}{x}","rows":[{"row":"A","seats":"1"}]`), `e.json:2:37: /events/0/sections/0/pattern: "{row}{seat}{x}": unknown placeholder "{x}"; the placeholders are {section}, {row} and {seat}`},
	{"an open brace", section(`"name":"S","pattern":"{row}{seat","rows":[{"row":"A","seats":"1"}]`), `e.json:2:37: /events/0/sections/0/pattern: "{row}{seat": a { has no matching }`},
	{"a closed brace", section(`"name":"S","pattern":"{row}}{seat}","rows":[{"row":"A","seats":"1"}]`), `e.json:2:37: /events/0/sections/0/pattern: "{row}}{seat}": a } has no matching {`},
	{"a pattern for a list", section(`"name":"S","pattern":"{row}{seat}","seats":["A1"]`), "e.json:2:37: /events/0/sections/0/pattern: a plain list of seats has no pattern: its names are the seats"},
	{"a section's number without one", section(`"name":"S","pattern":"{section}{row}{seat}","rows":[{"row":"A","seats":"1"}]`), `e.json:2:37: /events/0/sections/0/pattern: "{section}{row}{seat}": {section} needs the field section`},
	{"a section's number in the name without one", section(`"name":"S {section}","rows":[{"row":"A","seats":"1"}]`), `e.json:2:26: /events/0/sections/0/name: "S {section}": {section} needs the field section`},
	{"repeated sections of one name", section(`"name":"S","section":"1-2","rows":[{"row":"A","seats":"1"}]`), `e.json:2:26: /events/0/sections/0/name: all these sections would be called "S"; put {section} into it`},
	{"a repeated list", section(`"name":"S{section}","section":"1-2","seats":["A1"]`), "e.json:2:46: /events/0/sections/0/section: a plain list of seats cannot be repeated: the seats would be the same"},
	{"a section twice", in(`"sections":[{"name":"S","seats":["A1"]},{"name":"S","seats":["A2"]}]`), `e.json:2:54: /events/0/sections/1/name: section "S" is listed twice`},
	{"a seat of two sections", in(`"sections":[{"name":"S","seats":["A1"]},{"name":"T","rows":[{"row":"A","seats":"1"}]}]`), "e.json:2:73: /events/0/sections/1/rows/0: seat A1 is listed twice, first at /events/0/sections/0/seats/0" + wayOut},
	{"another kind of space", rows("A", "\u00a01"), `e.json:2:56: /events/0/sections/0/rows/0/seats: "\u00a01" is not a name; a name is 1 to 200 bytes of printable text without a space at either end`},
	{"a range that ends with a comma", rows("A", "1,"), "e.json:2:56: /events/0/sections/0/rows/0/seats: an item is empty; write a range like A-H, 1-6,9-14 or 1-6|7-12"},
	{"a range of letters of two cases", rows("AA-cc", "1"), `e.json:2:46: /events/0/sections/0/rows/0/row: "AA-cc" goes neither from a number to a number nor from letters to letters of the same case; a name that contains a dash must be in a list, as ["AA-cc"]`},
	{"a range in range", rows("A", "1-2-3"), `e.json:2:56: /events/0/sections/0/rows/0/seats: "1-2-3" goes neither from a number to a number nor from letters to letters of the same case; a name that contains a dash must be in a list, as ["1-2-3"]`},
	{"more digits than nine", rows("A", "1-1234567890"), `e.json:2:56: /events/0/sections/0/rows/0/seats: "1-1234567890" goes neither from a number to a number nor from letters to letters of the same case; a name that contains a dash must be in a list, as ["1-1234567890"]`},
	{"more letters than three", rows("A-AAAA", "1"), `e.json:2:46: /events/0/sections/0/rows/0/row: "A-AAAA" goes neither from a number to a number nor from letters to letters of the same case; a name that contains a dash must be in a list, as ["A-AAAA"]`},
	{"rows without a name", section(`"name":"S","rows":[{"seats":"1"}]`), "e.json:2:45: /events/0/sections/0/rows/0/row: must not be empty; write a range like A-H, 1-6,9-14 or 1-6|7-12"},
	{"no sections", in(`"sections":[]`), "e.json:2:13: /events/0/sections: the list must not be empty"},
	{"no events at all", `{"events":null}`, "e.json:1:2: /events: the field events is missing"},
	{"not a number of this world", in(`"lockSeconds":1e999`), "e.json:2:27: /events/0/lockSeconds: 1e999 is too large"},
	{"a fraction that is whole", in(`"seatLimit":1e2`), "e.json:2:25: /events/0/seatLimit: must be a whole number, written with digits alone, not 1e2"},
	{"a limit beyond counting", in(`"seatLimit":99999999999999999999`), "e.json:2:25: /events/0/seatLimit: 99999999999999999999 is too large"},
	{"a field of an event twice", in(`"name":"x","name":"y"`), `e.json:2:24: /events/0/name: the field "name" is given twice`},
	{"a field that breaks the line", "{\"a\\nb\":1}", `e.json:1:2: "/a\nb": unknown field "a\nb"; the fields are layouts and events`},
	{"a placeholder that breaks the line", section(`"name":"S","pattern":"{row}{seat}{\n}","rows":[{"row":"A","seats":"1"}]`), `e.json:2:37: /events/0/sections/0/pattern: "{row}{seat}{\n}": unknown placeholder "{\n}"; the placeholders are {section}, {row} and {seat}`},
	{"bytes that are no text", "{\"events\":[{\"id\":\"\xff\"}]}", `e.json:1:19: not UTF-8: the byte 0xff, which is "ÿ" in Windows-1252; save the file as UTF-8`},
	{"a pattern that makes seats alike", section(`"name":"S","rows":[{"row":"A","seats":"11"},{"row":"A1","seats":"1"}]`), "e.json:2:70: /events/0/sections/0/rows/1: seat A11 is listed twice, first at /events/0/sections/0/rows/0" + wayOut},
	{"far too many sections", section(`"name":"{section}","section":"1-150000","rows":[{"row":"A","seats":"1"},{"row":"B","seats":"1"}]`), "e.json:2:98: /events/0/sections/0/rows/1: with these 150000 seats the event has more than 200000"},
	{"a seat with too long a name", rows(strings.Repeat("x", 64), "1"), `e.json:2:45: /events/0/sections/0/rows/0: the seat id "` + strings.Repeat("x", 64) + `1" has 65 bytes; it must have at most 64`},
}

func TestReadEventsRefusesBadFiles(t *testing.T) {
	for _, c := range badFiles {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(c.text)
			if err == nil {
				t.Fatal("the file is accepted")
			}
			line := err.Error()
			if line != c.want {
				t.Errorf("got  %s\nwant %s", line, c.want)
			}
			if strings.Contains(line, "lockstore") || strings.Contains(line, "jsontext:") || strings.Contains(line, "venue") {
				t.Errorf("the error names parts of the program: %s", line)
			}
		})
	}
}

func TestReadEventsBoundsTheFile(t *testing.T) {
	var list []string
	for i := range 11 {
		list = append(list, fmt.Sprintf(`{"id":"e%d","sections":[{"name":"S","rows":[{"row":"1-1000","seats":"1-200"}]}]}`, i))
		list[i] = strings.Replace(list[i], `"rows"`, `"pattern":"{row}-{seat}","rows"`, 1)
	}
	_, err := read(`{"events":[` + strings.Join(list, ",") + `]}`)
	if err == nil || !strings.Contains(err.Error(), "the file has more than 2000000") {
		t.Errorf("2.2 million seats: %v", err)
	}
	large := `{"events":[` + strings.Repeat(" ", 16<<20) + `]}`
	if _, err := read(large); err == nil || !strings.Contains(err.Error(), "larger than 16 MiB") {
		t.Errorf("a large file: %v", err)
	}
}

// FuzzReadEvents checks that any file is either refused in one line that names it, or
// makes events whose sections have exactly their seats.
func FuzzReadEvents(f *testing.F) {
	for _, c := range goodFiles {
		f.Add(c.text)
	}
	for _, c := range badFiles {
		f.Add(c.text)
	}
	f.Add(bigHouse)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return // slow, and no different from a short file
		}
		events, err := read(text)
		if err != nil {
			if line := err.Error(); !strings.HasPrefix(line, "e.json:") || len(line) > 600 || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("the error is %q", line)
			}
			return
		}
		if len(events) == 0 {
			t.Error("no event and no error")
		}
		for _, m := range events {
			var seats []lockstore.SeatID
			for _, s := range m.Layout.Sections {
				for _, r := range s.Rows {
					if len(r.Seats) == 0 {
						t.Errorf("row %q of section %q is empty", r.Name, s.Name)
					}
					seats = append(seats, r.Seats...)
				}
			}
			if l := m.Layout; len(seats) != l.SeatCount() || !slices.Equal(seats, m.Event.Seats[:len(seats)]) || len(m.Event.Seats) > venue.MaxEventSeats {
				t.Errorf("the event has %d seats, its sections %d", l.SeatCount(), len(seats))
			}
			at := 0
			for s := range m.Layout.Segments() {
				if s.First != at || s.End <= at {
					t.Errorf("a segment from %d to %d follows %d", s.First, s.End, at)
				}
				at = s.End
			}
			for p := range m.Event.Seats {
				if cost, ok := m.Price(p, ""); (m.Currency != "") != ok || cost.Price < 0 {
					t.Errorf("seat %s of an event with the currency %q costs %v, %v", m.Event.Seats[p], m.Currency, cost, ok)
				}
			}
			if text, err := m.Layout.Render(); err != nil || at != len(seats) {
				t.Errorf("the layout is %s, %v, and its segments end at %d", text, err, at)
			}
		}
	})
}

// wayOut is the end of the error about two seats for which the default pattern makes
// one id.
const wayOut = `; give the section a pattern that keeps them apart, such as "{row}-{seat}", or "B-{row}-{seat}" for the seats of a balcony`
