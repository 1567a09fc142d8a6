package booking

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/payment"
	"seatlock/functions/problem"
	"seatlock/functions/seatlist"
	"seatlock/functions/sheet"
	"seatlock/functions/telemetry"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// mine answers GET /mine: what the caller has locked and booked.
func (a *API) mine(w http.ResponseWriter, r *http.Request, by access.Caller, o *telemetry.Outcome) error {
	q, err := query(r, "eventId", "userId")
	if err != nil {
		return err
	}
	ev, err := a.event(lockstore.EventID(q.Get("eventId")))
	if err != nil {
		return err
	}
	o.Event = ev.ID
	user, err := by.As(lockstore.UserID(q.Get("userId")))
	if err != nil {
		return err
	}
	if err := user.Check(); err != nil {
		return err
	}
	o.User = user
	if r.Method == "HEAD" {
		w.Header()["Content-Type"] = mediaJSON
		return nil
	}
	now, err := a.storeNow(r.Context(), ev)
	if err != nil {
		return err
	}
	text := append([]byte(`{"eventId":"`), ev.ID...)
	text = append(text, `","userId":`...)
	text = appendString(text, string(user))
	text = append(text, `,"serverTime":"`...)
	text = seatlist.AppendTime(text, now.UnixMilli())
	text = append(text, `","seats":[`...)
	_, seats := a.store.Roster(r.Context(), ev.Event, lockstore.Filter{User: user})
	for h, err := range seats {
		if err != nil {
			return err
		}
		if o.Seats++; o.Seats > 1 {
			text = append(text, ',')
		}
		h.User = "" // the same for all seats
		text = ev.appendHolding(text, &h)
	}
	w.Header()["Content-Type"] = mediaJSON
	w.Write(append(text, "]}\n"...))
	return nil
}

// bookings answers GET /bookings, as JSON or as a table. It streams the seats from the
// store, so that its memory does not grow with the event.
func (a *API) bookings(w http.ResponseWriter, r *http.Request, _ access.Caller, o *telemetry.Outcome) error {
	q, err := a.rosterQuery(r)
	if q.ev != nil {
		o.Event = q.ev.ID
	}
	if err != nil {
		return err
	}
	s := &stream{w: w, r: r, media: mediaJSON}
	if q.table {
		s.media, s.name = mediaCSV, "bookings-"+string(q.ev.ID)+".csv"
	}
	if r.Method == "HEAD" {
		return s.close()
	}
	seq, seats := a.store.Roster(r.Context(), q.ev.Event, q.filter)
	write := s.writeJSON
	if q.table {
		write = s.writeTable
	}
	return write(q, seq, a.withContacts(r.Context(), func(yield func(*lockstore.Holding, error) bool) {
		for h, err := range seats {
			if err == nil && !q.chooses(&h) {
				continue
			}
			o.Seats++
			if !yield(&h, err) {
				return
			}
		}
	}))
}

// holdings are the seats that a roster query selects, and rosterSeats those with
// contacts.
type (
	holdings    = func(yield func(*lockstore.Holding, error) bool)
	rosterSeats = func(yield func(*rosterSeat, error) bool)
)

func (s *stream) writeJSON(q rosterQuery, seq lockstore.Seq, seats rosterSeats) error {
	s.buf = append(s.buf, `{"eventId":"`...)
	s.buf = append(s.buf, q.ev.ID...)
	s.buf = append(s.buf, `","after":"`...)
	s.buf = append(s.buf, seq...)
	s.buf = append(s.buf, `","seats":[`...)
	comma := false
	for h, err := range seats {
		if err != nil {
			return s.fail(err)
		}
		if comma {
			s.buf = append(s.buf, ',')
		}
		comma = true
		s.buf = q.ev.appendHolding(s.buf, &h.Holding)
		s.buf = appendContact(s.buf, h.contact)
		if err := s.flushIfFull(); err != nil {
			return nil // a client that has gone needs no answer
		}
	}
	s.buf = append(s.buf, "]}\n"...)
	return s.close()
}

// appendContact appends a contact to the end of a JSON object.
func appendContact(b []byte, c payment.Contact) []byte {
	for _, part := range [...]struct{ name, text string }{{"name", c.Name}, {"email", c.Email}} {
		if part.text != "" {
			b = append(b[:len(b)-1], `,"`+part.name+`":`...)
			b = append(appendString(b, part.text), '}')
		}
	}
	return b
}

func (s *stream) writeTable(q rosterQuery, _ lockstore.Seq, seats rosterSeats) error {
	table := sheet.NewWriter(s)
	table.Row("seat", "section", "row", "number", "category", "status", "user", "reference", "since", "expires", "name", "email") // writing to a stream does not fail
	for h, err := range seats {
		if err != nil {
			return s.fail(err)
		}
		at := q.ev.venue.Where(h.Seat)
		table.Row(string(h.Seat), at.Section, at.Row, at.Number, at.Category, h.Status.String(), string(h.User), string(h.Ref), shownTime(h.Since), shownTime(h.Expires), h.contact.Name, h.contact.Email)
		if err := s.flushIfFull(); err != nil {
			return nil
		}
	}
	table.Flush()
	return s.close()
}

