package venue

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"golang.org/x/text/unicode/norm"

	"seatlock/lockstore"
)

// The limits of an event file.
const (
	maxFileSeats = 2_000_000  // of all its layouts together; an event's own layout counts as one
	maxSoldSeats = 20_000_000 // of all its events together
	maxFileBytes = 16 << 20
	maxRevision  = 1_000_000_000
	maxLabel     = 200 // bytes of a name
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

// ReadEvents reads an event file; the README describes its form. Settings that an event
// lacks come from d. Events of one layout of the file share it. An error is one line:
// the file's name, the line and column, the place in the document as a JSON pointer
// (unless that is the whole document), and what is wrong there.
//
// For layouts that no event uses, it checks only the form: see [Check].
func ReadEvents(name string, r io.Reader, d Defaults) ([]Event, error) {
	events, _, err := readAll(name, r, d, false)
	return events, err
}

// readAll is ReadEvents and, if wanted, makes the layouts that no event uses.
func readAll(name string, r io.Reader, d Defaults, wanted bool) (events []Event, unused []*Layout, err error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: cannot be read: %w", name, err)
	}
	if len(text) > maxFileBytes {
		return nil, nil, fmt.Errorf("%s: larger than %d MiB", name, maxFileBytes>>20)
	}
	text, err = plainJSON(name, text)
	if err != nil {
		return nil, nil, err
	}
	var file fileJSON
	if err := json.Unmarshal(text, &file, json.RejectUnknownMembers(true)); err != nil {
		return nil, nil, explainFile(name, text, err)
	}
	m := maker{file: file, defaults: d, builders: make(map[string]*builder), layouts: make(map[string]*Layout), room: maxFileSeats}
	events, err = m.events()
	if err == nil && wanted {
		unused, err = m.unused()
	}
	return events, unused, located(name, text, err)
}

// layout returns the event's own layout, or nil if it names one of the file.
func (e eventJSON) layout(here string) (*layoutJSON, error) {
	own := e.Sections != nil || e.Areas != nil || e.Stage != nil
	switch {
	case e.Sections != nil && e.Seats != nil:
		return nil, wrong(here, "both sections and seats are given; give only one of them")
	case e.Layout != nil && (own || e.Seats != nil):
		return nil, wrong(here, "both a layout and seats are given; give only one of them")
	case own && e.Seats != nil:
		return nil, wrong(here, "a plain list of seats cannot have areas or a stage; put it into a section")
	case e.Layout != nil:
		return nil, nil
	case e.Seats != nil:
		return &layoutJSON{Seats: e.Seats}, nil
	case !own:
		return nil, wrong(here, "neither sections nor seats are given; give one of them, areas, or the name of a layout")
	}
	return &layoutJSON{Sections: e.Sections, Areas: e.Areas, Stage: e.Stage}, nil
}

// check checks the settings of the event.
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
			return wrong(here+"/maxLockSeconds", "the longest lock must last from 0.001 to %.0f seconds, not %v", lockstore.MaxLockTTL.Seconds(), s)
		}
	}
	if e.Revision < 0 || e.Revision > maxRevision {
		return wrong(here+"/revision", "must be a whole number from 0 to %d, not %d", maxRevision, e.Revision)
	}
	if e.SeatLimit != nil && *e.SeatLimit < 0 {
		return wrong(here+"/seatLimit", "must be a number of seats, or 0 for no limit, not %d", *e.SeatLimit)
	}
	return nil
}

// event makes the event. Its settings must have been checked; missing ones come from d.
func (e eventJSON) event(here string, layout *Layout, d Defaults) (made Event, err error) {
	made = Event{Layout: layout, Name: string(e.ID), NoSingles: e.NoSingles}
	if e.Name != nil {
		made.Name = norm.NFC.String(*e.Name)
	}
	if e.LockSeconds != nil {
		d.LockTTL = seconds(*e.LockSeconds)
	}
	if e.SeatLimit != nil {
		d.SeatLimit = *e.SeatLimit
	}
	if made.Event, err = lockstore.NewEvent(e.ID, layout.Layout, d.LockTTL, d.SeatLimit); err != nil {
		return made, at(here, err)
	}
	made.Revision = e.Revision
	if e.MaxLockSeconds != nil {
		made.MaxLock = seconds(*e.MaxLockSeconds)
		if made.MaxLock < made.LockTTL {
			return made, wrong(here+"/maxLockSeconds", "must not be less than lockSeconds, which is %v", made.LockTTL.Seconds())
		}
	}
	for _, t := range []struct {
		field string
		text  *string
		into  *time.Time
	}{{"startsAt", e.StartsAt, &made.StartsAt}, {"opensAt", e.OpensAt, &made.OpensAt}, {"closesAt", e.ClosesAt, &made.ClosesAt}} {
		if t.text == nil {
			continue
		}
		if *t.into, err = time.Parse(time.RFC3339, *t.text); err != nil {
			return made, wrong(here+"/"+t.field, "must be a time with its zone, such as 2027-03-05T20:00:00+01:00, not %s", Shown(*t.text))
		}
	}
	if !made.OpensAt.IsZero() && !made.ClosesAt.IsZero() && !made.ClosesAt.After(made.OpensAt) {
		return made, wrong(here+"/closesAt", "must be after opensAt, which is %s", *e.OpensAt)
	}
	if e.Currency != nil {
		made.Currency = *e.Currency
	}
	made.Categories, err = e.categories(here)
	return made, err
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond)
}

// checkLabel checks a name for people to read.
func checkLabel(name string) error {
	if len(name) == 0 || len(name) > maxLabel || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("a name must be 1 to %d bytes of printable text, not %s", maxLabel, Shown(name))
	}
	return nil
}
