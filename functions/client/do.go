package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"seatlock/lockstore"
)

// A seatsRequest is the body of the calls that change seats.
type seatsRequest struct {
	EventID lockstore.EventID  `json:"eventId"`
	SeatIDs []lockstore.SeatID `json:"seatIds"`
	UserID  lockstore.UserID   `json:"userId,omitempty"` // empty: the user of the token

	ToSeatIDs   []lockstore.SeatID `json:"toSeatIds,omitempty"`
	Reference   lockstore.Ref      `json:"reference,omitempty"`
	Reason      lockstore.Ref      `json:"reason,omitempty"`
	ExpiresAt   string             `json:"expiresAt,omitempty"`
	LockSeconds float64            `json:"lockSeconds,omitempty"`
	Direct      bool               `json:"direct,omitempty"`
	Blocked     bool               `json:"blocked,omitempty"`
	Evict       bool               `json:"evict,omitempty"`
	Levels      []string           `json:"levels,omitempty"`
}

// A changeAnswer is the answer to a call that changes seats.
type changeAnswer struct {
	Bill
	SeatIDs   []lockstore.SeatID `json:"seatIds"`
	ExpiresAt time.Time          `json:"expiresAt"`
}

// timeFormat is RFC 3339 to the millisecond.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// Do implements [lockstore.LockStore] with one call for each kind of operation; that of
// [lockstore.KindBook] is POST /confirm. With the token of a user, op.User may be
// empty. op.By has no effect, because the server knows the caller by the token. The API
// has no NotAfter, NotBefore and Cap: if one is set, Do fails with
// [errors.ErrUnsupported].
func (c *Client) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	result, _, err := c.change(ctx, ev, op, nil)
	return result, err
}

// change carries out the operation on seats with these price levels, and returns what
// they cost.
func (c *Client) change(ctx context.Context, ev *lockstore.Event, op lockstore.Op, levels []string) (lockstore.Result, Bill, error) {
	if !op.NotAfter.IsZero() || !op.NotBefore.IsZero() || op.Cap != 0 {
		return lockstore.Result{}, Bill{}, fmt.Errorf("client: NotAfter, NotBefore and Cap of an operation: %w", errors.ErrUnsupported)
	}
	path, body := op.Kind.String(), seatsRequest{
		EventID: ev.ID, SeatIDs: op.Seats, UserID: op.User, ToSeatIDs: op.To, Reference: op.Ref, LockSeconds: op.For.Seconds(), Levels: levels,
	}
	switch op.Kind {
	case lockstore.KindExtend:
		body.ExpiresAt = op.Until.UTC().Format(timeFormat)
	case lockstore.KindBook:
		path, body.Direct, body.Blocked = "confirm", true, op.Blocked
	case lockstore.KindBlock:
		body.Reference, body.Reason, body.Evict = "", op.Ref, op.Blocked
	}
	var answer changeAnswer
	if err := c.post(ctx, path, body, &answer); err != nil {
		return lockstore.Result{}, Bill{}, err
	}
	result := lockstore.Result{Expires: answer.ExpiresAt}
	switch op.Kind {
	case lockstore.KindRelease, lockstore.KindCancel, lockstore.KindBlock, lockstore.KindUnblock, lockstore.KindEvict:
		result.Changed = answer.SeatIDs
	}
	return result, answer.Bill, nil
}

func (c *Client) post(ctx context.Context, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	return c.do(r, answer)
}
