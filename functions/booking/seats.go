package booking

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"seatlock/functions/access"
	"seatlock/functions/problem"
	"seatlock/lockstore"
)

// A seatsRequest is the body of lock, confirm and release.
type seatsRequest struct {
	EventID lockstore.EventID  `json:"eventId"`
	SeatID  lockstore.SeatID   `json:"seatId"`
	SeatIDs []lockstore.SeatID `json:"seatIds"`
	UserID  lockstore.UserID   `json:"userId"`
}

// A seatsAnswer is the answer of lock, confirm and release.
type seatsAnswer struct {
	event   lockstore.EventID
	user    lockstore.UserID
	seats   []lockstore.SeatID
	done    string // what was done to the seats, as the message says it
	status  lockstore.Status
	expires time.Time // if Locked
	left    int       // until then, in seconds
}

// appendJSON renders the answer without reflection, since every lock needs it.
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
	b, _ = jsontext.AppendQuote(b, s.user) // fails only on invalid UTF-8, which the store refuses in a UserID
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

func (a *API) lock(ctx context.Context, ev *event, seats []lockstore.SeatID, user lockstore.UserID) (seatsAnswer, error) {
	expires, err := a.store.Lock(ctx, ev.Event, seats, user)
	if err != nil {
		return seatsAnswer{}, ev.explain(err, "")
	}
	return seatsAnswer{ev.ID, user, seats, "locked", lockstore.Locked, expires, ev.secondsLeft(expires)}, nil
}

func (a *API) confirm(ctx context.Context, ev *event, seats []lockstore.SeatID, user lockstore.UserID) (seatsAnswer, error) {
	if err := a.store.Confirm(ctx, ev.Event, seats, user); err != nil {
		return seatsAnswer{}, ev.explain(err, "")
	}
	return seatsAnswer{event: ev.ID, user: user, seats: seats, done: "booked", status: lockstore.Booked}, nil
}

func (a *API) release(ctx context.Context, ev *event, seats []lockstore.SeatID, user lockstore.UserID) (seatsAnswer, error) {
	if err := a.store.Release(ctx, ev.Event, seats, user); err != nil {
		return seatsAnswer{}, ev.explain(err, " A booking is for good: it is not released.")
	}
	return seatsAnswer{event: ev.ID, user: user, seats: seats, done: "released", status: lockstore.Available}, nil
}

// resolve returns the event and the seats that a request is about, and the user
// on whose behalf it is made. It leaves to the store what the store checks.
func (a *API) resolve(req seatsRequest, by access.Caller) (*event, []lockstore.SeatID, lockstore.UserID, error) {
	ev, err := a.event(req.EventID)
	if err != nil {
		return nil, nil, "", err
	}
	user, err := by.As(req.UserID)
	if err != nil {
		return nil, nil, "", err
	}
	seats := req.SeatIDs
	switch {
	case req.SeatID != "" && seats != nil:
		return nil, nil, "", problem.Refuse(problem.BadRequest, "Both seatId and seatIds are there; give one of them.")
	case req.SeatID != "":
		seats = []lockstore.SeatID{req.SeatID}
	case len(seats) == 0:
		return nil, nil, "", problem.Refuse(problem.BadRequest, "No seat is named; give seatId or seatIds.")
	}
	for _, id := range seats {
		if err := id.Check(); err != nil {
			return nil, nil, "", err
		}
	}
	return ev, seats, user, nil
}

// secondsLeft returns the seconds until a lock ends, rounded up. The store's clock
// may differ from this one's, so it returns no more than a new lock has.
func (ev *event) secondsLeft(expires time.Time) int {
	left := min(time.Until(expires), ev.LockTTL)
	return max(0, int(math.Ceil(left.Seconds())))
}
