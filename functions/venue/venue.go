// Package venue reads event files: which events are on sale, and how their seats
// are laid out. Whatever an event file says belongs here, such as sections, rows
// and places; categories and prices will too.
//
// It must not know HTTP, nor the state of any seat.
package venue

import (
	"fmt"
	"strconv"
	"time"

	"seatlock/lockstore"
)

// MaxEventSeats is the most seats that an event may have.
const MaxEventSeats = 200_000

// An Event is an event on sale: what a store needs to know of it, its name, and
// its layout. Every seat is in exactly one row, and the rows in order hold the
// seats in the order of [lockstore.Event].
type Event struct {
	*lockstore.Event
	Name     string
	Sections []Section
}

// A Section is a part of a venue, such as the stalls. Its name is empty if it is
// the only part.
type Section struct {
	Name string
	Rows []Row
}

// A Row is seats side by side. Its name is empty if the seats are a plain list.
type Row struct {
	Name    string
	Seats   []lockstore.SeatID
	Numbers []string // the name of each seat in its row, such as 7; nil for a plain list
}

// Defaults are the settings of events that do not have their own. They must be
// valid for [lockstore.NewEvent].
type Defaults struct {
	LockTTL   time.Duration
	SeatLimit int // 0 is no limit
}

// Grid returns the event "default" with rows A, B, C … (after Z comes AA) of
// seats 1, 2, 3 …: 10 by 10 has the seats A1 to J10. It fails if there are no
// seats, or more than [MaxEventSeats].
func Grid(rows, seatsPerRow int, d Defaults) (Event, error) {
	if rows < 1 || seatsPerRow < 1 || rows > MaxEventSeats/seatsPerRow {
		return Event{}, fmt.Errorf("%d rows of %d seats: an event must have 1 to %d seats", rows, seatsPerRow, MaxEventSeats)
	}
	section := Section{Rows: make([]Row, rows)}
	for r := range section.Rows {
		row := Row{Name: letters(r + 1)}
		for n := 1; n <= seatsPerRow; n++ {
			row.Seats = append(row.Seats, lockstore.SeatID(row.Name+strconv.Itoa(n)))
			row.Numbers = append(row.Numbers, strconv.Itoa(n))
		}
		section.Rows[r] = row
	}
	return newEvent("default", "Default event", d, []Section{section})
}

func newEvent(id lockstore.EventID, name string, d Defaults, sections []Section) (Event, error) {
	var seats []lockstore.SeatID
	for _, section := range sections {
		for _, row := range section.Rows {
			seats = append(seats, row.Seats...)
		}
	}
	layout, err := lockstore.NewLayout(seats)
	if err != nil {
		return Event{}, err
	}
	ev, err := lockstore.NewEvent(id, layout, d.LockTTL, d.SeatLimit)
	if err != nil {
		return Event{}, err
	}
	return Event{Event: ev, Name: name, Sections: sections}, nil
}

// letters returns the nth of A, B … Z, AA, AB …, counted from 1.
func letters(n int) string {
	var name []byte
	for ; n > 0; n = (n - 1) / 26 {
		name = append([]byte{byte('A' + (n-1)%26)}, name...)
	}
	return string(name)
}
