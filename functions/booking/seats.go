package booking

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"seatlock/functions/telemetry"
	"seatlock/lockstore"
)

// seatsRequest is the body of lock, confirm and release.
type seatsRequest struct {
	EventID lockstore.EventID  `json:"eventId"`
	SeatID  lockstore.SeatID   `json:"seatId"`
	SeatIDs []lockstore.SeatID `json:"seatIds"`
	UserID  lockstore.UserID   `json:"userId"`
}

// seatsAnswer is what lock, confirm and release answer.
type seatsAnswer struct {
	event   lockstore.EventID
	user    lockstore.UserID
	seats   []lockstore.SeatID
	done    string // what was done to the seats, for people
	status  lockstore.Status
	expires time.Time // with Locked
	left    int       // seconds, with Locked
}

// appendJSON renders the answer by hand: it is on the path of every lock.
func (s *seatsAnswer) appendJSON(b []byte) []byte {
	b = append(b, `{"message":"`...)
	list := len(b)
	b = appendSeatList(b, s.seats)
	b[list] = 'S'
	b = append(b, ' ')
	b = append(b, s.done...)
	b = append(b, `.","eventId":"`...)
	b = append(b, s.event...)
	b = append(b, `","userId":`...)
	b, _ = jsontext.AppendQuote(b, s.user) // fails on invalid UTF-8 alone, which no UserID is
	b = append(b, `,"seatIds":["`...)
	for i, id := range s.seats {
		if i > 0 {
			b = append(b, `","`...)
		}
		b = append(b, id...)
	}
	b = append(b, `"],"status":"`...)
	b = append(b, s.status...)
	b = append(b, '"')
	if s.status == lockstore.Locked {
		b = append(b, `,"expiresAt":"`...)
		b = s.expires.UTC().AppendFormat(b, timeFormat)
		b = append(b, `","expiresInSeconds":`...)
		b = strconv.AppendInt(b, int64(s.left), 10)
	}
	return append(b, "}\n"...)
}

func (a *API) lock(ctx context.Context, req seatsRequest) (*seatsAnswer, error) {
	ev, seats, user, err := a.resolve(ctx, req)
	if err != nil {
		return nil, err
	}
	expires, err := a.store.Lock(ctx, ev.Event, seats, user)
	if err != nil {
		return nil, ev.explained(err, "")
	}
	return &seatsAnswer{ev.ID, user, seats, "locked", lockstore.Locked, expires, ev.secondsLeft(expires)}, nil
}

func (a *API) confirm(ctx context.Context, req seatsRequest) (*seatsAnswer, error) {
	ev, seats, user, err := a.resolve(ctx, req)
	if err != nil {
		return nil, err
	}
	if err := a.store.Confirm(ctx, ev.Event, seats, user); err != nil {
		return nil, ev.explained(err, "")
	}
	return &seatsAnswer{event: ev.ID, user: user, seats: seats, done: "booked", status: lockstore.Booked}, nil
}

func (a *API) release(ctx context.Context, req seatsRequest) (*seatsAnswer, error) {
	ev, seats, user, err := a.resolve(ctx, req)
	if err != nil {
		return nil, err
	}
	if err := a.store.Release(ctx, ev.Event, seats, user); err != nil {
		return nil, ev.explained(err, " A booking is for good: it is not released.")
	}
	return &seatsAnswer{event: ev.ID, user: user, seats: seats, done: "released", status: lockstore.Available}, nil
}

// resolve finds what the request is about, and in whose name it is made. What the store checks by itself
// is left to it.
func (a *API) resolve(ctx context.Context, req seatsRequest) (*event, []lockstore.SeatID, lockstore.UserID, error) {
	ev, err := a.event(req.EventID)
	if err != nil {
		return nil, nil, "", err
	}
	user, err := as(ctx, req.UserID)
	if err != nil {
		return nil, nil, "", err
	}
	seats := req.SeatIDs
	switch {
	case req.SeatID != "" && seats != nil:
		return nil, nil, "", refuse(errBadRequest, "Both seatId and seatIds are there; give one of them.")
	case req.SeatID != "":
		seats = []lockstore.SeatID{req.SeatID}
	case len(seats) == 0:
		return nil, nil, "", refuse(errBadRequest, "No seat is named; give seatId or seatIds.")
	}
	for _, id := range seats {
		if err := id.Check(); err != nil {
			return nil, nil, "", err
		}
	}
	note := telemetry.Of(ctx)
	note.Event, note.Seats, note.User = ev.ID, len(seats), user
	return ev, seats, user, nil
}

// explained adds to a conflict what the store's error does not know, and a
// sentence about the call.
func (ev *event) explained(err error, sentence string) error {
	if e, ok := errors.AsType[*lockstore.ConflictError](err); ok {
		return &conflict{e, ev, sentence}
	}
	return err
}

// secondsLeft says how long a lock goes on, rounded up, so that a whole minute
// is 60. The store's clock and this one may differ: it is never more than a
// lock has when it is new.
func (ev *event) secondsLeft(expires time.Time) int {
	left := min(time.Until(expires), ev.LockTTL)
	return max(0, int(math.Ceil(left.Seconds())))
}
