package booking

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"seatlock/functions/problem"
	"seatlock/functions/seatlist"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// storeErrors maps errors of the store and of the context to kinds. The first row
// that matches counts.
var storeErrors = []struct {
	err    error
	kind   problem.Kind
	detail string // empty is the kind's own
}{
	{lockstore.ErrOutcomeUnknown, problem.OutcomeUnknown, ""},
	{lockstore.ErrUnavailable, problem.StoreUnavailable, ""},
	{context.DeadlineExceeded, problem.StoreUnavailable, "The store of the seats did not answer in time; nothing was changed. Try again."},
	{context.Canceled, problem.StoreUnavailable, "The request was given up before the store of the seats answered; nothing was changed."},
	{lockstore.SeatBooked, problem.SeatBooked, ""},
	{lockstore.SeatLocked, problem.SeatLocked, ""},
	{lockstore.SeatBlocked, problem.SeatBlocked, ""},
	{lockstore.LockNotHeld, problem.LockNotHeld, ""},
	{lockstore.LockExpired, problem.LockExpired, ""},
	{lockstore.NotBooked, problem.NotBooked, ""},
	{lockstore.OverSeatLimit, problem.SeatLimit, ""},
	{lockstore.ErrJournalReset, problem.JournalReset, ""},
	{lockstore.ErrOtherSeats, problem.SeatMapChanged, ""},
	{lockstore.ErrInvalid, problem.BadRequest, ""},
	{lockstore.ErrUnknownSeats, problem.UnknownSeat, ""},
}

// kindOf returns the kind of an error that is not a Refusal, and its detail unless that
// is the kind's own.
func kindOf(err error) (problem.Kind, string) {
	for _, row := range storeErrors {
		if errors.Is(err, row.err) {
			return row.kind, row.detail
		}
	}
	return problem.Internal, ""
}

// refusalOf returns the Refusal in the error, or one that describes it.
func refusalOf(err error) *problem.Refusal {
	if r, ok := errors.AsType[*problem.Refusal](err); ok {
		return r
	}
	r := &problem.Refusal{Err: err}
	r.Kind, r.Detail = kindOf(err)
	if e, ok := errors.AsType[*lockstore.InvalidError](err); ok {
		r.Detail = sentence(e.Problem) + "."
	}
	if e, ok := errors.AsType[*lockstore.UnknownSeatsError](err); ok {
		r.Detail = fmt.Sprintf("Event %s has no %s. GET /events lists its seats.", e.Event, seatList(e.Seats))
		for _, id := range e.Seats {
			r.Seats = append(r.Seats, problem.Seat{SeatID: string(id)})
		}
	}
	return r
}

// explain turns a conflict into a Refusal, with the call's own sentence at the end, and
// returns other errors unchanged.
func (a *API) explain(err error, v *verb, c *change) error {
	e, ok := errors.AsType[*lockstore.ConflictError](err)
	if !ok {
		return err
	}
	r := &problem.Refusal{Err: err}
	r.Kind, _ = kindOf(err)
	byStatus := make(map[lockstore.Status][]lockstore.SeatID)
	var all []lockstore.SeatID
	now, wait := a.clock.now(), 0 // wait is the seconds until the last lock ends
	for _, s := range e.Seats {
		seat := problem.Seat{SeatID: string(s.ID), Status: s.Status.String()}
		if s.Status == lockstore.Locked {
			seat.ExpiresAt = string(seatlist.AppendEnd(nil, s.Expires.UnixMilli()))
			wait = max(wait, 1, secondsUntil(s.Expires, now))
		}
		r.Seats = append(r.Seats, seat)
		all = append(all, s.ID)
		byStatus[s.Status] = append(byStatus[s.Status], s.ID)
	}
	locked, booked, blocked := byStatus[lockstore.Locked], byStatus[lockstore.Booked], byStatus[lockstore.Blocked]
	switch e.Reason {
	case lockstore.SeatLocked:
		r.Detail = fmt.Sprintf("%s %s locked by somebody else for up to %s more. Choose another, or try again then.",
			sentence(seatList(locked)), is(locked), seconds(wait)) + notForSale(blocked)
		r.Wait = time.Duration(wait) * time.Second
	case lockstore.SeatBooked:
		r.Detail = fmt.Sprintf("%s %s booked.", sentence(seatList(booked)), is(booked))
		if len(locked) > 0 {
			r.Detail += fmt.Sprintf(" %s %s locked by somebody else.", sentence(seatList(locked)), is(locked))
		}
		r.Detail += notForSale(blocked)
	case lockstore.SeatBlocked:
		r.Detail = notForSale(blocked)[1:] + " Choose another."
	case lockstore.LockExpired:
		what := "The time to confirm " + seatList(all) + " is over."
		if c.op.Kind == lockstore.KindExtend {
			what = fmt.Sprintf("The time of the lock on %s is over.", seatList(all))
		}
		r.Detail = what + afterConfirm(byStatus)
	case lockstore.LockNotHeld:
		r.Detail = fmt.Sprintf("This user has no lock on %s.%s", seatList(all), afterConfirm(byStatus))
	case lockstore.NotBooked:
		r.Detail = fmt.Sprintf("%s %s not booked by that user and with that reference.", sentence(seatList(all)), is(all))
	case lockstore.OverSeatLimit:
		r.Detail = fmt.Sprintf("One user may have %d seats of this event, locked and booked together, and this one has %d already. Release some, or lock fewer.", c.ev.SeatLimit, e.Held)
	}
	if c.op.Kind == v.kind { // a direct booking is refused as a lock is
		r.Detail += v.also[e.Reason]
	}
	return r
}

// notForSale names the blocked seats, after a space. It returns "" if there are none.
func notForSale(blocked []lockstore.SeatID) string {
	if len(blocked) == 0 {
		return ""
	}
	return fmt.Sprintf(" %s %s not for sale.", sentence(seatList(blocked)), is(blocked))
}

// afterConfirm says what state the seats of a failed confirm are in, and what to do
// about it.
func afterConfirm(byStatus map[lockstore.Status][]lockstore.SeatID) string {
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
	b.WriteString(notForSale(byStatus[lockstore.Blocked]))
	return b.String()
}

// explainJSON returns a refusal of the body that says what is wrong with it, and where.
func explainJSON(err error, v *verb) error {
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		switch at := strings.TrimPrefix(string(e.JSONPointer), "/"); {
		case errors.Is(err, json.ErrUnknownName):
			return v.noField(at)
		case at == "":
			return badBody("The body must be one JSON object.")
		default:
			name, _, _ := strings.Cut(at, "/")
			return badBody("The field %s is of the wrong type: it must be %s.", venue.Shown(at), kindOfField(name))
		}
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return badBody("The field %s is given twice.", venue.Shown(e.JSONPointer.LastToken()))
		}
		if e.ByteOffset == 0 && errors.Is(err, io.ErrUnexpectedEOF) {
			return badBody("The body is empty; it is one JSON object.")
		}
		return badBody("The body is not JSON, or not one object alone: %v at byte %d.", e.Err, e.ByteOffset)
	}
	return badBody("The body could not be read to its end.")
}

func badBody(format string, args ...any) error {
	return problem.Refuse(problem.BadRequest, format, args...)
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

// sentence capitalizes the first letter of a phrase.
func sentence(phrase string) string {
	r, n := utf8.DecodeRuneInString(phrase)
	return string(unicode.ToUpper(r)) + phrase[n:]
}
