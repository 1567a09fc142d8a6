// Package client is a [lockstore.LockStore] that calls the API of a running
// server, and turns its answers into the errors of the contract. It is for
// programs that test a server.
//
// The API has no Wait. It does not return how many seats a user over the limit
// has, so Held is -1. The server has layouts of its own: those of the events are
// not sent.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"seatlock/lockstore"
)

// callTime is the longest time of a call. It is longer than the server waits for
// its store.
const callTime = 5 * time.Second

// A Store is one server.
type Store struct {
	base   string
	client *http.Client
}

// New returns a Store for the server at the base URL, such as
// http://127.0.0.1:8080, with at most that many connections. It does not connect
// yet.
func New(base string, connections int) (*Store, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("%q must be the address of a server, such as http://127.0.0.1:8080", base)
	}
	return &Store{u.JoinPath("/").String(), &http.Client{
		Timeout: callTime,
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: time.Second}).DialContext,
			MaxConnsPerHost:     connections,
			MaxIdleConnsPerHost: connections,
			DisableCompression:  true,
		},
	}}, nil
}

// Close closes idle connections.
func (s *Store) Close() { s.client.CloseIdleConnections() }

// A Problem is an answer that refuses a call. It unwraps to the error of the
// contract that it stands for.
type Problem struct {
	Status     int
	Code       string `json:"code"`
	Detail     string `json:"detail"`
	Seats      []seat `json:"seats"`
	RetryAfter time.Duration

	is error
}

func (p *Problem) Error() string { return fmt.Sprintf("%d %s: %s", p.Status, p.Code, p.Detail) }

// Unwrap returns the error of the contract.
func (p *Problem) Unwrap() error { return p.is }

type seat struct {
	SeatID    lockstore.SeatID `json:"seatId"`
	Status    lockstore.Status `json:"status"`
	ExpiresAt time.Time        `json:"expiresAt"`
}

func seatsOf(list []seat) []lockstore.Seat {
	seats := make([]lockstore.Seat, len(list))
	for i, s := range list {
		seats[i] = lockstore.Seat{ID: s.SeatID, Status: s.Status, Expires: s.ExpiresAt}
	}
	return seats
}

type request struct {
	EventID lockstore.EventID  `json:"eventId"`
	SeatIDs []lockstore.SeatID `json:"seatIds"`
	UserID  lockstore.UserID   `json:"userId"`
}

// Lock calls POST /lock.
func (s *Store) Lock(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) (time.Time, error) {
	var answer struct {
		ExpiresAt time.Time `json:"expiresAt"`
	}
	err := s.post(ctx, "lock", request{ev.ID, seats, user}, &answer)
	return answer.ExpiresAt, err
}

// Confirm calls POST /confirm.
func (s *Store) Confirm(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	return s.post(ctx, "confirm", request{ev.ID, seats, user}, &struct{}{})
}

// Release calls POST /release.
func (s *Store) Release(ctx context.Context, ev *lockstore.Event, seats []lockstore.SeatID, user lockstore.UserID) error {
	return s.post(ctx, "release", request{ev.ID, seats, user}, &struct{}{})
}

// List calls GET /seats.
func (s *Store) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	var answer struct {
		Version    lockstore.Version `json:"version"`
		Full       bool              `json:"full"`
		ServerTime time.Time         `json:"serverTime"`
		Seats      []seat            `json:"seats"`
	}
	query := url.Values{"eventId": {string(ev.ID)}}
	if since != "" {
		query.Set("since", string(since))
	}
	if err := s.get(ctx, "seats?"+query.Encode(), &answer); err != nil {
		return lockstore.Snapshot{}, err
	}
	snap := lockstore.Snapshot{Version: answer.Version, Full: answer.Full, Time: answer.ServerTime, Seats: []lockstore.Seat{}}
	for _, seat := range seatsOf(answer.Seats) {
		if !snap.Full || seat.Status != lockstore.Available { // the API lists all of them
			snap.Seats = append(snap.Seats, seat)
		}
	}
	return snap, nil
}

// Wait returns [errors.ErrUnsupported].
func (s *Store) Wait(context.Context, *lockstore.Event, lockstore.Version) error {
	return errors.ErrUnsupported
}

// Events calls GET /events, and returns the events on sale.
func (s *Store) Events(ctx context.Context) ([]*lockstore.Event, error) {
	var answer struct {
		Events []struct {
			EventID     lockstore.EventID `json:"eventId"`
			LockSeconds float64           `json:"lockSeconds"`
			SeatLimit   int               `json:"seatLimit"`
			Sections    []struct {
				Rows []struct {
					Seats []lockstore.SeatID `json:"seats"`
				} `json:"rows"`
			} `json:"sections"`
		} `json:"events"`
	}
	if err := s.get(ctx, "events", &answer); err != nil {
		return nil, err
	}
	var events []*lockstore.Event
	for _, e := range answer.Events {
		var seats []lockstore.SeatID
		for _, section := range e.Sections {
			for _, row := range section.Rows {
				seats = append(seats, row.Seats...)
			}
		}
		ev, err := lockstore.NewEvent(e.EventID, seats, time.Duration(e.LockSeconds*float64(time.Second)), e.SeatLimit)
		if err != nil {
			return nil, err
		}
		events = append(events, ev)
	}
	return events, nil
}

func (s *Store) get(ctx context.Context, path string, answer any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+path, nil)
	if err != nil {
		return err
	}
	return s.do(r, answer)
}

func (s *Store) post(ctx context.Context, path string, body request, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	return s.do(r, answer)
}

// do sends the request and decodes the answer. If no answer comes and the request
// may have arrived, the outcome is unknown.
func (s *Store) do(r *http.Request, answer any) error {
	if err := r.Context().Err(); err != nil {
		return err // nothing is sent
	}
	resp, err := s.client.Do(r)
	if err != nil {
		return unanswered(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return unanswered(err)
	}
	if resp.StatusCode != http.StatusOK {
		return problem(resp, text)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("the answer of %s is not JSON: %w", r.URL, err)
	}
	return nil
}

func unanswered(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return fmt.Errorf("%w: %w", lockstore.ErrUnavailable, err)
	}
	return fmt.Errorf("%w: %w", lockstore.ErrOutcomeUnknown, err)
}

// problem reads an answer that refuses a call.
func problem(resp *http.Response, text []byte) error {
	p := &Problem{Status: resp.StatusCode}
	if err := json.Unmarshal(text, p); err != nil {
		// It comes from a proxy, not from the server.
		return fmt.Errorf("%w: the answer of %s, %s, is not JSON: %w", lockstore.ErrOutcomeUnknown, resp.Request.URL, resp.Status, err)
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		p.RetryAfter = time.Duration(seconds) * time.Second
	}
	switch reason := lockstore.Reason(p.Code); reason {
	case lockstore.SeatLocked, lockstore.SeatBooked, lockstore.LockNotHeld, lockstore.LockExpired, lockstore.OverSeatLimit:
		p.is = &lockstore.ConflictError{Reason: reason, Seats: seatsOf(p.Seats), Held: -1}
	case "store_unavailable", "rate_limited":
		p.is = lockstore.ErrUnavailable
	case "outcome_unknown", "internal":
		p.is = lockstore.ErrOutcomeUnknown
	case "unknown_seat":
		p.is = lockstore.ErrUnknownSeats
	case "bad_request":
		p.is = lockstore.ErrInvalid
	}
	return p
}
