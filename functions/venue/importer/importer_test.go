package importer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"seatlock/functions/venue"
	"seatlock/functions/venue/importer"
)

// pretixPlan repeats ids, as plans of pretix do, and lists a row from right to left.
const pretixPlan = `{"name": "Kleines Haus", "size": {"width": 600, "height": 400},
"categories": [{"name": "Parkett", "color": "#8C1D2F"}, {"name": "Loge", "color": "red"}, {"name": "unused"}],
"zones": [
 {"name": "Parkett", "position": {"x": 100, "y": 100}, "rows": [
   {"row_number": "Ñ", "row_number_position": "both", "position": {"x": 0, "y": 0}, "seats": [
     {"seat_guid": "same", "seat_number": "2", "position": {"x": 60, "y": 0}, "category": "Parkett", "radius": 10},
     {"seat_guid": "same", "seat_number": "1", "position": {"x": 35, "y": 0}, "category": "Parkett"},
     {"seat_guid": "a<3", "seat_number": "3", "position": {"x": 85, "y": 0}, "category": "Parkett"},
     {"seat_guid": "4", "seat_number": "4", "position": {"x": 160, "y": 0}, "category": "Loge"}]}],
  "areas": [{"shape": "rectangle", "position": {"x": 0, "y": -80}, "rotation": 0, "rectangle": {"width": 200, "height": 50}, "text": {"text": "Bühne", "color": "#000000"}}]},
 {"name": "", "position": {"x": 100, "y": 300}, "rows": [{"row_number": "1", "position": {"x": 0, "y": 0}, "seats": [
     {"seat_guid": "same", "seat_number": "1", "position": {"x": 0, "y": 0}, "category": "Loge"}]}]}]}`

// benches is a table between two benches, with numbers that alternate between them.
const benches = `{"name": "Tent", "categories": [], "zones": [{"name": "Tent", "position": {"x": 0, "y": 0}, "rows": [
   {"row_number": "7", "position": {"x": 0, "y": 0}, "seats": [
     {"seat_guid": "1", "seat_number": "1", "position": {"x": 0, "y": 0}}, {"seat_guid": "2", "seat_number": "2", "position": {"x": 60, "y": 0}},
     {"seat_guid": "3", "seat_number": "3", "position": {"x": 0, "y": 25}}, {"seat_guid": "4", "seat_number": "4", "position": {"x": 60, "y": 25}},
     {"seat_guid": "5", "seat_number": "5", "position": {"x": 0, "y": 50}}, {"seat_guid": "6", "seat_number": "6", "position": {"x": 60, "y": 50}}]}]}]}`

// opera has a price zone and a section, sections of one name on two levels, and rows
// that are listed from the middle.
const opera = "Level,Section,Zone,Row,Seat,X,Y\n" +
	"orchestra,odd,P1,H,101,-1,0\n" +
	"orchestra,odd,P1,H,103,-2,0.1\n" +
	"orchestra,odd,P1,H,99,1,0\n" +
	"balcony,odd,P2,H,101,-1,9\n" +
	"boxes,boxes,P2,J,1,5,9\n"

const table = "section;row;seat;category;x;y;facts;note\n" +
	"Parkett;A;1;first;0;0;wheelchair,companion;Neben dem Eingang\n" +
	"Parkett;A;2;first;12,5;0;;\n" +
	"Parkett;A;3;first;37,5;0;;\n" +
	"Loge;1;1;second;0;100;restrictedView;\n"

