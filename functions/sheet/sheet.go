// Package sheet writes tables for spreadsheets, as comma-separated values
// (RFC 4180).
//
// Texts in a table may come from strangers, such as user ids. No cell is run as a
// formula by a spreadsheet. The package must not know what the tables are about.
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

// Row writes one row. It replaces each of the cells by its [Cell].
func (w *Writer) Row(cells ...string) error {
	for i, text := range cells {
		cells[i] = Cell(text)
	}
	return w.csv.Write(cells)
}

// Flush writes the buffered rows, and returns the first error of the Writer.
func (w *Writer) Flush() error {
	w.csv.Flush()
	return w.csv.Error()
}

// Cell returns the text for a cell of a table. A spreadsheet runs a cell that begins
// with =, +, - or @, or with one of their full-width forms, and some ignore spaces
// before them. An apostrophe at the beginning prevents that. A text that begins with an
// apostrophe gets another one, so that the original can be restored.
//
// Where the decimal sign is a comma, spreadsheets split cells at semicolons, even
// between quotation marks. What follows a semicolon is therefore treated as a cell of
// its own.
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
