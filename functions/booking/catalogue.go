package booking

import (
	"net/http"

	"seatlock/functions/access"
	"seatlock/functions/problem"
	"seatlock/functions/static"
	"seatlock/functions/telemetry"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// A catalogue has the answers of GET /events. It is immutable.
type catalogue struct {
	all, brief *static.Content // every event, with its sections and without
	each       map[lockstore.EventID][2]*static.Content
}

// newListing returns the answer with these events.
func newListing(zstd func([]byte) []byte, events ...[]byte) *static.Content {
	pieces := [][]byte{[]byte(`{"events":[`)}
	for i, e := range events {
		if i > 0 {
			pieces = append(pieces, []byte(","))
		}
		pieces = append(pieces, e)
	}
	return static.New(append(pieces, []byte("]}\n"))...).WithZstd(zstd)
}

func newCatalogue(events []venue.Event, zstd func([]byte) []byte) (*catalogue, error) {
	c := &catalogue{each: make(map[lockstore.EventID][2]*static.Content)}
	var all, brief [][]byte
	for _, e := range events {
		whole, err := e.Render(true)
		if err != nil {
			return nil, err
		}
		bare, err := e.Render(false)
		if err != nil {
			return nil, err
		}
		all, brief = append(all, whole), append(brief, bare)
		c.each[e.ID] = [2]*static.Content{newListing(zstd, whole), newListing(zstd, bare)}
	}
	c.all, c.brief = newListing(zstd, all...), newListing(zstd, brief...)
	return c, nil
}

// listEvents answers GET /events.
func (a *API) listEvents(w http.ResponseWriter, r *http.Request, _ access.Caller, _ *telemetry.Outcome) error {
	q, err := query(r, "eventId", "layout")
	if err != nil {
		return err
	}
	brief := q.Get("layout") == "none"
	if q.Has("layout") && !brief {
		return problem.Refuse(problem.BadRequest, "There is no layout %s; it is none, or left out for the sections with their rows and seats.", venue.Shown(q.Get("layout")))
	}
	s := a.sale.Load()
	l := s.catalogue.all
	if brief {
		l = s.catalogue.brief
	}
	if q.Has("eventId") {
		ev, err := s.event(lockstore.EventID(q.Get("eventId")))
		if err != nil {
			return err
		}
		l = s.catalogue.each[ev.ID][0]
		if brief {
			l = s.catalogue.each[ev.ID][1]
		}
	}
	l.Serve(w, r, mediaJSON)
	return nil
}
