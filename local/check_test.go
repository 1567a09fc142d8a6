package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// printed returns what the program prints.
func printed(t *testing.T, args ...string) string {
	t.Helper()
	var out, log bytes.Buffer
	if err := run(t.Context(), args, variables{}.get, &out, &log); err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return out.String()
}

func TestCheck(t *testing.T) {
	t.Parallel()
	got := printed(t, "-check", "events/house.json")
	for _, want := range []string{
		"layout \"Grand House\": 470 places, 5 sections, 1 area, with the places of the seats\n",
		"  section \"Stalls\": 180 seats in 8 rows, 8 gaps, wheelchair: 2, companion: 2, restrictedView: 4; S-A-1 to S-H-24\n",
		"  area \"Floor\": 150 places\n",
		"event premiere: \"Premiere, Friday 5 March, 20:00\", layout \"Grand House\", locks of 5m0s, 10 seats a user, starts 2027-03-05T20:00:00+01:00, prices in the smallest unit of EUR, no single seats\n",
		"  category \"first\": 60 places, adult 6200, child 3100\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("-check does not print %q but\n%s", want, got)
		}
	}
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte(`{"events":[{"id":"a"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, "bad.json:1:12: /events/0: neither sections nor seats are given", "-check", bad)
	refused(t, "no such file", "-check", bad+"x")
}

// TestImportedPlanIsSold checks that an event file made from a table passes -check as it is.
func TestImportedPlanIsSold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	table, made := filepath.Join(dir, "house.csv"), filepath.Join(dir, "house.json")
	if err := os.WriteFile(table, []byte("section;row;seat\nStalls;Ñ;1\nStalls;Ñ;2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(made, []byte(printed(t, "-import", "csv", table)), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := printed(t, "-check", made); !strings.Contains(got, `section "Stalls": 2 seats in 1 row; Stalls-Ñ-1 to Stalls-Ñ-2`) {
		t.Errorf("the imported plan is\n%s", got)
	}
	refused(t, "-import csv: must be followed by a file, as in -import csv seats.csv", "-import", "csv")
	refused(t, "-import svg: must be pretix, seatsio or csv", "-import", "svg", table)
}
