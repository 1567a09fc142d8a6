// Package problem defines the ways in which the API refuses a request, and renders a
// refusal as an RFC 9457 problem.
//
// The [Kind] of a problem determines its code, status and title. The package must not
// know which call was refused, nor how another package's errors map to kinds.
package problem

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Kind is one way in which a request is refused. Its text is the code in the answer,
// which clients may rely on.
type Kind string

// The kinds, by status.
const (
	BadRequest           Kind = "bad_request"
	Unauthenticated      Kind = "unauthenticated"
	Forbidden            Kind = "forbidden"
	UnknownEvent         Kind = "unknown_event"
	UnknownSeat          Kind = "unknown_seat"
	NotFound             Kind = "not_found"
	MethodNotAllowed     Kind = "method_not_allowed"
	SeatLocked           Kind = "seat_locked"
	SeatBooked           Kind = "seat_booked"
	SeatBlocked          Kind = "seat_blocked"
	LockNotHeld          Kind = "lock_not_held"
	LockExpired          Kind = "lock_expired"
	NotBooked            Kind = "not_booked"
	SeatLimit            Kind = "seat_limit"
	NotOnSale            Kind = "not_on_sale"
	NotEnough            Kind = "not_enough"
	OrphanSeat           Kind = "orphan_seat"
	JournalReset         Kind = "journal_reset"
	TooLarge             Kind = "too_large"
	UnsupportedMediaType Kind = "unsupported_media_type"
	PaymentRequired      Kind = "payment_required"
	OrderChanged         Kind = "order_changed"
	OrderPaid            Kind = "order_paid"
	UnknownOrder         Kind = "unknown_order"
	PaymentUnavailable   Kind = "payment_unavailable"
	WrongHost            Kind = "wrong_host"
	UpgradeRequired      Kind = "upgrade_required"
	RateLimited          Kind = "rate_limited"
	Internal             Kind = "internal"
	StoreUnavailable     Kind = "store_unavailable"
	OutcomeUnknown       Kind = "outcome_unknown"
	SeatMapChanged       Kind = "seat_map_changed"
	SignInUnavailable    Kind = "sign_in_unavailable"
	NoRoom               Kind = "no_room"
	Overloaded           Kind = "overloaded"
)

// kinds is what a client sees of each Kind. The detail is for refusals that have none
// of their own; it is empty if all have one.
var kinds = []struct {
	kind   Kind
	status int
	title  string
	detail string
}{
	{BadRequest, 400, "Bad request", ""},
	{Unauthenticated, 401, "Not signed in", ""},
	{Forbidden, 403, "Forbidden", ""},
	{PaymentRequired, 403, "Payment required", ""},
	{UnknownEvent, 404, "Unknown event", ""},
	{UnknownSeat, 404, "Unknown seat", ""},
	{UnknownOrder, 404, "Unknown order", "There is no such order of this user."},
	{NotFound, 404, "Not found", "There is nothing at this path. GET /openapi.yaml describes the calls, such as POST /lock, /confirm and /release, GET /seats and /events."},
	{MethodNotAllowed, 405, "Method not allowed", ""},
	{SeatLocked, 409, "Seat locked", ""},
	{SeatBooked, 409, "Seat booked", ""},
	{SeatBlocked, 409, "Seat not for sale", ""},
	{LockNotHeld, 409, "Lock not held", ""},
	{LockExpired, 409, "Lock expired", ""},
	{NotBooked, 409, "Seat not booked", ""},
	{SeatLimit, 409, "Seat limit reached", ""},
	{NotOnSale, 409, "Not on sale", ""},
	{NotEnough, 409, "Not enough seats", ""},
	{OrphanSeat, 409, "Single seat left alone", ""},
	{OrderChanged, 409, "Order changed", ""},
	{OrderPaid, 409, "Order paid", ""},
	{JournalReset, 410, "Journal reset", "The journal does not have this entry. Read it from the start, without after; the entries that you know have the same ids."},
	{TooLarge, 413, "Body too large", ""},
	{UnsupportedMediaType, 415, "Unsupported media type", ""},
	{WrongHost, 421, "Wrong host", ""},
	{UpgradeRequired, 426, "Upgrade required", ""},
	{RateLimited, 429, "Too many requests", ""},
	{Internal, 500, "Internal error", "Something went wrong here; it has been logged. Send the same request again: that is safe."},
	{StoreUnavailable, 503, "Store unavailable", "The store of the seats cannot be reached; nothing was changed. Try again."},
	{OutcomeUnknown, 503, "Outcome unknown", "The store did not answer in time, and it is not known whether this took effect. Send the same request again: that is safe."},
	{SeatMapChanged, 503, "Seat map changed", "The seats of this event were changed, and this server does not have the new seat map yet. Nothing was changed. Try again in a moment."},
	{PaymentUnavailable, 503, "Payment unavailable", "The payment could not be opened just now. The seats stay locked and nothing was charged. Send the same request again: that is safe."},
	{SignInUnavailable, 503, "Sign-in unavailable", ""},
	{NoRoom, 503, "No room to watch", ""},
	{Overloaded, 503, "Overloaded", ""},
}