const seatsioReport = `{
"A-2": [{"label": "A-2", "labels": {"own": {"label": "2", "type": "seat"}, "parent": {"label": "A", "type": "row"}, "section": "Stalls"}, "categoryLabel": "First", "objectType": "seat", "leftNeighbour": "A-1", "isAccessible": true}],
"A-3": [{"label": "A-3", "labels": {"own": {"label": "3", "type": "seat"}, "parent": {"label": "A", "type": "row"}, "section": "Stalls"}, "categoryLabel": "First", "objectType": "seat", "rightNeighbour": "A-10"}],
"A-10": [{"label": "A-10", "labels": {"own": {"label": "10"}, "parent": {"label": "A"}, "section": "Stalls"}, "categoryLabel": "First", "objectType": "seat", "leftNeighbour": "A-3"}],
"A-1": [{"label": "A-1", "labels": {"own": {"label": "1", "type": "seat"}, "parent": {"label": "A", "type": "row"}, "section": "Stalls"}, "categoryLabel": "First", "objectType": "seat", "rightNeighbour": "A-2"}],
"GA": [{"label": "GA", "labels": {"own": {"label": "GA"}}, "categoryLabel": "Floor", "objectType": "generalAdmission", "capacity": 100}],
"shut": [{"label": "shut", "labels": {"own": {"label": "shut"}}, "categoryLabel": "Floor", "objectType": "generalAdmission", "capacity": 0}]}`

// TestImport checks the results for small plans: seats with their ids, rows and
// numbers, aisles, categories and special seats.
func TestImport(t *testing.T) {
	for _, c := range []struct{ format, text, want string }{
		{"pretix", pretixPlan, `event "kleines-haus" "Kleines Haus" Parkett #8c1d2f, Loge
Parkett Ñ: Parkett-Ñ-1=1 Parkett-Ñ-2=2 Parkett-Ñ-3=3 | Parkett-Ñ-4=4 at [0 10 20 50]
Zone 2 1: Zone 2-1-1=1 at [-14]
stage "Bühne" 26 -22 80 20
`},
		{"csv", table, `event "seats" "seats" first, second
Parkett A: Parkett-A-1=1 [wheelchair companion] (Neben dem Eingang) Parkett-A-2=2 | Parkett-A-3=3 at [0 10 30]
Loge 1: Loge-1-1=1 [restrictedView] at [0]
`},
		{"csv", "\ufeffid,seat\nT-1,1\nT-2,2\n\n", `event "seats" "seats" 
seats : T-1=1 T-2=2
`},
		{"csv", "id,seat\nT1-1,1\nT1-2,2\nT2-1,1\n", `event "seats" "seats" 
seats : T1-1=1 T1-2=2 T2-1=1
`},
		{"pretix", benches, `event "tent" "Tent" 
Tent 7: 1=1 3=3 5=5 | 6=6 4=4 2=2 at [0 0 0 24 24 24]
`},
		{"csv", opera, `event "seats" "seats" 
orchestra odd H: orchestra odd-H-103=103 orchestra odd-H-101=101 | orchestra odd-H-99=99 at [0 10 30]
balcony odd H: balcony odd-H-101=101 at [10]
boxes J: boxes-J-1=1 at [70]
`},
		{"seatsio", seatsioReport, `event "seats" "seats" First, Floor
Stalls A: A-1=1 A-2=2 [wheelchair] | A-3=3 A-10=10
area GA 100 Floor
`},
	} {
		file, err := importer.Import(c.format, "plans/seats.txt", strings.NewReader(c.text))
		if err != nil {
			t.Errorf("%s: %v", c.format, err)
			continue
		}
		if got := shown(t, file); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s\nfrom\n%s", c.format, got, c.want, file)
		}
	}
}

// shown returns the content of an event file in lines. Places are relative to the first
// seat.
func shown(t *testing.T, file []byte) string {
	t.Helper()
	events, err := venue.ReadEvents("made", strings.NewReader(string(file)), venue.Defaults{LockTTL: time.Minute})
	if err != nil {
		t.Fatalf("%v in\n%s", err, file)
	}
	e, l := events[0], events[0].Layout
	var categories []string
	for _, c := range e.Categories {
		categories = append(categories, strings.TrimSpace(c.ID+" "+c.Color))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "event %q %q %s\n", e.ID, e.Name, strings.Join(categories, ", "))
	firstX, firstY := 0, 0
	if l.Placed() {
		firstX, firstY = l.Place(0)
	}
	for _, s := range l.Sections {
		for _, r := range s.Rows {
			fmt.Fprintf(&b, "%s %s:", s.Name, r.Name)
			var at []int
			for i, id := range r.Seats {
				if slices.Contains(r.Aisles, i) {
					b.WriteString(" |")
				}
				fmt.Fprintf(&b, " %s=%s", id, r.Numbers[i])
				if f := l.Facts(r.First + i); f != 0 {
					fmt.Fprintf(&b, " %v", f.Names())
				}
				if note := l.Note(r.First + i); note != "" {
					fmt.Fprintf(&b, " (%s)", note)
				}
				if l.Placed() {
					x, _ := l.Place(r.First + i)
					at = append(at, x-firstX)
				}
			}
			if at != nil {
				fmt.Fprintf(&b, " at %v", at)
			}
			b.WriteByte('\n')
		}
	}
	for _, a := range l.Areas {
		fmt.Fprintf(&b, "area %s %d %s\n", a.Name, a.End-a.First, e.CategoryOf(a.First).ID)
	}
	if s := l.Stage; s != nil {
		fmt.Fprintf(&b, "stage %q %d %d %d %d\n", s.Label, int(s.Box.X)-firstX, int(s.Box.Y)-firstY, s.Box.Width, s.Box.Height)
	}
	return b.String()
}

