package booking

import (
	"net/http"
	"strconv"

	"seatlock/functions/access"
	"seatlock/functions/problem"
	"seatlock/functions/seatlist"
	"seatlock/functions/telemetry"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// defaultEntries is how many entries GET /journal returns if the request has no limit.
const defaultEntries = 100

// journal answers GET /journal.
func (a *API) journal(w http.ResponseWriter, r *http.Request, _ access.Caller, o *telemetry.Outcome) error {
	q, err := query(r, "eventId", "after", "limit")
	if err != nil {
		return err
	}
	ev, err := a.event(lockstore.EventID(q.Get("eventId")))
	if err != nil {
		return err
	}
	o.Event = ev.ID
	after, limit := lockstore.Seq(q.Get("after")), defaultEntries
	if err := after.Check(); err != nil {
		return err
	}
	if text := q.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > lockstore.MaxEntries {
			return problem.Refuse(problem.BadRequest, "The parameter limit must be a number from 1 to %d, not %s.", lockstore.MaxEntries, venue.Shown(text))
		}
	}
	s := &stream{w: w, r: r, media: mediaJSON}
	if r.Method == "HEAD" {
		return s.close()
	}
	entries, err := a.store.Journal(r.Context(), ev.Event, after, limit)
	if err != nil {
		return err
	}
	s.buf = append(s.buf, `{"eventId":"`...)
	s.buf = append(s.buf, ev.ID...)
	s.buf = append(s.buf, `","entries":[`...)
	for i := range entries {
		if i > 0 {
			s.buf = append(s.buf, ',')
		}
		s.buf = appendEntry(s.buf, &entries[i])
		after = entries[i].Seq
		if err := s.flushIfFull(); err != nil {
			return nil // a client that has gone needs no answer
		}
	}
	s.buf = append(s.buf, `],"after":"`...)
	s.buf = append(s.buf, after...)
	s.buf = append(s.buf, "\"}\n"...)
	return s.close()
}

// appendEntry appends an entry of a journal in JSON.
func appendEntry(b []byte, e *lockstore.Entry) []byte {
	b = append(b, `{"id":`...)
	b = appendString(b, e.ID)
	b = append(b, `,"seq":"`...)
	b = append(b, e.Seq...)
	b = append(b, `","time":"`...)
	b = seatlist.AppendTime(b, e.Time.UnixMilli())
	b = append(b, `","kind":"`...)
	b = append(b, e.Kind.String()...)
	b = append(b, `","seatIds":`...)
	b = appendIDs(b, e.Seats)
	if len(e.To) > 0 {
		b = append(b, `,"toSeatIds":`...)
		b = appendIDs(b, e.To)
	}
	if e.User != "" {
		b = append(b, `,"userId":`...)
		b = appendString(b, string(e.User))
	}
	if e.Ref != "" {
		name := `,"reference":"`
		if e.Kind == lockstore.KindBlock {
			name = `,"reason":"`
		}
		b = append(b, name...)
		b = append(b, e.Ref...)
		b = append(b, '"')
	}
	if e.By != "" {
		b = append(b, `,"by":`...)
		b = appendString(b, e.By)
	}
	return append(b, '}')
}
