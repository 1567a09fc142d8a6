package venue

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"seatlock/lockstore"
)

// explainFile explains an error of the JSON decoder.
func explainFile(name string, text []byte, err error) error {
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		return fileError(name, text, e.ByteOffset, e.JSONPointer, explainField(e))
	}
	e, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case !ok:
		return fmt.Errorf("%s: cannot be read: %w", name, err)
	case len(bytes.TrimSpace(text)) == 0:
		return fileError(name, text, 0, "", "the file is empty")
	case errors.Is(e, jsontext.ErrDuplicateName):
		return fileError(name, text, e.ByteOffset, e.JSONPointer, fmt.Sprintf("the field %s is given twice", Shown(e.JSONPointer.LastToken())))
	case errors.Is(e, io.ErrUnexpectedEOF):
		return fileError(name, text, e.ByteOffset, e.JSONPointer, "not JSON: unexpected end of the file")
	}
	return fileError(name, text, e.ByteOffset, e.JSONPointer, "not JSON: "+e.Err.Error())
}

// fileError returns a one-line error about a file.
func fileError(name string, text []byte, offset int64, place jsontext.Pointer, problem string) error {
	if place != "" {
		problem = inLine(string(place)) + ": " + problem
	}
	return fmt.Errorf("%s:%s: %s", name, position(text, int(offset)), problem)
}

// inLine shortens a pointer for a line: it contains names from the file, which must not
// break the line or make it long.
func inLine(pointer string) string {
	if quoted := Shown(pointer); quoted != `"`+pointer+`"` {
		return quoted
	}
	return pointer
}

// located returns the error with its place in the file, if it has one.
func located(name string, text []byte, err error) error {
	at, ok := errors.AsType[*placed](err)
	if !ok {
		return err
	}
	return fmt.Errorf("%s:%s: %s: %w", name, position(text, offsetOf(text, at.pointer)), inLine(at.pointer), at.err)
}

// placed is an error with its place in the file.
type placed struct {
	pointer string
	err     error
}

func (e *placed) Error() string { return e.pointer + ": " + e.err.Error() }
func (e *placed) Unwrap() error { return e.err }

// wrong returns an error at a place.
func wrong(pointer, format string, args ...any) error {
	return &placed{pointer, fmt.Errorf(format, args...)}
}

// at puts an error at a place. Of a [lockstore.InvalidError] it uses only the sentence.
func at(pointer string, err error) error {
	if e, ok := errors.AsType[*lockstore.InvalidError](err); ok {
		return wrong(pointer, "%s", e.Problem)
	}
	return &placed{pointer, err}
}

// extended returns a placed error with more text at its end.
func extended(err error, more string) error {
	if e, ok := errors.AsType[*placed](err); ok {
		return wrong(e.pointer, "%w%s", e.err, more)
	}
	return err
}

// fields lists the fields of an object, by the last name in the pointer to it
// that is a key here.
var fields = map[string]string{
	"":           "layouts and events",
	"layouts":    "sections, areas and stage",
	"events":     "id, name, layout, revision, startsAt, opensAt, closesAt, lockSeconds, maxLockSeconds, seatLimit, noSingles, currency, categories, and sections, areas and stage, or seats",
	"sections":   "name, section, pattern, category, x, y, rotate, curve, and rows and special, or seats",
	"rows":       "row, seats, category and table",
	"special":    "row, seats, category, facts and note",
	"seats":      "id, row, number, category, facts, note, x, y and source",
	"areas":      "name, id, capacity, category, x, y, width and height",
	"stage":      "label, shape, x, y, width and height",
	"categories": "id, name, color, and price or levels",
	"levels":     "id, name and price",
}

func explainField(e *json.SemanticError) string {
	place := e.JSONPointer
	if errors.Is(e, json.ErrUnknownName) {
		holder, layoutName := "", false
		for token := range place.Parent().Tokens() {
			if _, ok := fields[token]; ok && !layoutName {
				holder = token
			}
			layoutName = holder == "layouts" && token == "layouts" // the next token is a name
		}
		return fmt.Sprintf("unknown field %s; the fields are %s", Shown(place.LastToken()), fields[holder])
	}
	want := "something else"
	if e.GoType != nil {
		want = kindOf(e.GoType)
		if e.GoType == reflect.TypeFor[lockstore.SeatID]() && place.Parent().LastToken() == "seats" {
			want = "a string or an object"
		}
	}
	if e.JSONKind == '0' && len(e.JSONValue) > 0 && strings.HasSuffix(want, "number") {
		number := strings.Trim(Shown(string(e.JSONValue)), `"`)
		if errors.Is(e, strconv.ErrRange) {
			return number + " is too large"
		}
		return fmt.Sprintf("must be %s, written with digits alone, not %s", want, number)
	}
	return fmt.Sprintf("must be %s, not %s", want, jsonKind(e))
}

// kindOf names the JSON type of values of the type.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return kindOf(t.Elem())
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "a number"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}

func jsonKind(e *json.SemanticError) string {
	switch e.JSONKind {
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 'n':
		return "null"
	}
	return e.JSONKind.String()
}

// offsetOf returns the offset of the value at the pointer, or of the innermost
// value around it that exists.
func offsetOf(text []byte, pointer string) int {
	best, bestLen := 0, -1
	d := jsontext.NewDecoder(bytes.NewReader(text))
	for {
		before := int(d.InputOffset())
		if _, err := d.ReadToken(); err != nil {
			return best
		}
		here := string(d.StackPointer())
		if within := here == pointer || strings.HasPrefix(pointer, here+"/"); within && len(here) > bestLen {
			best, bestLen = before+skipped(text[before:]), len(here)
		}
	}
}

// skipped counts the bytes before the next token.
func skipped(text []byte) int {
	return len(text) - len(bytes.TrimLeft(text, " \t\r\n,:"))
}

// position returns an offset as "line:column", both counted from 1, the column
// in characters.
func position(text []byte, offset int) string {
	before := text[:min(offset, len(text))]
	line := bytes.LastIndexByte(before, '\n') + 1
	return fmt.Sprintf("%d:%d", bytes.Count(before, []byte("\n"))+1, utf8.RuneCount(before[line:])+1)
}

// Shown quotes text from outside, shortened so that it fits in a line. It keeps letters
// of all languages, and escapes invisible characters.
func Shown(s string) string {
	const most = 80
	if len(s) <= most {
		return strconv.Quote(s)
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return strconv.Quote(s[:end]) + "…"
}
