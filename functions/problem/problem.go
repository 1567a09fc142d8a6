package booking

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"seatlock/functions/telemetry"
	"seatlock/lockstore"
)

// The ways in which something in front of the calls, or beside them, refuses a
// request.
var (
	ErrUnauthenticated = errors.New("it needs a good token")
	ErrSignInAway      = errors.New("tokens cannot be checked")
	ErrRateLimited     = errors.New("it is one too many")
	ErrForbidden       = errors.New("it is not for this caller")
	ErrUpgradeRequired = errors.New("it is a WebSocket")
	ErrNoRoom          = errors.New("nobody more can watch")
)

// The ways in which a request fails before it reaches the store.
var (
	errBadRequest           = errors.New("the request is not of the form that the call takes")
	errUnknownEvent         = errors.New("no such event")
	errNotFound             = errors.New("no such path")
	errMethodNotAllowed     = errors.New("no such method here")
	errTooLarge             = errors.New("the body is too large")
	errUnsupportedMediaType = errors.New("the body is of another type")
	errInternal             = errors.New("internal error")
)

// kinds maps errors to answers: the first row whose err the error is (by
// errors.Is) decides, and the last takes the rest. detail is for errors
// that do not explain themselves.
var kinds = []struct {
	err    error
	status int
	code   string
	title  string
	detail string
}{
	{ErrSignInAway, 503, "sign_in_unavailable", "Sign-in unavailable", ""},
	{ErrNoRoom, 503, "no_room", "No room to watch", ""},
	{lockstore.ErrOutcomeUnknown, 503, "outcome_unknown", "Outcome unknown", "The store did not answer in time, and it is not known whether this took effect. Send the same request again: that is safe."},
	{lockstore.ErrUnavailable, 503, "store_unavailable", "Store unavailable", "The store of the seats cannot be reached; nothing was changed. Try again."},
	{context.DeadlineExceeded, 503, "store_unavailable", "Store unavailable", "The store of the seats did not answer in time; nothing was changed. Try again."},
	{context.Canceled, 503, "store_unavailable", "Store unavailable", "The request was given up before the store of the seats answered; nothing was changed."},

	{lockstore.SeatBooked, 409, "seat_booked", "Seat booked", ""},
	{lockstore.SeatLocked, 409, "seat_locked", "Seat locked", ""},
	{lockstore.LockNotHeld, 409, "lock_not_held", "Lock not held", ""},
	{lockstore.LockExpired, 409, "lock_expired", "Lock expired", ""},
	{lockstore.OverSeatLimit, 409, "seat_limit", "Seat limit reached", ""},

	{lockstore.ErrInvalid, 400, "bad_request", "Bad request", ""},
	{errBadRequest, 400, "bad_request", "Bad request", ""},
	{ErrUnauthenticated, 401, "unauthenticated", "Not signed in", ""},
	{ErrForbidden, 403, "forbidden", "Forbidden", ""},
	{errUnknownEvent, 404, "unknown_event", "Unknown event", ""},
	{lockstore.ErrUnknownSeats, 404, "unknown_seat", "Unknown seat", ""},
	{errNotFound, 404, "not_found", "Not found", "There is nothing at this path. The calls are POST /lock, /confirm and /release, GET /seats and /events; GET /openapi.yaml describes them."},
	{errMethodNotAllowed, 405, "method_not_allowed", "Method not allowed", ""},
	{errTooLarge, 413, "too_large", "Body too large", ""},
	{errUnsupportedMediaType, 415, "unsupported_media_type", "Unsupported media type", ""},
	{ErrUpgradeRequired, 426, "upgrade_required", "Upgrade required", ""},
	{ErrRateLimited, 429, "rate_limited", "Too many requests", ""},

	{nil, 500, "internal", "Internal error", "Something went wrong here; it has been logged. Send the same request again: that is safe."},
}

// problem is an answer in the form of RFC 9457.
type problem struct {
	Title  string     `json:"title"`
	Status int        `json:"status"`
	Code   string     `json:"code"`
	Detail string     `json:"detail"`
	Seats  []seatJSON `json:"seats,omitempty"`
}

type seatJSON struct {
	SeatID    lockstore.SeatID `json:"seatId"`
	Status    lockstore.Status `json:"status,omitempty"`
	ExpiresAt string           `json:"expiresAt,omitempty"`
}

// A refusal is one of the errors above with a sentence for the caller, and when
// to ask again if that may help.
type refusal struct {
	err    error
	detail string
	wait   time.Duration
}

func (e *refusal) Error() string { return e.err.Error() + ": " + e.detail }
func (e *refusal) Unwrap() error { return e.err }

func refuse(err error, format string, args ...any) error {
	return &refusal{err: err, detail: fmt.Sprintf(format, args...)}
}

// Refuse makes an error for [API.Fail]: one of the Err… above, when it may help
// to ask again (0: never), and a sentence that a person can act on.
func Refuse(err error, wait time.Duration, detail string) error {
	return &refusal{err, detail, wait}
}

// Fail answers a request that something in front of the calls refuses, as the
// calls do.
func (a *API) Fail(w http.ResponseWriter, r *http.Request, err error) {
	telemetry.Of(r.Context()).Call = callAt(r.URL.Path)
	a.fail(w, r, err)
}

// fail answers with the error. What is the server's fault is logged, and its
// cause stays here.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	kind := kinds[len(kinds)-1]
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			kind = k
			break
		}
	}
	p := problem{Title: kind.title, Status: kind.status, Code: kind.code, Detail: kind.detail}
	wait := explain(err, &p)
	note := telemetry.Of(r.Context())
	note.Code = kind.code
	if len(p.Seats) > 0 {
		note.Seats = len(p.Seats)
	}
	if kind.status == http.StatusServiceUnavailable {
		wait = max(wait, 1)
	}
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(wait))
	}
	if kind.status >= 500 && !errors.Is(err, context.Canceled) && !errors.Is(err, ErrNoRoom) {
		a.log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "code", kind.code, "error", err)
	}
	body, err := json.Marshal(p)
	if err != nil { // it holds nothing that JSON cannot say
		a.log.ErrorContext(r.Context(), "cannot render a problem", "error", err)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(kind.status)
	w.Write(append(body, '\n')) // a client that has gone needs no answer
}
