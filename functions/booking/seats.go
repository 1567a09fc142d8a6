package booking

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"seatlock/functions/access"
	"seatlock/functions/problem"
	"seatlock/functions/seatlist"
	"seatlock/lockstore"
)

// A seatsRequest is the body of lock, confirm and release.
type seatsRequest struct {
	EventID lockstore.EventID  `json:"eventId"`
	SeatID  lockstore.SeatID   `json:"seatId"`
	SeatIDs []lockstore.SeatID `json:"seatIds"`
	UserID  lockstore.UserID   `json:"userId"`
}

// A change is one of the calls that change seats.
type change struct {
	op     func(lockstore.UserID, ...lockstore.SeatID) lockstore.Op
	done   string           // what it does to seats, as the message says it
	status lockstore.Status // of the seats afterwards
	also   string           // a sentence at the end of a conflict
}

var (
	lock    = change{lockstore.Lock, "locked", lockstore.Locked, ""}
	confirm = change{lockstore.Confirm, "booked", lockstore.Booked, ""}
	release = change{lockstore.Release, "released", lockstore.Available, " A booking is for good: it is not released."}
)

// do carries out the change.
func (a *API) do(ctx context.Context, c change, ev *event, seats []lockstore.SeatID, user lockstore.UserID) (seatsAnswer, error) {
	op := c.op(user, seats...)
	result, err := a.store.Do(ctx, ev.Event, op)
	if err != nil {
		return seatsAnswer{}, ev.explain(err, c.also)
	}
	answer := seatsAnswer{change: c, event: ev.ID, user: user, seats: seats, changed: len(result.Changed)}
	switch op.Kind {
	case lockstore.KindLock:
		answer.expires, answer.left = result.Expires, secondsUntil(result.Expires, result.Now)
	case lockstore.KindRelease:
		answer.seats = result.Changed // the user had no lock on the others
	}
	return answer, nil
}

// A seatsAnswer is the answer to a change.
type seatsAnswer struct {
	change
	event   lockstore.EventID
	user    lockstore.UserID
	seats   []lockstore.SeatID // with the status of the change
	expires time.Time          // if that is Locked
	left    int                // until then, in seconds
	changed int                // how many seats the call changed
}

// appendJSON appends the answer in JSON, without reflection, since every lock needs
// it.
func (s *seatsAnswer) appendJSON(b []byte) []byte {
	b = append(b, `{"message":"`...)
	if len(s.seats) == 0 {
		b = append(b, `No seat was released: this user had a lock on none of them`...)
	} else {
		list := len(b)
		b = appendSeatList(b, s.seats)
		b[list] = 'S'
		b = append(b, ' ')
		b = append(b, s.done...)
	}
	b = append(b, `.","eventId":"`...)
	b = append(b, s.event...)
	b = append(b, `","userId":`...)
	b, _ = jsontext.AppendQuote(b, s.user) // fails only on invalid UTF-8, which the store refuses in a UserID
	b = append(b, `,"seatIds":[`...)
	for i, id := range s.seats {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, id...)
		b = append(b, '"')
	}
	b = append(b, `],"status":"`...)
	b = append(b, s.status.String()...)
	b = append(b, '"')
	if s.status == lockstore.Locked {
		b = append(b, `,"expiresAt":"`...)
		b = seatlist.AppendTime(b, s.expires.UnixMilli())
		b = append(b, `","expiresInSeconds":`...)
		b = strconv.AppendInt(b, int64(s.left), 10)
	}
	return append(b, "}\n"...)
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

// secondsUntil returns the seconds from now until a lock ends, rounded up.
func secondsUntil(expires, now time.Time) int {
	return max(0, int(math.Ceil(expires.Sub(now).Seconds())))
}

// secondsLeft returns the seconds until a lock of the event ends, by the clock of
// this process. The store's clock may differ from it, so the result is at most the
// duration of a new lock.
func (ev *event) secondsLeft(expires time.Time) int {
	return min(secondsUntil(expires, time.Now()), secondsUntil(time.Time{}.Add(ev.LockTTL), time.Time{}))
}
