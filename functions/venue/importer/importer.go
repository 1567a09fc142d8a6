// Package importer makes event files from seating plans of other programs: those of
// pretix, reports of charts by seats.io, and tables.
//
// The result lists every seat, with its row and number. If an id of the other program
// cannot be used, because it is repeated or has letters that a seat id must not have,
// an id is made from the section, the row and the number, and the seat's field source
// keeps the original.
//
// The formats are those in the programs' own documentation. The package must not know
// HTTP, nor how an event file is sold.
package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// maxBytes is the largest size of a file.
const maxBytes = 64 << 20

// formats are the readers of the formats, by name.
var formats = map[string]func([]byte) (*plan, error){
	"pretix":  readPretix,
	"seatsio": readSeatsio,
	"csv":     readCSV,
}

// Formats returns the names of the formats.
func Formats() []string { return []string{"pretix", "seatsio", "csv"} }

// Import reads a file of the format and returns an event file with one event. The
// name is the file's in errors, and the event's if the file does not name one.
func Import(format, name string, r io.Reader) ([]byte, error) {
	read := formats[format]
	if read == nil {
		return nil, fmt.Errorf("unknown format %s; must be one of %s", venue.Shown(format), strings.Join(Formats(), ", "))
	}
	text, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: cannot be read: %w", name, err)
	}
	if len(text) > maxBytes {
		return nil, fmt.Errorf("%s: larger than %d MiB", name, maxBytes>>20)
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("%s: not UTF-8; save the file as UTF-8", name)
	}
	p, err := read(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if p.name == "" {
		p.name = baseName(name)
	}
	file, err := p.write()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if _, err := venue.ReadEvents("the event file", bytes.NewReader(file), venue.Defaults{LockTTL: time.Minute}); err != nil {
		return nil, fmt.Errorf("%s: cannot be made into an event file: %w", name, err)
	}
	return file, nil
}

// baseName returns the name of a file without its folders and its extension.
func baseName(file string) string {
	name := file[strings.LastIndexAny(file, `/\`)+1:]
	if before, _, ok := strings.Cut(name, "."); ok && before != "" {
		return before
	}
	return name
}

// A plan is what an importer reads.
type plan struct {
	name       string
	seats      []seat // in the order of their rows
	areas      []area
	categories []category
	stage      *stage
}

type seat struct {
	id, section, row, number, category, note string
	facts                                    []string
	aisle                                    bool // whether there is one before the seat
	x, y                                     float64
	placed                                   bool
}

type area struct {
	name, category string
	capacity       int
}

type category struct{ name, color string }

type stage struct {
	label               string
	x, y, width, height float64
}

// nameSeats gives every seat a valid and unique id. It keeps the ids of the file if all
// can be used; otherwise it returns them, by seat.
func (p *plan) nameSeats() (sources []string, err error) {
	if len(p.seats)+len(p.areas) == 0 {
		return nil, errors.New("it has no seats")
	}
	seen := make(map[string]bool, len(p.seats))
	keep := true
	for _, s := range p.seats {
		keep = keep && lockstore.SeatID(s.id).Check() == nil && !seen[s.id]
		seen[s.id] = true
	}
	sources = make([]string, len(p.seats))
	if keep {
		return sources, nil
	}
	clear(seen)
	for i := range p.seats {
		s := &p.seats[i]
		sources[i] = s.id
		s.id = different(seen, madeID(s.section, s.row, s.number))
	}
	return sources, nil
}

// madeID makes an id from names.
func madeID(names ...string) string {
	names = slices.DeleteFunc(names, func(s string) bool { return s == "" })
	id := strings.Map(func(r rune) rune {
		if lockstore.SeatID("x"+string(r)+"x").Check() != nil {
			return '_'
		}
		return r
	}, strings.Join(names, "-"))
	const most = lockstore.MaxIDLen - 8 // room for a number
	for len(id) > most {
		_, n := utf8.DecodeLastRuneInString(id)
		id = id[:len(id)-n]
	}
	if id = strings.TrimSpace(id); id == "" {
		return "seat"
	}
	return id
}

// different returns the id, with a number at its end if it is taken.
func different(taken map[string]bool, id string) string {
	made := id
	for n := 2; taken[made]; n++ {
		made = fmt.Sprintf("%s_%d", id, n)
	}
	taken[made] = true
	return made
}
