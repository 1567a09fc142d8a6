// Package venue reads event files: which events are on sale, how their seats are laid
// out, and their prices. Importers of other files are in package importer.
//
// A [Layout] is a venue, which any number of events share. An [Event] is what is sold
// in it. Both are immutable.
//
// The package must not know HTTP, nor the state of any seat.
package venue

import (
	"fmt"
	"strconv"
	"time"

	"seatlock/lockstore"
)

// MaxEventSeats is the most seats that an event may have, including the places of
// areas.
const MaxEventSeats = 200_000

// An Event is an event on sale: what a store needs to know about it, and what buyers
// see.
type Event struct {
	*lockstore.Event
	Layout *Layout // of the same seats as the lockstore.Event

	Name     string
	StartsAt time.Time // zero if not known
	OpensAt  time.Time // when the sale begins; zero if it has begun
	ClosesAt time.Time // when the sale ends; zero if it does not end

	// NoSingles refuses locks that leave a single seat alone where that can be
	// avoided.
	NoSingles bool

	// Currency is the currency of the prices, an ISO 4217 code. It is empty if there
	// are no prices; otherwise every seat has a price.
	Currency   string
	Categories []Category

	categories []int // by category of the layout: the index in Categories
}

// Defaults are the settings of events that do not have their own. They must be
// valid for [lockstore.NewEvent].
type Defaults struct {
	LockTTL   time.Duration
	SeatLimit int // 0 is no limit
}

// Plain returns an event whose seats are one row without a name.
func Plain(ev *lockstore.Event, name string) Event {
	l := &Layout{Layout: ev.Layout, seats: len(ev.Seats)}
	row := Row{Seats: ev.Seats, End: len(ev.Seats)}
	l.Sections = []Section{{Rows: []Row{row}, End: row.End}}
	return Event{Event: ev, Name: name, Layout: l}
}

// Grid returns the event "default" with rows A, B, C … (after Z comes AA) of seats 1,
// 2, 3 …: 10 by 10 has the seats A1 to J10. It fails if there are no seats, or more
// than [MaxEventSeats].
func Grid(rows, seatsPerRow int, d Defaults) (Event, error) {
	if rows < 1 || seatsPerRow < 1 || rows > MaxEventSeats/seatsPerRow {
		return Event{}, fmt.Errorf("%d rows of %d seats: an event must have 1 to %d seats", rows, seatsPerRow, MaxEventSeats)
	}
	var ids []lockstore.SeatID
	numbers := make([]string, seatsPerRow)
	for n := range numbers {
		numbers[n] = strconv.Itoa(n + 1)
	}
	section := Section{Rows: make([]Row, rows)}
	for r := range section.Rows {
		row := Row{Name: letters(r + 1), Numbers: numbers, First: len(ids)}
		for _, n := range numbers {
			ids = append(ids, lockstore.SeatID(row.Name+n))
		}
		row.End = len(ids)
		section.Rows[r] = row
	}
	section.End = len(ids)
	l := &Layout{Sections: []Section{section}, seats: len(ids)}
	if err := l.name(ids); err != nil {
		return Event{}, err
	}
	ev, err := lockstore.NewEvent("default", l.Layout, d.LockTTL, d.SeatLimit)
	if err != nil {
		return Event{}, err
	}
	return Event{Event: ev, Name: "Default event", Layout: l}, nil
}
