package payment

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"seatlock/lockstore"
)

// bodyVersion is the format of the bodies that this program writes.
const bodyVersion = 1

// A body is the record of an order. Seats are long and occur in several fields, so
// Names has each of them once, and all fields except Terms.Seats have indexes into it.
type body struct {
	Version int `json:"v"`
	Order
	Names []lockstore.SeatID `json:"names,omitempty"` // indexed after those of Terms.Seats
}

// Bounds of the texts of an order. An order of [lockstore.MaxSeats] seats with the
// longest ids must fit in [lockstore.MaxOrderBody] in every stage.
const (
	maxText  = 300                        // bytes of a title, a line's text, a name, a reason
	maxURL   = 2000                       // bytes of an address
	maxDraft = lockstore.MaxOrderBody / 2 // bytes of an order at checkout; the rest is for later changes
)

// encode returns the record of the order. If it would be too long, it leaves out moves,
// since an order that cannot be written cannot move on.
func (o *Order) encode(due time.Time) (lockstore.Order, error) {
	b := body{Version: bodyVersion, Order: *o}
	index := make(map[lockstore.SeatID]lockstore.SeatID)
	for i, seat := range o.Seats {
		index[seat] = lockstore.SeatID(strconv.Itoa(i))
	}
	b.Order.renameSeats(func(seat lockstore.SeatID) lockstore.SeatID {
		if _, ok := index[seat]; !ok {
			index[seat] = lockstore.SeatID(strconv.Itoa(len(o.Seats) + len(b.Names)))
			b.Names = append(b.Names, seat)
		}
		return index[seat]
	})
	for {
		// Texts of others may not be UTF-8, which must not stop an order.
		text, err := json.Marshal(&b, jsontext.AllowInvalidUTF8(true))
		if err != nil {
			return lockstore.Order{}, fmt.Errorf("payment: order %s cannot be encoded: %w", o.Order, err)
		}
		if len(text) <= lockstore.MaxOrderBody || len(b.History) <= 2 {
			return lockstore.Order{ID: o.Order, Event: o.Event, Revision: o.Revision, Due: due, Body: text}, nil
		}
		half := len(b.History) / 2
		b.History = slices.Delete(slices.Clone(b.History), half, half+1)
	}
}

// ErrUnreadable is wrapped by the error for a record that this program cannot read,
// such as one of a newer program.
var ErrUnreadable = errors.New("payment: the record of an order cannot be read")

// decode returns the order in a record.
func decode(r lockstore.Order) (*Order, error) {
	var b body
	if err := json.Unmarshal(r.Body, &b); err != nil {
		return nil, fmt.Errorf("%w: the record of order %s: %w", ErrUnreadable, r.ID, err)
	}
	if b.Version != bodyVersion {
		return nil, fmt.Errorf("%w: order %s has format %d, and this program knows %d; use the newer program", ErrUnreadable, r.ID, b.Version, bodyVersion)
	}
	if b.Terms.Order != r.ID || b.Event != r.Event || row(b.Stage) == nil {
		return nil, fmt.Errorf("%w: the record of order %s is of order %q of event %q in stage %q", ErrUnreadable, r.ID, b.Terms.Order, b.Event, b.Stage)
	}
	names := append(slices.Clone(b.Seats), b.Names...)
	var wrong error
	b.Order.renameSeats(func(index lockstore.SeatID) lockstore.SeatID {
		i, err := strconv.Atoi(string(index))
		if err != nil || i < 0 || i >= len(names) {
			wrong = fmt.Errorf("%w: the record of order %s names a seat %q that it does not have", ErrUnreadable, r.ID, index)
			return index
		}
		return names[i]
	})
	b.Order.Revision = r.Revision
	return &b.Order, wrong
}

// renameSeats replaces each seat of the order, except in Terms.Seats. It does not
// change what the order shares with copies of it.
func (o *Order) renameSeats(to func(lockstore.SeatID) lockstore.SeatID) {
	all := func(seats []lockstore.SeatID) []lockstore.SeatID {
		seats = slices.Clone(seats)
		for i := range seats {
			seats[i] = to(seats[i])
		}
		return seats
	}
	o.Lines = slices.Clone(o.Lines)
	for i := range o.Lines {
		o.Lines[i].Seats = all(o.Lines[i].Seats)
	}
	o.PaidBack = slices.Clone(o.PaidBack)
	for i := range o.PaidBack {
		o.PaidBack[i].Seat = to(o.PaidBack[i].Seat)
	}
	if o.Give != nil {
		give := *o.Give
		give.Seats = all(give.Seats)
		o.Give = &give
	}
	if o.Moving != nil {
		moving := *o.Moving
		moving.Seats, moving.To = all(moving.Seats), all(moving.To)
		o.Moving = &moving
	}
}

// clip returns the beginning of a text, as one line of valid UTF-8 of up to most bytes.
func clip(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) <= most {
		return text
	}
	most -= len("…")
	for !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + "…"
}
