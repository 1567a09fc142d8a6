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

// catalogue makes the handler of GET /events. The seat maps do not change, so
// neither does the answer.
func (a *API) catalogue(maps []SeatMap) (func(context.Context, http.ResponseWriter, *http.Request) error, error) {
	type rowJSON struct {
		Name  string             `json:"name"`
		Seats []lockstore.SeatID `json:"seats"`
	}
	type sectionJSON struct {
		Name string    `json:"name"`
		Rows []rowJSON `json:"rows"`
	}
	type eventJSON struct {
		EventID     lockstore.EventID `json:"eventId"`
		Name        string            `json:"name"`
		LockSeconds float64           `json:"lockSeconds"`
		SeatLimit   int               `json:"seatLimit"`
		SeatCount   int               `json:"seatCount"`
		Sections    []sectionJSON     `json:"sections"`
	}
	var all struct {
		Events []eventJSON `json:"events"`
	}
	for _, m := range maps {
		e := eventJSON{m.Event.ID, m.Name, m.Event.LockTTL.Seconds(), m.Event.SeatLimit, len(m.Event.Seats), nil}
		for _, s := range m.Sections {
			section := sectionJSON{Name: s.Name}
			for _, row := range s.Rows {
				section.Rows = append(section.Rows, rowJSON(row))
			}
			e.Sections = append(e.Sections, section)
		}
		all.Events = append(all.Events, e)
	}
	body, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	body = append(body, '\n')
	sum := sha256.Sum256(body)
	etag := `"` + hex.EncodeToString(sum[:12]) + `"`

	return func(_ context.Context, w http.ResponseWriter, r *http.Request) error {
		if _, err := query(r); err != nil {
			return err
		}
		h := w.Header()
		h.Set("ETag", etag)
		h.Set("Cache-Control", "no-cache")
		if matches(r.Header.Get("If-None-Match"), etag) {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
		h["Content-Type"] = mediaJSON
		h.Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method != "HEAD" {
			w.Write(body)
		}
		return nil
	}, nil
}
