package booking

import (
	"net/http"
	"strconv"
	"strings"

	"seatlock/functions/access"
	"seatlock/functions/problem"
	"seatlock/functions/seatlist"
	"seatlock/functions/telemetry"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// list answers GET /seats.
func (a *API) list(w http.ResponseWriter, r *http.Request, _ access.Caller, o *telemetry.Outcome) error {
	q, err := a.listQuery(r, o, "eventId", "since", "status")
	if err != nil {
		return err
	}
	snap, err := q.ev.feed.Refresh(r.Context())
	if err != nil {
		return err
	}
	etag := `W/"` + snap.Tag() + `"` // weak: the list has the server's time, too
	h := w.Header()
	h.Set("ETag", etag)
	h.Set("Cache-Control", "no-cache") // it may be kept, but has to be validated each time
	if matches(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}

	var l *seatlist.List
	if q.status != nil {
		l = snap.WithStatus(*q.status)
	} else if l, err = snap.Since(r.Context(), q.since); err != nil {
		return err
	}
	h["Content-Type"] = mediaJSON
	h.Set("Content-Length", strconv.Itoa(l.Len()))
	if r.Method != "HEAD" {
		l.WriteTo(w) // a client that has gone needs no answer
	}
	return nil
}

// A listQuery says which list a request asks for.
type listQuery struct {
	ev     *event
	since  lockstore.Version
	status *lockstore.Status // nil: any
}

// listQuery reads the query of a request for a list, and fills in the event of o.
// known are the parameters of the call.
func (a *API) listQuery(r *http.Request, o *telemetry.Outcome, known ...string) (listQuery, error) {
	q, err := query(r, known...)
	if err != nil {
		return listQuery{}, err
	}
	ev, err := a.event(lockstore.EventID(q.Get("eventId")))
	if err != nil {
		return listQuery{}, err
	}
	o.Event = ev.ID
	l := listQuery{ev: ev, since: lockstore.Version(q.Get("since"))}
	if err := l.since.Check(); err != nil {
		return l, err
	}
	text := q.Get("status")
	if text == "" {
		return l, nil
	}
	l.status = new(lockstore.Status)
	if l.status.UnmarshalText([]byte(text)) != nil {
		return l, problem.Refuse(problem.BadRequest, "There is no status %s; a seat is available, locked or booked.", venue.Shown(text))
	}
	if l.since != "" {
		return l, problem.Refuse(problem.BadRequest, "since and status do not go together: a seat that leaves the status would be missing from the changes.")
	}
	return l, nil
}

// matches reports whether an If-None-Match header names the tag.
func matches(header, etag string) bool {
	if header == "" {
		return false
	}
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}
