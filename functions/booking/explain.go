package booking

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"seatlock/lockstore"
)

// explain puts into p what the error says to a person, and returns after how
// many seconds another try may succeed, or 0.
func explain(err error, p *problem) (wait int) {
	if e, ok := errors.AsType[*refusal](err); ok {
		p.Detail = e.detail
		wait = int(math.Ceil(e.wait.Seconds()))
	}
	if e, ok := errors.AsType[*lockstore.InvalidError](err); ok {
		p.Detail = sentence(e.Problem) + "."
	}
	if e, ok := errors.AsType[*lockstore.UnknownSeatsError](err); ok {
		p.Detail = fmt.Sprintf("Event %s has no %s. GET /events lists its seats.", e.Event, seatList(e.Seats))
		for _, id := range e.Seats {
			p.Seats = append(p.Seats, seatJSON{SeatID: id})
		}
	}
	if e, ok := errors.AsType[*conflict](err); ok {
		wait = e.explain(p)
	}
	return wait
}

// conflict is a ConflictError on its way to the caller.
type conflict struct {
	*lockstore.ConflictError
	ev   *event
	more string // a sentence about the call
}

func (e *conflict) Unwrap() error { return e.ConflictError }

func (e *conflict) explain(p *problem) (wait int) {
	byStatus := make(map[lockstore.Status][]lockstore.SeatID)
	var all []lockstore.SeatID
	for _, s := range e.Seats {
		j := seatJSON{SeatID: s.ID, Status: s.Status}
		if s.Status == lockstore.Locked {
			j.ExpiresAt = timestamp(s.Expires)
			wait = max(wait, 1, e.ev.secondsLeft(s.Expires))
		}
		p.Seats = append(p.Seats, j)
		all = append(all, s.ID)
		byStatus[s.Status] = append(byStatus[s.Status], s.ID)
	}
	locked, booked := byStatus[lockstore.Locked], byStatus[lockstore.Booked]
	retry := 0
	switch e.Reason {
	case lockstore.SeatLocked:
		p.Detail = fmt.Sprintf("%s %s locked by somebody else for up to %s more. Choose another, or try again then.",
			sentence(seatList(locked)), is(locked), seconds(wait))
		retry = wait
	case lockstore.SeatBooked:
		p.Detail = fmt.Sprintf("%s %s booked.", sentence(seatList(booked)), is(booked))
		if len(locked) > 0 {
			p.Detail += fmt.Sprintf(" %s %s locked by somebody else.", sentence(seatList(locked)), is(locked))
		}
	case lockstore.LockExpired:
		p.Detail = fmt.Sprintf("The time to confirm %s is over.%s", seatList(all), nowWhat(byStatus))
	case lockstore.LockNotHeld:
		p.Detail = fmt.Sprintf("This user has no lock on %s.%s", seatList(all), nowWhat(byStatus))
	case lockstore.OverSeatLimit:
		p.Detail = fmt.Sprintf("One user may have %d seats of this event, locked and booked together, and this one has %d already. Release some, or lock fewer.", e.ev.SeatLimit, e.Held)
	}
	p.Detail += e.more
	return retry
}

// nowWhat says what has become of seats that could not be confirmed.
func nowWhat(byStatus map[lockstore.Status][]lockstore.SeatID) string {
	var b strings.Builder
	if s := byStatus[lockstore.Available]; len(s) > 0 {
		fmt.Fprintf(&b, " %s %s available: lock again to go on.", sentence(seatList(s)), is(s))
	}
	if s := byStatus[lockstore.Locked]; len(s) > 0 {
		fmt.Fprintf(&b, " %s %s locked by somebody else.", sentence(seatList(s)), is(s))
	}
	if s := byStatus[lockstore.Booked]; len(s) > 0 {
		fmt.Fprintf(&b, " %s %s booked by somebody else.", sentence(seatList(s)), is(s))
	}
	return b.String()
}

// explainJSON says what is wrong with a body, and where.
func explainJSON(err error) string {
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		switch at := strings.TrimPrefix(string(e.JSONPointer), "/"); {
		case errors.Is(err, json.ErrUnknownName):
			return fmt.Sprintf("There is no field %s; there are seatId or seatIds, userId and eventId.", shown(at))
		case at == "":
			return "The body must be one JSON object."
		default:
			return fmt.Sprintf("The field %s is of the wrong type: seatIds is a list of strings, every other field a string.", shown(at))
		}
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return fmt.Sprintf("The field %s is there twice.", shown(e.JSONPointer.LastToken()))
		}
		if e.ByteOffset == 0 && errors.Is(err, io.ErrUnexpectedEOF) {
			return "The body is empty; it is one JSON object."
		}
		return fmt.Sprintf("The body is not JSON, or not one object alone: %v at byte %d.", e.Err, e.ByteOffset)
	}
	return "The body could not be read to its end."
}

// seatList names seats: "seat A1", "seats A1, A2 and A3".
func seatList(ids []lockstore.SeatID) string { return string(appendSeatList(nil, ids)) }

func appendSeatList(b []byte, ids []lockstore.SeatID) []byte {
	b = append(b, "seat"...)
	if len(ids) > 1 {
		b = append(b, 's')
	}
	for i, id := range ids {
		switch {
		case i == 0:
			b = append(b, ' ')
		case i == len(ids)-1:
			b = append(b, " and "...)
		default:
			b = append(b, ", "...)
		}
		b = append(b, id...)
	}
	return b
}

func is(ids []lockstore.SeatID) string {
	if len(ids) == 1 {
		return "is"
	}
	return "are"
}

func seconds(n int) string {
	if n == 1 {
		return "1 second"
	}
	return fmt.Sprintf("%d seconds", n)
}

// sentence gives a phrase a capital letter.
func sentence(phrase string) string {
	r, n := utf8.DecodeRuneInString(phrase)
	return string(unicode.ToUpper(r)) + phrase[n:]
}

// shown quotes what a caller sent, cut to a length that does no harm.
func shown(s string) string {
	const most = 80
	if len(s) > most {
		return fmt.Sprintf("%+q…", s[:most])
	}
	return fmt.Sprintf("%+q", s)
}

const timeFormat = "2006-01-02T15:04:05.000Z"

// timestamp is RFC 3339, in UTC, to the millisecond.
func timestamp(t time.Time) string { return t.UTC().Format(timeFormat) }
