package booking

import (
	"net/http"

	"seatlock/functions/access"
	"seatlock/functions/problem"
	"seatlock/functions/seatlist"
	"seatlock/functions/static"
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
	h := w.Header()
	etag := q.ev.etag(snap)
	h["Etag"] = etag
	static.Vary(h)
	if static.Matches(r.Header, etag[0]) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h["Content-Type"] = mediaJSON
	if r.Method == "HEAD" {
		return nil // no Content-Length: that would need the list rendered
	}
	q.ev.rendered(q.of(snap), static.AcceptsGzip(r.Header)).write(w)
	return nil
}

// of returns the list that the query asks for.
func (q *listQuery) of(snap *seatlist.Snapshot) *seatlist.List {
	if q.status != nil {
		return snap.WithStatus(*q.status)
	}
	return snap.Since(q.since)
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
		return l, problem.Refuse(problem.BadRequest, "There is no status %s; a seat is available, locked, booked or blocked.", venue.Shown(text))
	}
	if l.since != "" {
		return l, problem.Refuse(problem.BadRequest, "since and status do not go together: a seat that leaves the status would be missing from the changes.")
	}
	return l, nil
}
