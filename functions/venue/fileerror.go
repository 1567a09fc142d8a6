package venue

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
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
		return fileError(name, text, 0, "", "it is empty")
	case errors.Is(e, jsontext.ErrDuplicateName):
		return fileError(name, text, e.ByteOffset, e.JSONPointer, fmt.Sprintf("the field %s is there twice", Shown(e.JSONPointer.LastToken())))
	case errors.Is(e, io.ErrUnexpectedEOF):
		return fileError(name, text, e.ByteOffset, e.JSONPointer, "it is not JSON: it ends too early")
	}
	return fileError(name, text, e.ByteOffset, e.JSONPointer, "it is not JSON: "+e.Err.Error())
}

// fileError returns the one line about a file.
func fileError(name string, text []byte, offset int64, place jsontext.Pointer, problem string) error {
	if place != "" {
		// The pointer holds names from the file. They must not break the line or make it long.
		plain := string(place)
		if quoted := Shown(plain); quoted != `"`+plain+`"` {
			plain = quoted
		}
		problem = plain + ": " + problem
	}
	return fmt.Errorf("%s:%s: %s", name, position(text, int(offset)), problem)
}

// fields lists the fields of an object, by the last name in the pointer to it
// that is a key here.
var fields = map[string]string{
	"":         "events",
	"events":   "id, name, revision, lockSeconds, maxLockSeconds, seatLimit, and sections or seats",
	"sections": "name, section, pattern, and rows or seats",
	"rows":     "row and seats",
}

func explainField(e *json.SemanticError) string {
	place := e.JSONPointer
	if errors.Is(e, json.ErrUnknownName) {
		holder := ""
		for token := range place.Parent().Tokens() {
			if _, ok := fields[token]; ok {
				holder = token
			}
		}
		return fmt.Sprintf("there is no field %s here; there are %s", Shown(place.LastToken()), fields[holder])
	}
	kinds := map[string]string{
		"string": "a string", "bool": "true or false", "float64": "a number", "int": "a whole number", "slice": "a list", "struct": "an object",
	}
	want := "something else"
	if e.GoType != nil {
		want = kinds[e.GoType.Kind().String()]
		if e.GoType.Kind().String() == "ptr" {
			want = kinds[e.GoType.Elem().Kind().String()]
		}
	}
	if e.JSONKind == '0' && len(e.JSONValue) > 0 && strings.HasSuffix(want, "number") {
		number := strings.Trim(Shown(string(e.JSONValue)), `"`)
		if errors.Is(e, strconv.ErrRange) {
			return number + " is too large"
		}
		return fmt.Sprintf("it must be %s, written with digits alone, not %s", want, number)
	}
	return fmt.Sprintf("it must be %s, not %s", want, jsonKind(e))
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

// Shown quotes text from outside, shortened to a length that fits in a line.
func Shown(s string) string {
	const most = 80
	if len(s) > most {
		return fmt.Sprintf("%+q…", s[:most])
	}
	return fmt.Sprintf("%+q", s)
}