// Codes returns the code of every Kind.
func Codes() []string {
	list := make([]string, len(kinds))
	for i, row := range kinds {
		list[i] = string(row.kind)
	}
	return list
}

// Status returns the HTTP status of the Kind, 500 if there is no such Kind.
func (k Kind) Status() int {
	status, _, _ := k.describe()
	return status
}

// describe returns what a client sees of the Kind. For an unknown Kind it describes
// Internal.
func (k Kind) describe() (status int, title, detail string) {
	for _, row := range kinds {
		if row.kind == k {
			return row.status, row.title, row.detail
		}
	}
	return Internal.describe()
}

// A Refusal is an error that says how a request is answered.
type Refusal struct {
	Kind      Kind
	Detail    string        // a sentence that the client can act on; if empty, the Kind's own
	Wait      time.Duration // after which a repeat may succeed; 0 if waiting does not help
	Seats     []Seat        // the seats in the way
	OpensAt   time.Time     // when the sale opens; zero for other kinds
	ClosedAt  time.Time     // when the sale closed; zero for other kinds
	Largest   *int          // of a NotEnough, the largest number that would succeed
	Instead   []string      // of an OrphanSeat, seats that may be chosen instead
	Challenge string        // the WWW-Authenticate header; required for Unauthenticated
	Err       error         // the cause, for the log only; may be nil
}

// A Seat is a seat in the way of a request, as the answer shows it.
type Seat struct {
	SeatID    string `json:"seatId"`
	Status    string `json:"status,omitempty"`
	ExpiresAt string `json:"expiresAt,omitempty"`
}

// Refuse returns a Refusal of the kind with a formatted detail.
func Refuse(kind Kind, format string, args ...any) *Refusal {
	return &Refusal{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}

// Error returns the code with the cause, or with the detail if there is none.
func (r *Refusal) Error() string {
	switch {
	case r.Err != nil:
		return string(r.Kind) + ": " + r.Err.Error()
	case r.Detail != "":
		return string(r.Kind) + ": " + r.Detail
	}
	return string(r.Kind)
}

// Unwrap returns the cause, or nil.
func (r *Refusal) Unwrap() error { return r.Err }

// Write answers a request with the Refusal. Retry-After is Wait in seconds, rounded
// up, and at least 1 with status 503.
func (r *Refusal) Write(w http.ResponseWriter) {
	body := struct {
		Title  string `json:"title"`
		Status int    `json:"status"`
		Code   Kind   `json:"code"`
		Detail string `json:"detail"`
		Seats  []Seat `json:"seats,omitempty"`

		OpensAt  time.Time `json:"opensAt,omitzero"`
		ClosedAt time.Time `json:"closedAt,omitzero"`
		Largest  *int      `json:"largest,omitempty"`
		Instead  []string  `json:"insteadSeatIds,omitempty"`
	}{Code: r.Kind, Seats: r.Seats, OpensAt: r.OpensAt, ClosedAt: r.ClosedAt, Largest: r.Largest, Instead: r.Instead}
	body.Status, body.Title, body.Detail = r.Kind.describe()
	if r.Detail != "" {
		body.Detail = r.Detail
	}
	wait := int(math.Ceil(r.Wait.Seconds()))
	if body.Status == http.StatusServiceUnavailable {
		wait = max(wait, 1)
	}

	h := w.Header()
	if wait > 0 {
		h.Set("Retry-After", strconv.Itoa(wait))
	}
	if r.Challenge != "" {
		h.Set("WWW-Authenticate", r.Challenge)
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/problem+json")
	text, _ := json.Marshal(body, jsontext.AllowInvalidUTF8(true)) // strings and numbers cannot fail
	w.WriteHeader(body.Status)
	w.Write(append(text, '\n')) // a client that has gone needs no answer
}
