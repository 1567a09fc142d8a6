package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"seatlock/lockstore"
)

// A Problem is an error response of the server. It wraps the corresponding error of the
// contract, if there is one.
type Problem struct {
	Status     int           // the HTTP status
	Code       string        // such as seat_locked; empty if the answer is not from the server but from something in front of it
	Detail     string        // a sentence for people; the whole body if there is no Code
	RetryAfter time.Duration // after which a repeat may succeed; 0 if the server does not say

	// Largest is the largest number of seats that there is, with the code not_enough.
	// Instead are seats that could be locked, with the code orphan_seat.
	Largest int
	Instead []lockstore.SeatID

	err error
}

// Error returns the status, the code and the detail.
func (p *Problem) Error() string { return fmt.Sprintf("%d %s: %s", p.Status, p.Code, p.Detail) }

// Unwrap returns the error of the contract, or nil.
func (p *Problem) Unwrap() error { return p.err }

// A seat is a seat in an answer of the API.
type seat struct {
	SeatID    lockstore.SeatID `json:"seatId"`
	Status    lockstore.Status `json:"status"`
	ExpiresAt time.Time        `json:"expiresAt"`
}

// unchanged are the codes with status 503 that mean that nothing was changed.
var unchanged = []string{"store_unavailable", "sign_in_unavailable", "no_room", "overloaded"}

// problem returns the error of an error response: a [Problem], unless the response is
// not JSON.
func problem(resp *http.Response, text []byte) error {
	var body struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
		Seats  []seat `json:"seats"`

		Largest int                `json:"largest"`
		Instead []lockstore.SeatID `json:"insteadSeatIds"`
	}
	if err := json.Unmarshal(text, &body); err != nil {
		// The response is not from the server but from something in front of it.
		return fmt.Errorf("%w: %s answered %s without JSON: %w", lockstore.ErrOutcomeUnknown, resp.Request.URL, resp.Status, err)
	}
	p := &Problem{Status: resp.StatusCode, Code: body.Code, Detail: body.Detail, Largest: body.Largest, Instead: body.Instead}
	if p.Code == "" { // not from the server either
		p.Detail = strings.TrimSpace(string(text))
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		p.RetryAfter = time.Duration(seconds) * time.Second
	}
	switch reason := lockstore.Reason(p.Code); reason {
	case lockstore.SeatLocked, lockstore.SeatBooked, lockstore.SeatBlocked, lockstore.LockNotHeld, lockstore.LockExpired, lockstore.NotBooked, lockstore.OverSeatLimit:
		conflict := &lockstore.ConflictError{Reason: reason, Held: -1}
		for _, s := range body.Seats {
			conflict.Seats = append(conflict.Seats, lockstore.Seat{ID: s.SeatID, Status: s.Status, Expires: s.ExpiresAt})
		}
		p.err = conflict
		return p
	}
	switch {
	case p.Code == "unknown_seat":
		p.err = lockstore.ErrUnknownSeats
	case p.Code == "seat_map_changed":
		p.err = lockstore.ErrOtherSeats
	case p.Code == "journal_reset":
		p.err = lockstore.ErrJournalReset
	case p.Code == "bad_request":
		p.err = lockstore.ErrInvalid
	case p.Status == http.StatusTooManyRequests, slices.Contains(unchanged, p.Code):
		p.err = lockstore.ErrUnavailable
	case p.Status >= 500:
		p.err = lockstore.ErrOutcomeUnknown
	}
	return p
}

// unanswered returns the error of a request without an answer. If there was no
// connection, the server did nothing.
func unanswered(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return fmt.Errorf("%w: %w", lockstore.ErrUnavailable, err)
	}
	return fmt.Errorf("%w: %w", lockstore.ErrOutcomeUnknown, err)
}
