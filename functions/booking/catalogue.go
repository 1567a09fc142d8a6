package booking

import (
	"context"
	"net/http"

	"github.com/go-json-experiment/json"

	"seatlock/lockstore"
)

// A catalogue is what GET /events answers. The seat maps do not change, so
// neither does the catalogue.
type catalogue struct {
	all, brief constant // every event, with its sections and without
	each       map[lockstore.EventID][2]constant
}

// newListing is events in JSON.
func newListing(events ...[]byte) constant {
	pieces := [][]byte{[]byte(`{"events":[`)}
	for i, e := range events {
		if i > 0 {
			pieces = append(pieces, []byte(","))
		}
		pieces = append(pieces, e)
	}
	return newConstant(append(pieces, []byte("]}\n"))...)
}

func newCatalogue(maps []SeatMap) (*catalogue, error) {
	c := &catalogue{each: make(map[lockstore.EventID][2]constant)}
	var all, brief [][]byte
	for _, m := range maps {
		whole, err := eventInJSON(m, true)
		if err != nil {
			return nil, err
		}
		bare, err := eventInJSON(m, false)
		if err != nil {
			return nil, err
		}
		all, brief = append(all, whole), append(brief, bare)
		c.each[m.Event.ID] = [2]constant{newListing(whole), newListing(bare)}
	}
	c.all, c.brief = newListing(all...), newListing(brief...)
	return c, nil
}

func eventInJSON(m SeatMap, layout bool) ([]byte, error) {
	type rowJSON struct {
		Name    string             `json:"name"`
		Seats   []lockstore.SeatID `json:"seats"`
		Numbers []string           `json:"numbers,omitempty"`
	}
	type sectionJSON struct {
		Name string    `json:"name"`
		Rows []rowJSON `json:"rows"`
	}
	e := struct {
		EventID     lockstore.EventID `json:"eventId"`
		Name        string            `json:"name"`
		LockSeconds float64           `json:"lockSeconds"`
		SeatLimit   int               `json:"seatLimit"`
		SeatCount   int               `json:"seatCount"`
		Sections    []sectionJSON     `json:"sections,omitempty"`
	}{m.Event.ID, m.Name, m.Event.LockTTL.Seconds(), m.Event.SeatLimit, len(m.Event.Seats), nil}
	if layout {
		for _, s := range m.Sections {
			section := sectionJSON{Name: s.Name}
			for _, row := range s.Rows {
				section.Rows = append(section.Rows, rowJSON(row))
			}
			e.Sections = append(e.Sections, section)
		}
	}
	return json.Marshal(e)
}

// listEvents answers GET /events.
func (a *API) listEvents(_ context.Context, w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "eventId", "layout")
	if err != nil {
		return err
	}
	brief := q.Get("layout") == "none"
	if q.Has("layout") && !brief {
		return refuse(errBadRequest, "There is no layout %s; it is none, or left out for the sections with their rows and seats.", shown(q.Get("layout")))
	}
	l := a.catalogue.all
	if brief {
		l = a.catalogue.brief
	}
	if q.Has("eventId") {
		ev, err := a.event(lockstore.EventID(q.Get("eventId")))
		if err != nil {
			return err
		}
		l = a.catalogue.each[ev.ID][0]
		if brief {
			l = a.catalogue.each[ev.ID][1]
		}
	}
	l.serve(w, r, mediaJSON)
	return nil
}
