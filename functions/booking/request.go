package booking

import (
	"slices"
	"strings"

	"seatlock/functions/problem"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// A seatsRequest is the body of the calls that change seats. Each [verb] takes some of
// the fields. Pointers are nil if the field is absent.
type seatsRequest struct {
	EventID lockstore.EventID  `json:"eventId"`
	SeatID  lockstore.SeatID   `json:"seatId"`
	SeatIDs []lockstore.SeatID `json:"seatIds"`
	UserID  lockstore.UserID   `json:"userId"`

	ToSeatIDs   []lockstore.SeatID `json:"toSeatIds"`
	Reference   *lockstore.Ref     `json:"reference"`
	Reason      *lockstore.Ref     `json:"reason"`
	ExpiresAt   *string            `json:"expiresAt"`
	Seconds     *float64           `json:"seconds"`
	Levels      []string           `json:"levels"`
	LockSeconds *float64           `json:"lockSeconds"`
	ReturnURL   *string            `json:"returnUrl"`
	Name        *string            `json:"name"`
	Email       *string            `json:"email"`
	Lang        *string            `json:"lang"`
	OrderID     *lockstore.OrderID `json:"orderId"`
	Amount      *int64             `json:"amount"`
	KeepSeats   *bool              `json:"keepSeats"`
	RequestID   *string            `json:"requestId"`
	Retry       *bool              `json:"retry"`
	WholeEvent  *bool              `json:"wholeEvent"`
	OverLimit   *bool              `json:"overLimit"`
	Direct      *bool              `json:"direct"`
	Blocked     *bool              `json:"blocked"`

	Areas    []areaRequest `json:"areas"`
	Count    *int          `json:"count"`
	Category *string       `json:"category"`
	Section  *string       `json:"section"`
	Apart    *bool         `json:"apart"`
	Evict    *bool         `json:"evict"`
}

// An areaRequest asks for places of an area.
type areaRequest struct {
	Section string `json:"section"`
	Count   int    `json:"count"`
}

// fields are the fields that not every verb takes. A refusal names the type when a
// field has another one.
var fields = []struct {
	name, kind string
	given      func(*seatsRequest) bool
	backend    bool // only a back end or an operator may give it
}{
	{"toSeatIds", "a list of strings", func(r *seatsRequest) bool { return r.ToSeatIDs != nil }, false},
	{"reference", "a string", func(r *seatsRequest) bool { return r.Reference != nil }, false},
	{"reason", "a string", func(r *seatsRequest) bool { return r.Reason != nil }, false},
	{"evict", "true or false", func(r *seatsRequest) bool { return r.Evict != nil }, false},
	{"areas", "a list of objects with section and count", func(r *seatsRequest) bool { return r.Areas != nil }, false},
	{"count", "a whole number", func(r *seatsRequest) bool { return r.Count != nil }, false},
	{"category", "a string", func(r *seatsRequest) bool { return r.Category != nil }, false},
	{"section", "a string", func(r *seatsRequest) bool { return r.Section != nil }, false},
	{"apart", "true or false", func(r *seatsRequest) bool { return r.Apart != nil }, false},
	{"expiresAt", "a string", func(r *seatsRequest) bool { return r.ExpiresAt != nil }, false},
	{"seconds", "a number", func(r *seatsRequest) bool { return r.Seconds != nil }, false},
	{"levels", "a list of strings", func(r *seatsRequest) bool { return r.Levels != nil }, false},
	{"returnUrl", "a string", func(r *seatsRequest) bool { return r.ReturnURL != nil }, false},
	{"name", "a string", func(r *seatsRequest) bool { return r.Name != nil }, false},
	{"email", "a string", func(r *seatsRequest) bool { return r.Email != nil }, false},
	{"lang", "a string", func(r *seatsRequest) bool { return r.Lang != nil }, false},
	{"orderId", "a string", func(r *seatsRequest) bool { return r.OrderID != nil }, false},
	{"amount", "a whole number of the currency's smallest unit", func(r *seatsRequest) bool { return r.Amount != nil }, false},
	{"keepSeats", "true or false", func(r *seatsRequest) bool { return r.KeepSeats != nil }, false},
	{"requestId", "a string", func(r *seatsRequest) bool { return r.RequestID != nil }, false},
	{"retry", "true or false", func(r *seatsRequest) bool { return r.Retry != nil }, false},
	{"wholeEvent", "true or false", func(r *seatsRequest) bool { return r.WholeEvent != nil }, false},
	{"lockSeconds", "a number", func(r *seatsRequest) bool { return r.LockSeconds != nil }, true},
	{"overLimit", "true or false", func(r *seatsRequest) bool { return r.OverLimit != nil }, true},
	{"direct", "true or false", func(r *seatsRequest) bool { return r.Direct != nil }, true},
	{"blocked", "true or false", func(r *seatsRequest) bool { return r.Blocked != nil }, true},
	{"userId", "a string", func(r *seatsRequest) bool { return r.UserID != "" }, false},
}

// kindOfField says what a field must be.
func kindOfField(name string) string {
	for _, f := range fields {
		if f.name == name {
			return f.kind
		}
	}
	if name == "seatIds" {
		return "a list of strings"
	}
	return "a string"
}

// checkFields refuses a body with a field that the verb does not take.
func (v *verb) checkFields(req *seatsRequest) error {
	for i := range fields {
		if f := &fields[i]; f.given(req) && !slices.Contains(v.fields, f.name) {
			return v.noField(f.name)
		}
	}
	return nil
}

// noField refuses a field, and lists the verb's fields except those that buyers may not
// give.
func (v *verb) noField(name string) error {
	takes := []string{"seatId or seatIds"}
	for _, f := range fields {
		if slices.Contains(v.fields, f.name) && !f.backend {
			takes = append(takes, f.name)
		}
	}
	return problem.Refuse(problem.BadRequest, "There is no field %s; there are %s and eventId.", venue.Shown(name), strings.Join(takes, ", "))
}

// seats returns the seats that the request names. It fails if there are none, unless
// mayBeNone.
func (r *seatsRequest) seats(mayBeNone bool) ([]lockstore.SeatID, error) {
	seats := r.SeatIDs
	switch {
	case r.SeatID != "" && seats != nil:
		return nil, problem.Refuse(problem.BadRequest, "Both seatId and seatIds are given; give only one of them.")
	case r.SeatID != "":
		seats = []lockstore.SeatID{r.SeatID}
	case seats == nil && mayBeNone:
		return nil, nil
	case len(seats) == 0:
		return nil, problem.Refuse(problem.BadRequest, "No seat is named; give seatId or seatIds.")
	}
	return seats, checkSeats(seats)
}

func checkSeats(seats []lockstore.SeatID) error {
	for _, id := range seats {
		if err := id.Check(); err != nil {
			return err
		}
	}
	return nil
}

func isSet(flag *bool) bool { return flag != nil && *flag }
