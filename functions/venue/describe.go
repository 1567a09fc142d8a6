package venue

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
)

// Check reads an event file as [ReadEvents] does, and also makes the layouts that no
// event uses. It returns a description of the file for people, in lines: each layout
// once, and then the events.
func Check(name string, r io.Reader, d Defaults) (string, error) {
	events, unused, err := readAll(name, r, d, true)
	if err != nil {
		return "", err
	}
	return describe(events, unused), nil
}

func describe(events []Event, unused []*Layout) string {
	var b strings.Builder
	described := make(map[*Layout]bool)
	for i := range events {
		if l := events[i].Layout; l.Name != "" && !described[l] {
			described[l] = true
			fmt.Fprintf(&b, "layout %s: ", Shown(l.Name))
			l.describe(&b)
		}
	}
	for _, l := range unused {
		fmt.Fprintf(&b, "layout %s, which no event has: ", Shown(l.Name))
		l.describe(&b)
	}
	for i := range events {
		events[i].describe(&b)
	}
	return b.String()
}

// describe writes the rest of the line about the layout, and a line about each of its
// parts.
func (l *Layout) describe(b *strings.Builder) {
	fmt.Fprintf(b, "%s, %s", counted(len(l.Seats), "place"), counted(len(l.Sections), "section"))
	if len(l.Areas) > 0 {
		fmt.Fprintf(b, ", %s", counted(len(l.Areas), "area"))
	}
	if l.Placed() {
		b.WriteString(", with the places of the seats")
	}
	b.WriteByte('\n')
	for _, s := range l.Sections {
		fmt.Fprintf(b, "  section %s: %s in %s", Shown(s.Name), counted(s.End-s.First, "seat"), counted(len(s.Rows), "row"))
		aisles := 0
		for _, r := range s.Rows {
			aisles += len(r.Aisles)
		}
		if aisles > 0 {
			fmt.Fprintf(b, ", %s", counted(aisles, "gap"))
		}
		for _, f := range factNames {
			n := 0
			for p := s.First; p < s.End; p++ {
				if l.Facts(p)&f.fact != 0 {
					n++
				}
			}
			if n > 0 {
				fmt.Fprintf(b, ", %s: %d", f.name, n)
			}
		}
		fmt.Fprintf(b, "; %s to %s\n", l.Seats[s.First], l.Seats[s.End-1])
		s.describeDoubled(b)
	}
	if n, first, second := l.onTop(); n > 0 {
		fmt.Fprintf(b, "  %s on top of another, or nearly so: the first is %s on %s\n", counted(n, "seat"), l.Seats[second], l.Seats[first])
	}
	for _, a := range l.Areas {
		fmt.Fprintf(b, "  area %s: %s\n", Shown(a.Name), counted(a.End-a.First, "place"))
	}
}

// onTop returns the number of seats that are less than half a seat's width from an
// earlier one, and the positions of the first two. On a plan they would look like one
// seat.
func (l *Layout) onTop() (n, first, second int) {
	const near = seatWidth / 2
	type cell struct{ x, y int32 }
	cells := make(map[cell][]int) // seats by cell, without those near an earlier one
	nearby := func(at int, of cell) bool {
		for x := of.x - 1; x <= of.x+1; x++ {
			for y := of.y - 1; y <= of.y+1; y++ {
				for _, other := range cells[cell{x, y}] {
					if dx, dy := l.x[at]-l.x[other], l.y[at]-l.y[other]; dx*dx+dy*dy < near*near {
						if n == 0 {
							first, second = other, at
						}
						return true
					}
				}
			}
		}
		return false
	}
	for at := range l.x {
		of := cell{l.x[at] / near, l.y[at] / near}
		if nearby(at, of) {
			n++
		} else {
			cells[of] = append(cells[of], at)
		}
	}
	return n, first, second
}

// describeDoubled writes a line about each series of rows with doubled letters, such as
// AA and BB: an event file from before ranges had them may mean AA, AB … BB.
func (s *Section) describeDoubled(b *strings.Builder) {
	for i := 0; i < len(s.Rows); i++ {
		end := i + 1
		for end < len(s.Rows) && doubledNext(s.Rows[end-1].Name, s.Rows[end].Name) {
			end++
		}
		if n := end - i; n > 1 {
			from, to := s.Rows[i].Name, s.Rows[end-1].Name
			fmt.Fprintf(b, "    rows %s-%s: %d rows of doubled letters, not counted as in a spreadsheet\n", from, to, n)
			i = end - 1
		}
	}
}

// doubledNext reports whether a and b are neighbours in AA, BB … or aa, bb …, in either
// order.
func doubledNext(a, b string) bool {
	return len(a) == len(b) && alike(a) && alike(b) && (b[0] == a[0]+1 || a[0] == b[0]+1)
}

// describe writes lines about the event, and its layout if it has its own.
func (e *Event) describe(b *strings.Builder) {
	fmt.Fprintf(b, "event %s: %s", e.ID, Shown(e.Name))
	if e.Layout.Name != "" {
		fmt.Fprintf(b, ", layout %s", Shown(e.Layout.Name))
	}
	if e.Revision > 0 {
		fmt.Fprintf(b, ", revision %d", e.Revision)
	}
	fmt.Fprintf(b, ", locks of %v", e.LockTTL)
	if e.SeatLimit > 0 {
		fmt.Fprintf(b, ", %s a user", counted(e.SeatLimit, "seat"))
	}
	for _, t := range []struct {
		what string
		at   time.Time
	}{{"starts", e.StartsAt}, {"on sale from", e.OpensAt}, {"on sale until", e.ClosesAt}} {
		if !t.at.IsZero() {
			fmt.Fprintf(b, ", %s %s", t.what, t.at.Format(time.RFC3339))
		}
	}
	if e.Currency != "" {
		fmt.Fprintf(b, ", prices in the smallest unit of %s", e.Currency)
	}
	if e.NoSingles {
		b.WriteString(", no single seats")
	}
	b.WriteByte('\n')
	if e.Layout.Name == "" {
		b.WriteString("  ")
		e.Layout.describe(b)
	}
	counts := make(map[string]int)
	for p := range e.Seats {
		if c := e.CategoryOf(p); c != nil {
			counts[c.ID]++
		}
	}
	for _, c := range e.Categories {
		fmt.Fprintf(b, "  category %s: %s", Shown(c.ID), counted(counts[c.ID], "place"))
		for _, l := range c.Levels {
			fmt.Fprintf(b, ", %s %d", cmp.Or(l.ID, "price"), l.Price)
		}
		b.WriteByte('\n')
	}
}

// counted returns a number of things: "1 seat", "2 seats".
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if before, ok := strings.CutSuffix(thing, "y"); ok {
		thing = before + "ie"
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
