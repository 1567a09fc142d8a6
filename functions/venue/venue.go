package booking

import (
	"fmt"
	"strconv"
	"time"

	"seatlock/lockstore"
)

// A SeatMap is an event as people see it: its name, and its seats by section
// and row. Every seat of the event is in exactly one row, and the rows one
// after the other are Event.Seats.
type SeatMap struct {
	Event    *lockstore.Event
	Name     string
	Sections []Section
}

// A Section is a part of a house, such as the stalls. Its name is empty where
// the house has just one part.
type Section struct {
	Name string
	Rows []Row
}

// A Row is seats side by side. Its name is empty where the seats are just a list.
type Row struct {
	Name    string
	Seats   []lockstore.SeatID
	Numbers []string // what each seat is called in its row, such as 7; nil where they are just a list
}

// Defaults are what an event goes by that does not say otherwise.
type Defaults struct {
	LockTTL   time.Duration
	SeatLimit int // 0 is no limit
}

// Grid makes the event "default": rows A, B, C … (after Z comes AA) of seats
// 1, 2, 3 …, so that 10 by 10 is the seats A1 to J10.
func Grid(rows, seatsPerRow int, d Defaults) (SeatMap, error) {
	if rows < 1 || seatsPerRow < 1 || rows > MaxEventSeats/seatsPerRow {
		return SeatMap{}, fmt.Errorf("booking: %d rows of %d seats: an event has 1 to %d seats", rows, seatsPerRow, MaxEventSeats)
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
	return newSeatMap("default", "Default event", d, []Section{section})
}

// newSeatMap makes the event that is sold by the sections' seats.
func newSeatMap(id lockstore.EventID, name string, d Defaults, sections []Section) (SeatMap, error) {
	var seats []lockstore.SeatID
	for _, section := range sections {
		for _, row := range section.Rows {
			seats = append(seats, row.Seats...)
		}
	}
	ev, err := lockstore.NewEvent(id, seats, d.LockTTL, d.SeatLimit)
	if err != nil {
		return SeatMap{}, err
	}
	return SeatMap{Event: ev, Name: name, Sections: sections}, nil
}

// letters counts A, B … Z, AA, AB …, from 1 on.
func letters(n int) string {
	var name []byte
	for ; n > 0; n = (n - 1) / 26 {
		name = append([]byte{byte('A' + (n-1)%26)}, name...)
	}
	return string(name)
}

// MaxEventSeats is the most seats that an event may have.
const MaxEventSeats = 200_000
