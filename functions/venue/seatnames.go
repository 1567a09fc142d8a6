package venue

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"seatlock/lockstore"
)

// checkSeat checks a seat id. The error names the letter that it must not have.
func checkSeat(id lockstore.SeatID) error {
	text := string(id)
	switch {
	case id.Check() == nil:
		return nil
	case text == "":
		return fmt.Errorf("a seat id is missing or empty")
	case len(text) > lockstore.MaxIDLen:
		return fmt.Errorf("the seat id %s has %d bytes; it must have at most %d", Shown(text), len(text), lockstore.MaxIDLen)
	case strings.TrimSpace(text) != text:
		return fmt.Errorf("the seat id %s must not have a space at either end", Shown(text))
	}
	for _, r := range text {
		if strings.ContainsRune("\"'`\\<>&", r) || !unicode.IsPrint(r) {
			return fmt.Errorf("the seat id %s must not contain %s; a seat in a list may have any row and number besides its id", Shown(text), Shown(string(r)))
		}
	}
	return id.Check()
}

// A listRow is a row of a list while it is being made.
type listRow struct {
	Row
	seats []int // indexes in the list
}

// list makes the rows of a section whose seats are listed. Seats of the same row become
// neighbours wherever they are in the list; order has their indexes in it.
func (b *builder) list(here string, s sectionJSON) (made []Row, order []int, err error) {
	here += "/seats"
	rows, err := listRows(here, s.Seats)
	if err != nil {
		return nil, nil, err
	}
	for _, row := range rows {
		row.First = len(b.ids)
		for _, i := range row.seats {
			seat, here := s.Seats[i], fmt.Sprintf("%s/%d", here, i)
			category, err := b.category.index(here+"/category", seat.Category, s.Category)
			if err != nil {
				return nil, nil, err
			}
			position := len(b.ids)
			order = append(order, i)
			b.origins = append(b.origins, origin{first: position, here: here})
			if err := b.add(here, lockstore.SeatID(norm.NFC.String(string(seat.ID))), category); err != nil {
				return nil, nil, err
			}
			if err := b.mark(here, position, nil, seat.Facts, seat.Note); err != nil {
				return nil, nil, err
			}
		}
		row.End = len(b.ids)
		made = append(made, row.Row)
	}
	return made, order, nil
}

// listRows returns the rows of a list in the order of their first seats.
func listRows(here string, seats []seatJSON) ([]listRow, error) {
	var rows []listRow
	byName := make(map[string]int)
	last, aisle := -1, false // the row of the last seat, and whether an aisle follows it
	byNumber := true         // numbers determine aisles: no aisle is marked, and no seat has a place
	for i, s := range seats {
		here := fmt.Sprintf("%s/%d", here, i)
		if s.Aisle {
			if !s.onlyAisle() {
				return nil, wrong(here, "an aisle is not a seat; write {\"aisle\": true} between two seats")
			}
			if last < 0 || aisle {
				return nil, wrong(here, "an aisle must be between two seats of a row")
			}
			aisle, byNumber = true, false
			continue
		}
		name, err := s.names(here)
		if err != nil {
			return nil, err
		}
		at, known := byName[name]
		if !known {
			at = len(rows)
			byName[name] = at
			rows = append(rows, listRow{Row: Row{Name: name}})
		}
		row := &rows[at]
		if aisle {
			if at != last {
				return nil, wrong(here, "an aisle must be between two seats of a row")
			}
			row.Aisles = append(row.Aisles, len(row.seats))
		}
		if (s.Number != nil) != (row.Numbers != nil) && len(row.seats) > 0 {
			return nil, wrong(here, "all seats of a row must have a number, or none")
		}
		if s.Number != nil {
			row.Numbers = append(row.Numbers, norm.NFC.String(*s.Number))
		}
		byNumber = byNumber && s.X == nil
		row.seats = append(row.seats, i)
		last, aisle = at, false
	}
	if aisle {
		return nil, wrong(here, "an aisle must be between two seats of a row")
	}
	for i := range rows {
		if row := &rows[i]; byNumber && row.Numbers != nil {
			row.Aisles = aislesOf(row.Numbers, nil)
		}
	}
	return rows, nil
}

// names checks the row and the number of a seat in a list, and returns the row.
func (s *seatJSON) names(here string) (row string, err error) {
	if s.Row != nil {
		row = norm.NFC.String(*s.Row)
		if err := checkName(row); err != nil {
			return "", at(here+"/row", err)
		}
		if s.Number == nil {
			return "", wrong(here, "a seat with a row must have a number, too")
		}
	}
	if s.Number != nil {
		if err := checkName(norm.NFC.String(*s.Number)); err != nil {
			return "", at(here+"/number", err)
		}
	}
	return row, nil
}

// onlyAisle reports whether nothing but aisle is given.
func (s *seatJSON) onlyAisle() bool {
	f := s.seatFields
	return f.ID == "" && f.Row == nil && f.Number == nil && f.Category == nil && f.Facts == nil && f.Note == nil && f.X == nil && f.Y == nil
}
