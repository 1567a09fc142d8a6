package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// A report is what is printed at the end.
type report struct {
	Event       lockstore.EventID `json:"eventId"`
	Seats       int               `json:"seats"` // that were available
	Users       int               `json:"users"`
	Seed        uint64            `json:"seed"`
	Seconds     float64           `json:"seconds"`
	PerSecond   float64           `json:"callsPerSecond"`
	Interrupted bool              `json:"interrupted"`
	Buyers      map[ending]int    `json:"buyers"`
	Calls       []callReport      `json:"calls"`
	Verdict     verdict           `json:"verdict"`

	ledger *history.Ledger
}

// A callReport is about one of the calls; times are in milliseconds.
type callReport struct {
	Call     string         `json:"call"`
	Count    int64          `json:"count"`
	Outcomes map[string]int `json:"outcomes"`
	P50      float64        `json:"p50"`
	P95      float64        `json:"p95"`
	P99      float64        `json:"p99"`
	Max      float64        `json:"max"`
	Bars     string         `json:"-"`
}

// A verdict is whether the server kept what it told.
type verdict struct {
	Kept         bool     `json:"kept"`
	Bookings     int      `json:"bookings"`  // seats that buyers were told are theirs
	SoldTwice    int      `json:"soldTwice"` // seats that two were told are theirs
	HeldByTwo    int      `json:"heldByTwo"` // times that two had a seat at once
	Lost         int      `json:"lost"`      // bookings that are not there
	Stuck        int      `json:"stuck"`     // seats that nobody has and nobody can get
	StuckJudged  bool     `json:"stuckJudged"`
	DeltasDiffer int      `json:"deltasDiffer"` // seats that changes did not tell of rightly
	Words        []string `json:"words,omitempty"`
}

// mostWords is how many of the things that are wrong are told.
const mostWords = 10

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
		b.WriteString("Interrupted: this is what was seen until then.\n")
	}
	b.WriteString("\nbuyers   ")
	for i, end := range slices.SortedFunc(maps.Keys(r.Buyers), func(a, b ending) int { return r.Buyers[b] - r.Buyers[a] }) {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d %s", r.Buyers[end], end)
	}
	b.WriteString("\n\n")
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "call\tcount\tp50 ms\tp95\tp99\tmax\t¼ ms … 1 s\toutcomes")
	for _, c := range r.Calls {
		fmt.Fprintf(w, "%s\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%s\t%s\n", c.Call, c.Count, c.P50, c.P95, c.P99, c.Max, c.Bars, outcomes(c.Outcomes))
	}
	_ = w.Flush() // to a builder
	b.WriteString("\n" + r.Verdict.text())
	return b.String()
}

func outcomes(counts map[string]int) string {
	var parts []string
	for _, name := range slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return counts[b] - counts[a] }) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[name], name))
	}
	return strings.Join(parts, ", ")
}

func (v *verdict) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "of %d seats that buyers were told are theirs\n", v.Bookings)
	line := func(n int, what string) { fmt.Fprintf(&b, "  %6d  %s\n", n, what) }
	line(v.SoldTwice, "sold twice")
	line(v.Lost, "lost")
	line(v.HeldByTwo, "times two buyers held one seat")
	line(v.DeltasDiffer, "seats whose changes were not told rightly")
	if v.StuckJudged {
		line(v.Stuck, "seats stuck")
	} else {
		b.WriteString("          (whether seats come back was not judged)\n")
	}
	for _, words := range v.Words[:min(len(v.Words), mostWords)] {
		fmt.Fprintln(&b, "  ", words)
	}
	if v.Kept {
		b.WriteString("The server kept what it told.\n")
	} else {
		b.WriteString("THE SERVER DID NOT KEEP WHAT IT TOLD.\n")
	}
	return b.String()
}
