package venue

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"

	"seatlock/lockstore"
)

// The limits of an event file.
const (
	maxFileSeats = 2_000_000 // of all its events together
	maxFileBytes = 16 << 20
	maxRevision  = 1_000_000_000
)

// ReadFile reads the event file with the name, as [ReadEvents] does.
func ReadFile(name string, d Defaults) ([]Event, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read the event file: %w", err)
	}
	defer f.Close()
	return ReadEvents(name, f, d)
}

// ReadEvents reads an event file; the README describes its form. An event takes
// the settings that it lacks from d. An error is one line: the file's name, the
// line and column, the place in the document as a JSON pointer (unless that is
// the whole document), and what is wrong there.
func ReadEvents(name string, r io.Reader, d Defaults) ([]Event, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: cannot be read: %w", name, err)
	}
	if len(text) > maxFileBytes {
		return nil, fmt.Errorf("%s: larger than %d MiB", name, maxFileBytes>>20)
	}
	var file fileJSON
	if err := json.Unmarshal(text, &file, json.RejectUnknownMembers(true)); err != nil {
		return nil, explainFile(name, text, err)
	}
	events, err := file.events(d)
	if at, ok := errors.AsType[*placed](err); ok {
		return nil, fmt.Errorf("%s:%s: %s: %w", name, position(text, offsetOf(text, at.pointer)), at.pointer, at.err)
	}
	return events, err
}

// fileJSON is an event file. Optional fields are pointers.
type fileJSON struct {
	Events []eventJSON `json:"events"`
}

type eventJSON struct {
	ID             lockstore.EventID  `json:"id"`
	Name           *string            `json:"name"`
	Revision       int                `json:"revision"`
	LockSeconds    *float64           `json:"lockSeconds"`
	MaxLockSeconds *float64           `json:"maxLockSeconds"`
	SeatLimit      *int               `json:"seatLimit"`
	Sections       []sectionJSON      `json:"sections"`
	Seats          []lockstore.SeatID `json:"seats"`
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

// wrong returns an error at a place.
func wrong(pointer, format string, args ...any) error {
	return &placed{pointer, fmt.Errorf(format, args...)}
}

// at puts an error at a place. It takes only the sentence of a
// [lockstore.InvalidError].
func at(pointer string, err error) error {
	if e, ok := errors.AsType[*lockstore.InvalidError](err); ok {
		return wrong(pointer, "%s", e.Problem)
	}
	return &placed{pointer, err}
}

// events makes the events of the file. It first counts the seats of all of them, so
// that a small file cannot use much memory.
func (f fileJSON) events(d Defaults) ([]Event, error) {
	if f.Events == nil {
		return nil, wrong("/events", "events is missing")
	}
	if len(f.Events) == 0 {
		return nil, wrong("/events", "there is no event in it")
	}
	first := make(map[lockstore.EventID]string)
	builders := make([]builder, len(f.Events))
	room := maxFileSeats
	for i, e := range f.Events {
		here := fmt.Sprintf("/events/%d", i)
		if err := e.check(here); err != nil {
			return nil, err
		}
		if before, twice := first[e.ID]; twice {
			return nil, wrong(here+"/id", "event %s is there twice, the first time at %s", e.ID, before)
		}
		first[e.ID] = here
		builders[i] = builder{here: here, event: MaxEventSeats, file: room}
		if err := builders[i].count(e); err != nil {
			return nil, err
		}
		room = builders[i].file
	}
	events := make([]Event, len(f.Events))
	for i, e := range f.Events {
		sections, err := builders[i].sections(e)
		if err != nil {
			return nil, err
		}
		name, d := e.settings(d)
		if events[i], err = newEvent(e.ID, name, d, sections); err != nil {
			return nil, at(builders[i].here, err)
		}
		if err := e.adjust(builders[i].here, events[i].Event); err != nil {
			return nil, err
		}
		builders[i] = builder{} // its memory is as large as the event's
	}
	return events, nil
}

// check checks everything of the event but its seats.
func (e eventJSON) check(here string) error {
	if err := e.ID.Check(); err != nil {
		return at(here+"/id", err)
	}
	if e.Name != nil {
		if err := checkLabel(*e.Name); err != nil {
			return at(here+"/name", err)
		}
	}
	if e.LockSeconds != nil {
		if s := *e.LockSeconds; !(s >= 0.001 && s <= lockstore.MaxLockTTL.Seconds()) {
			return wrong(here+"/lockSeconds", "a lock must last from 0.001 to %.0f seconds, not %v", lockstore.MaxLockTTL.Seconds(), s)
		}
	}
	if e.MaxLockSeconds != nil {
		if s := *e.MaxLockSeconds; !(s >= 0.001 && s <= lockstore.MaxLockTTL.Seconds()) {
			return wrong(here+"/maxLockSeconds", "the longest time of a lock must be from 0.001 to %.0f seconds, not %v", lockstore.MaxLockTTL.Seconds(), s)
		}
	}
	if e.Revision < 0 || e.Revision > maxRevision {
		return wrong(here+"/revision", "it must be a whole number from 0 to %d, not %d", maxRevision, e.Revision)
	}
	if e.SeatLimit != nil && *e.SeatLimit < 0 {
		return wrong(here+"/seatLimit", "it must be a number of seats, or 0 for no limit, not %d", *e.SeatLimit)
	}
	return nil
}

// settings returns the event's name and settings. It takes those that the event
// lacks from d.
func (e eventJSON) settings(d Defaults) (string, Defaults) {
	name := string(e.ID)
	if e.Name != nil {
		name = *e.Name
	}
	if e.LockSeconds != nil {
		d.LockTTL = seconds(*e.LockSeconds)
	}
	if e.SeatLimit != nil {
		d.SeatLimit = *e.SeatLimit
	}
	return name, d
}

// adjust sets what newEvent leaves at its default.
func (e eventJSON) adjust(here string, ev *lockstore.Event) error {
	ev.Revision = e.Revision
	if e.MaxLockSeconds == nil {
		return nil
	}
	ev.MaxLock = seconds(*e.MaxLockSeconds)
	if ev.MaxLock < ev.LockTTL {
		return wrong(here+"/maxLockSeconds", "it must not be less than lockSeconds, which is %v", ev.LockTTL.Seconds())
	}
	return nil
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond)
}

// checkLabel checks a name for people to read.
func checkLabel(name string) error {
	if len(name) == 0 || len(name) > 200 || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("a name must be 1 to 200 bytes of printable text, not %s", Shown(name))
	}
	return nil
}
