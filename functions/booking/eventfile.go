package booking

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"seatlock/lockstore"
)

// MaxFileSeats is the most seats that the events of one file may have
// together, and MaxFileBytes how large the file may be.
const (
	MaxFileSeats = 2_000_000
	MaxFileBytes = 16 << 20
)

// ReadEvents reads an event file; the README has its form. What an event does
// not say it takes from d. An error is one line: the file's name, the line and
// column, the place in the document as a JSON pointer, and what is wrong there.
func ReadEvents(name string, r io.Reader, d Defaults) ([]SeatMap, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: it cannot be read: %w", name, err)
	}
	if len(text) > MaxFileBytes {
		return nil, fmt.Errorf("%s: it is larger than %d MiB", name, MaxFileBytes>>20)
	}
	var file fileJSON
	if err := json.Unmarshal(text, &file, json.RejectUnknownMembers(true)); err != nil {
		return nil, explainFile(name, text, err)
	}
	maps, err := file.seatMaps(d)
	if at, ok := errors.AsType[*placed](err); ok {
		return nil, fmt.Errorf("%s:%s: %s: %w", name, position(text, offsetOf(text, at.pointer)), at.pointer, at.err)
	}
	return maps, err
}

// fileJSON is an event file. What may be missing is a pointer.
type fileJSON struct {
	Events []eventJSON `json:"events"`
}

type eventJSON struct {
	ID          lockstore.EventID  `json:"id"`
	Name        *string            `json:"name"`
	LockSeconds *float64           `json:"lockSeconds"`
	SeatLimit   *int               `json:"seatLimit"`
	Sections    []sectionJSON      `json:"sections"`
	Seats       []lockstore.SeatID `json:"seats"`
}

type sectionJSON struct {
	Name    string             `json:"name"`
	Section *string            `json:"section"`
	Pattern *string            `json:"pattern"`
	Rows    []rowsJSON         `json:"rows"`
	Seats   []lockstore.SeatID `json:"seats"`
}

type rowsJSON struct {
	Row   string `json:"row"`
	Seats string `json:"seats"`
}

// placed is an error with its place in the file.
type placed struct {
	pointer string
	err     error
}

func (e *placed) Error() string { return e.pointer + ": " + e.err.Error() }
func (e *placed) Unwrap() error { return e.err }

// wrong is an error at a place.
func wrong(pointer, format string, args ...any) error {
	return &placed{pointer, fmt.Errorf(format, args...)}
}

// at puts an error at a place. It takes the sentence alone from what
// lockstore says.
func at(pointer string, err error) error {
	if e, ok := errors.AsType[*lockstore.InvalidError](err); ok {
		return wrong(pointer, "%s", e.Problem)
	}
	return &placed{pointer, err}
}

func (f fileJSON) seatMaps(d Defaults) ([]SeatMap, error) {
	if len(f.Events) == 0 {
		return nil, wrong("/events", "there is no event")
	}
	first := make(map[lockstore.EventID]string)
	var maps []SeatMap
	total := 0
	for i, e := range f.Events {
		here := fmt.Sprintf("/events/%d", i)
		m, err := e.seatMap(here, d, MaxFileSeats-total)
		if err != nil {
			return nil, err
		}
		if before, twice := first[e.ID]; twice {
			return nil, wrong(here+"/id", "event %s is there twice, the first time at %s", e.ID, before)
		}
		first[e.ID] = here
		total += len(m.Event.Seats)
		maps = append(maps, m)
	}
	return maps, nil
}

// seatMap makes the event, of which no more than room seats fit into the file.
func (e eventJSON) seatMap(here string, d Defaults, room int) (SeatMap, error) {
	if err := e.ID.Check(); err != nil {
		return SeatMap{}, at(here+"/id", err)
	}
	name := string(e.ID)
	if e.Name != nil {
		name = *e.Name
		if err := checkLabel(name); err != nil {
			return SeatMap{}, at(here+"/name", err)
		}
	}
	if e.LockSeconds != nil {
		if s := *e.LockSeconds; !(s >= 0.001 && s <= lockstore.MaxLockTTL.Seconds()) {
			return SeatMap{}, wrong(here+"/lockSeconds", "a lock lasts from 0.001 to %.0f seconds, not %v", lockstore.MaxLockTTL.Seconds(), s)
		}
		d.LockTTL = time.Duration(*e.LockSeconds * float64(time.Second)).Round(time.Millisecond)
	}
	if e.SeatLimit != nil {
		if *e.SeatLimit < 0 {
			return SeatMap{}, wrong(here+"/seatLimit", "it is a number of seats, or 0 for no limit, not %d", *e.SeatLimit)
		}
		d.SeatLimit = *e.SeatLimit
	}
	h := house{seats: make(map[lockstore.SeatID]string), event: MaxEventSeats, file: room}
	sections, err := h.sections(here, e)
	if err != nil {
		return SeatMap{}, err
	}
	m, err := newSeatMap(e.ID, name, d, sections)
	if err != nil {
		return SeatMap{}, at(here, err)
	}
	return m, nil
}

// checkLabel checks a name that people read.
func checkLabel(name string) error {
	if len(name) == 0 || len(name) > 200 || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("a name is 1 to 200 bytes of printable text, not %s", shown(name))
	}
	return nil
}

// explainFile says what is wrong with a file that is not of the form.
func explainFile(name string, text []byte, err error) error {
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		return fmt.Errorf("%s:%s: %s: %s", name, position(text, int(e.ByteOffset)), e.JSONPointer, explainField(e))
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if len(bytes.TrimSpace(text)) == 0 {
			return fmt.Errorf("%s:1:1: it is empty", name)
		}
		return fmt.Errorf("%s:%s: it is not JSON: %w", name, position(text, int(e.ByteOffset)), e.Err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// fields are the fields that a place may have, by the last name on the way to it.
var fields = map[string]string{
	"":         "events",
	"events":   "id, name, lockSeconds, seatLimit, and sections or seats",
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
		return fmt.Sprintf("there is no field %s here; there are %s", shown(place.LastToken()), fields[holder])
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

// offsetOf finds the value at the pointer, or the nearest around it that is there.
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

// skipped counts what stands before the next token.
func skipped(text []byte) int {
	return len(text) - len(bytes.TrimLeft(text, " \t\r\n,:"))
}

// position is an offset as "line:column", both from 1 on, the column in characters.
func position(text []byte, offset int) string {
	before := text[:min(offset, len(text))]
	line := bytes.LastIndexByte(before, '\n') + 1
	return fmt.Sprintf("%d:%d", bytes.Count(before, []byte("\n"))+1, utf8.RuneCount(before[line:])+1)
}
