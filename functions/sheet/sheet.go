// Package sheet writes tables for spreadsheets, as comma-separated values
// (RFC 4180).
//
// Texts in a table may come from strangers, such as a user id. No cell is one that
// a spreadsheet would run as a formula. The package must not know what the tables
// are about.
package sheet

import (
	"encoding/csv"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Writer writes a table. Rows are buffered until Flush.
type Writer struct{ csv *csv.Writer }

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{csv.NewWriter(w)} }

// Row writes one row. It changes the cells: each becomes its [Cell].
func (w *Writer) Row(cells ...string) error {
	for i, text := range cells {
		cells[i] = Cell(text)
	}
	return w.csv.Write(cells)
}

// Flush writes the rows that are buffered, and returns the first error of the
// Writer.
func (w *Writer) Flush() error {
	w.csv.Flush()
	return w.csv.Error()
}

// Cell returns the text for a cell of a table. A spreadsheet runs a cell that begins
// with =, +, - or @, also in their full-width forms, and some ignore spaces before
// them. An apostrophe at the beginning prevents that. One is put before an apostrophe
// too, so that the text can be restored.
//
// Where the decimal sign is a comma, spreadsheets take a semicolon for the end of a
// cell, even between quotation marks. What follows one is treated as a cell of its
// own.
func Cell(text string) string {
	if !strings.Contains(text, ";") {
		return cell(text)
	}
	parts := strings.Split(text, ";")
	for i, part := range parts {
		parts[i] = cell(part)
	}
	return strings.Join(parts, ";")
}

func cell(text string) string {
	blank := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) || r == '"' }
	first, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(text, blank))
	if strings.ContainsRune("=+-@＝＋－＠'", first) {
		return "'" + text
	}
	return text
}
