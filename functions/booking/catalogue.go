package booking

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"

	"seatlock/lockstore"
)

// A catalogue is what GET /events answers. The seat maps do not change, so
// neither does the catalogue.
type catalogue struct {
	all, brief listing // every event, with its sections and without
	each       map[lockstore.EventID][2]listing
}

// A listing is events in JSON, in pieces that listings share.
type listing struct {
	pieces [][]byte
	length int
	etag   string
}

func newListing(events ...[]byte) listing {
	l := listing{pieces: [][]byte{[]byte(`{"events":[`)}}
	for i, e := range events {
		if i > 0 {
			l.pieces = append(l.pieces, []byte(","))
		}
		l.pieces = append(l.pieces, e)
	}
	l.pieces = append(l.pieces, []byte("]}\n"))
	sum := sha256.New()
	for _, piece := range l.pieces {
		l.length += len(piece)
		sum.Write(piece)
	}
	l.etag = `"` + hex.EncodeToString(sum.Sum(nil)[:12]) + `"`
	return l
}

func newCatalogue(maps []SeatMap) (*catalogue, error) {
	c := &catalogue{each: make(map[lockstore.EventID][2]listing)}
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
		c.each[m.Event.ID] = [2]listing{newListing(whole), newListing(bare)}
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
	h := w.Header()
	h.Set("ETag", l.etag)
	h.Set("Cache-Control", "no-cache")
	if matches(r.Header.Get("If-None-Match"), l.etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h["Content-Type"] = mediaJSON
	h.Set("Content-Length", strconv.Itoa(l.length))
	if r.Method != "HEAD" {
		for _, piece := range l.pieces {
			w.Write(piece) // a client that has gone needs no answer
		}
	}
	return nil
}
