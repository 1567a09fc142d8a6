package sheet_test

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"seatlock/functions/sheet"
)

// TestCell checks that no cell begins a formula, and that other texts are unchanged.
func TestCell(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"ann":                       "ann",
		"A-1":                       "A-1",
		"a=b":                       "a=b",
		"-1":                        "'-1",
		"=HYPERLINK(\"x\")":         "'=HYPERLINK(\"x\")",
		"+1":                        "'+1",
		"@SUM(A1)":                  "'@SUM(A1)",
		"＝1+1":                      "'＝1+1",
		`=HYPERLINK("x";"y")`:       `'=HYPERLINK("x";"y")`,
		"  =1+1":                    "'  =1+1",
		"\"=1+1":                    "'\"=1+1",
		"\u00a0@x":                  "'\u00a0@x",
		"\u200b=1":                  "'\u200b=1",
		"\u00a0\u200b\u3000@1":      "'\u00a0\u200b\u3000@1",
		" '":                        "' '",
		" ann":                      " ann",
		"'quoted":                   "''quoted",
		"ann;ben":                   "ann;ben",
		"ann;=1+1":                  "ann;'=1+1",
		"ann; \"=cmd|' /C calc'!A0": "ann;' \"=cmd|' /C calc'!A0",
	} {
		if got := sheet.Cell(text); got != want {
			t.Errorf("the cell of %q is %q, want %q", text, got, want)
		}
	}
}

// TestWriter checks that a table is read back as it was written, except for the
// apostrophes.
func TestWriter(t *testing.T) {
	var out bytes.Buffer
	w := sheet.NewWriter(&out)
	for _, row := range [][]string{{"seat", "user"}, {"A1", `an "odd", user`}, {"-1", "=1"}} {
		if err := w.Row(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	got, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	want := [][]string{{"seat", "user"}, {"A1", `an "odd", user`}, {"'-1", "'=1"}}
	if err != nil || !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("the table is %q, %v, want %q", got, err, want)
	}
}