// TestImportKeepsTheOtherIDs checks that the file has the other program's id of a seat
// whose id could not be kept.
func TestImportKeepsTheOtherIDs(t *testing.T) {
	file, err := importer.Import("pretix", "p", strings.NewReader(pretixPlan))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(file), `{"id":"Parkett-Ñ-3","row":"Ñ","number":"3","category":"Parkett","x":7.4,"y":4,"source":"a<3"}`) {
		t.Errorf("the file does not say that Parkett-Ñ-3 was a<3:\n%s", file)
	}
}

func TestImportRefuses(t *testing.T) {
	for _, c := range []struct{ format, text, want string }{
		{"svg", "", `unknown format "svg"; must be one of pretix, seatsio, csv`},
		{"pretix", "{}", "plan: not a pretix seating plan: it has no zones"},
		{"pretix", `{"zones":[]}`, "plan: it has no seats"},
		{"pretix", "zones", "plan: not a pretix seating plan: "},
		{"csv", "\xff", "plan: not UTF-8; save the file as UTF-8"},
		{"csv", "", "plan: the first line does not name the columns"},
		{"csv", "A;1;1\n", "plan: there is neither a column seat nor a column id"},
		{"csv", "row,seat\nA,\n", "plan: line 2: the seat has a row but no number; fill in the column seat"},
		{"csv", "seat,x,y\n1,2,z\n", `plan: line 2: "z" is not a number`},
		{"csv", "seat,seat\n", "plan: there are two columns seat"},
		{"csv", "block,zone,seat\n", "plan: the columns block and zone are both the section; name one of them section, and the other differently"},
		{"csv", "row,seat\nA,1\nA,2\nA,1\n", `plan: line 4: the seat "A 1" is listed twice, first on line 2; `},
		{"csv", "seat,facts\n1,nice\n", `plan: cannot be made into an event file: the event file:4:39: `},
		{"seatsio", strings.Replace(seatsioReport, "{", `{"T1": [{"label": "T1", "labels": {"own": {"label": "T1"}}, "objectType": "table", "capacity": 8}],`, 1), `plan: "T1" is a table that is sold as a whole, which an event file cannot describe; `},
		{"seatsio", "[]", "plan: not a detailed chart report of seats.io: "},
	} {
		_, err := importer.Import(c.format, "plan", strings.NewReader(c.text))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s of %q: %v, want %s", c.format, c.text, err, c.want)
		}
	}
}

// FuzzImport checks that any file is either refused or makes an event file, which
// Import reads before it returns.
func FuzzImport(f *testing.F) {
	f.Add("pretix", pretixPlan)
	f.Add("csv", table)
	f.Add("seatsio", seatsioReport)
	f.Fuzz(func(t *testing.T, format, text string) {
		if len(text) > 4096 {
			return // slow, and no different from a short file
		}
		file, err := importer.Import(format, "plan", strings.NewReader(text))
		if (err == nil) != (len(file) > 0) {
			t.Errorf("%d bytes and the error %v", len(file), err)
		}
		if err != nil && strings.Contains(err.Error(), "cannot be made into an event file") && format != "csv" {
			t.Logf("refused at the end: %v", err)
		}
	})
}