// shownTime formats a time for an answer. It returns "" for the zero time.
func shownTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return string(seatlist.AppendTime(nil, t.UnixMilli()))
}

// appendHolding appends a seat of a roster in JSON, with its section if it is a place
// of an area.
func (ev *event) appendHolding(b []byte, h *lockstore.Holding) []byte {
	b = append(b, `{"seatId":"`...)
	b = append(b, h.Seat...)
	b = append(b, '"')
	if area := ev.areaOf(h.Seat); area != "" {
		b = append(b, `,"section":`...)
		b = appendString(b, area)
	}
	b = append(b, `,"status":"`...)
	b = append(b, h.Status.String()...)
	b = append(b, '"')
	if h.User != "" {
		b = append(b, `,"userId":`...)
		b = appendString(b, string(h.User))
	}
	if h.Ref != "" {
		name := `,"reference":"`
		if h.Status == lockstore.Blocked {
			name = `,"reason":"`
		}
		b = append(b, name...)
		b = append(b, h.Ref...)
		b = append(b, '"')
	}
	if !h.Since.IsZero() {
		b = append(b, `,"since":"`...)
		b = seatlist.AppendTime(b, h.Since.UnixMilli())
		b = append(b, '"')
	}
	if h.Status == lockstore.Locked {
		b = append(b, `,"expiresAt":"`...)
		b = seatlist.AppendTime(b, h.Expires.UnixMilli())
		b = append(b, '"')
	}
	return append(b, '}')
}

// A rosterQuery is the query of a request for a roster.
type rosterQuery struct {
	ev     *event
	filter lockstore.Filter
	user   lockstore.UserID  // "": any
	ref    lockstore.Ref     // "": any
	status *lockstore.Status // nil: any
	table  bool
}

// chooses reports whether the query selects the seat.
func (q *rosterQuery) chooses(h *lockstore.Holding) bool {
	return (q.user == "" || h.User == q.user) &&
		(q.ref == "" || h.Ref == q.ref) &&
		(q.status == nil || h.Status == *q.status)
}

func (a *API) rosterQuery(r *http.Request) (rosterQuery, error) {
	q, err := query(r, "eventId", "userId", manySeats, "reference", "status", "format")
	if err != nil {
		return rosterQuery{}, err
	}
	ev, err := a.event(lockstore.EventID(q.Get("eventId")))
	if err != nil {
		return rosterQuery{}, err
	}
	of := rosterQuery{ev: ev, user: lockstore.UserID(q.Get("userId")), ref: lockstore.Ref(q.Get("reference")), table: q.Get("format") == "csv"}
	for _, id := range q[manySeats] {
		of.filter.Seats = append(of.filter.Seats, lockstore.SeatID(id))
	}
	if len(of.filter.Seats) == 0 {
		of.filter.User = of.user
	}
	if q.Has("userId") {
		if err := of.user.Check(); err != nil {
			return of, err
		}
	}
	if err := errors.Join(of.ref.Check(), checkSeats(of.filter.Seats)); err != nil {
		return of, err
	}
	if text := q.Get("status"); text != "" {
		of.status = new(lockstore.Status)
		if of.status.UnmarshalText([]byte(text)) != nil || *of.status == lockstore.Available {
			return of, problem.Refuse(problem.BadRequest, "There is no status %s here; a seat in this list is locked, booked or blocked.", venue.Shown(text))
		}
	}
	if text := q.Get("format"); text != "" && text != "csv" && text != "json" {
		return of, problem.Refuse(problem.BadRequest, "There is no format %s; it is json or csv.", venue.Shown(text))
	}
	return of, of.filter.Check(ev.Event)
}

// cancelAll carries out a cancel that names no seats: it cancels every booking of the
// event with the reference and, if there is one, the user. It reads the bookings again
// until none is left, since some may be moved meanwhile.
func (a *API) cancelAll(ctx context.Context, c *change) ([]lockstore.SeatID, error) {
	var cancelled []lockstore.SeatID
	partly := func(err error) error {
		if err != nil && len(cancelled) > 0 { // "nothing was changed" would be wrong
			err = fmt.Errorf("%w: %w", lockstore.ErrOutcomeUnknown, err)
		}
		return err
	}
	const looks = 5
	for range looks {
		seats, err := a.booked(ctx, c)
		if err != nil || len(seats) == 0 {
			return cancelled, partly(err)
		}
		for some := range slices.Chunk(seats, lockstore.MaxSeats) {
			op := c.op
			op.Seats = some
			result, err := a.store.Do(ctx, c.on, op)
			if err != nil {
				return cancelled, partly(err)
			}
			a.clock.learn(result.Now)
			cancelled = append(cancelled, result.Changed...)
		}
	}
	return cancelled, nil
}

// booked returns the seats that are booked for the user and with the reference of the
// change.
func (a *API) booked(ctx context.Context, c *change) ([]lockstore.SeatID, error) {
	var found []lockstore.SeatID
	_, seats := a.store.Roster(ctx, c.ev.Event, lockstore.Filter{User: c.op.User})
	for h, err := range seats {
		if err != nil {
			return nil, err
		}
		if h.Status == lockstore.Booked && h.Ref == c.op.Ref {
			found = append(found, h.Seat)
		}
	}
	return found, nil
}
