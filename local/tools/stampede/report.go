package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"seatlock/lockstore"
)

// A report is what the program prints at the end.
type report struct {
	Event       lockstore.EventID `json:"eventId"`
	Seats       int               `json:"seats"` // available at the start
	Users       int               `json:"users"`
	Seed        uint64            `json:"seed"`
	Seconds     float64           `json:"seconds"`
	PerSecond   float64           `json:"callsPerSecond"`
	Interrupted bool              `json:"interrupted"`
	Buyers      map[ending]int    `json:"buyers"`
	Calls       []callReport      `json:"calls"`
	Cheats      cheatReport       `json:"cheats"`
	Hoarders    hoardReport       `json:"hoarders"`
	Parties     partyReport       `json:"parties"`
	ConfirmBy   string            `json:"confirmBy"`
	Verdict     verdict           `json:"verdict"`
}

// A callReport describes one kind of call. Times are in milliseconds.
type callReport struct {
	Call     string         `json:"call"`
	Count    int            `json:"count"`
	Outcomes map[string]int `json:"outcomes"`
	P50      float64        `json:"p50"`
	P95      float64        `json:"p95"`
	P99      float64        `json:"p99"`
	Max      float64        `json:"max"`
	Bars     string         `json:"-"`
}

// A verdict is the result of checking the server's promises.
type verdict struct {
	Kept         bool     `json:"kept"`
	Bookings     int      `json:"bookings"`  // the bookings that were confirmed, one for each seat and buyer
	SoldTwice    int      `json:"soldTwice"` // the seats whose booking was confirmed to two buyers
	HeldByTwo    int      `json:"heldByTwo"` // how often two buyers had a seat at the same time
	Lost         int      `json:"lost"`      // the bookings that the server does not have
	OverLimit    int      `json:"overLimit"` // the buyers who have, or can get, more seats than the limit
	Stuck        int      `json:"stuck"`     // the seats that nobody has and nobody can get
	StuckJudged  bool     `json:"stuckJudged"`
	DeltasDiffer int      `json:"deltasDiffer"`    // the seats whose changes were listed wrongly
	LetThrough   int      `json:"letThrough"`      // the calls of cheats that were not refused
	NotTogether  int      `json:"notTogether"`     // the parties that did not get seats side by side
	Words        []string `json:"words,omitempty"` // describes what is wrong
}

// maxWords is how many Words are printed.
const maxWords = 10

func (r *report) print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	_, err := io.WriteString(w, r.text())
	return err
}

func (r *report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d buyers for %d seats of %s in %.1f s, %.0f calls/s (-seed %d)\n", r.Users, r.Seats, r.Event, r.Seconds, r.PerSecond, r.Seed)
	if r.Interrupted {
		b.WriteString("Interrupted: this is what happened until then.\n")
	}
	fmt.Fprintf(&b, "\nbuyers   %s\n\n", counts(r.Buyers))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "call\tcount\tp50 ms\tp95\tp99\tmax\t¼ ms … 1 s\toutcomes")
	for _, c := range r.Calls {
		fmt.Fprintf(w, "%s\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%s\t%s\n", c.Call, c.Count, c.P50, c.P95, c.P99, c.Max, c.Bars, counts(c.Outcomes))
	}
	_ = w.Flush() // a strings.Builder returns no errors
	if r.Cheats.Cheats > 0 {
		b.WriteString("\n" + r.Cheats.text(r.ConfirmBy))
	}
	if r.Hoarders.Hoarders > 0 {
		b.WriteString("\n" + r.Hoarders.text())
	}
	if r.Parties.Of > 0 {
		b.WriteString("\n" + r.Parties.text())
	}
	b.WriteString("\n" + r.Verdict.text())
	return b.String()
}

// counts renders the counts, the largest first.
func counts[K ~string](m map[K]int) string {
	var parts []string
	for _, name := range slices.SortedFunc(maps.Keys(m), func(a, b K) int { return cmp.Or(m[b]-m[a], cmp.Compare(a, b)) }) {
		parts = append(parts, fmt.Sprintf("%d %s", m[name], name))
	}
	return strings.Join(parts, ", ")
}

func (v *verdict) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "of %d bookings that the server confirmed\n", v.Bookings)
	line := func(n int, what string) { fmt.Fprintf(&b, "  %6d  %s\n", n, what) }
	line(v.SoldTwice, "sold twice")
	line(v.Lost, "lost")
	line(v.HeldByTwo, "times two buyers had one seat")
	line(v.OverLimit, "buyers over the seat limit")
	line(v.DeltasDiffer, "seats whose changes were listed wrongly")
	line(v.LetThrough, "calls of cheats let through")
	if v.NotTogether > 0 {
		line(v.NotTogether, "parties that do not sit together")
	}
	if v.StuckJudged {
		line(v.Stuck, "seats stuck")
	} else {
		b.WriteString("          (whether seats come back was not checked)\n")
	}
	for _, words := range v.Words[:min(len(v.Words), maxWords)] {
		fmt.Fprintln(&b, "  ", words)
	}
	if v.Kept {
		b.WriteString("The server kept its promises.\n")
	} else {
		b.WriteString("THE SERVER BROKE A PROMISE.\n")
	}
	return b.String()
}
