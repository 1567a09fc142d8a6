package venue

import (
	"github.com/go-json-experiment/json"

	"seatlock/lockstore"
)

// Render returns the event in the JSON of GET /events, with its sections if
// layout is set.
func (e *Event) Render(layout bool) ([]byte, error) {
	type row struct {
		Name    string             `json:"name"`
		Seats   []lockstore.SeatID `json:"seats"`
		Numbers []string           `json:"numbers,omitempty"`
	}
	type section struct {
		Name string `json:"name"`
		Rows []row  `json:"rows"`
	}
	out := struct {
		EventID     lockstore.EventID `json:"eventId"`
		Name        string            `json:"name"`
		Revision    int               `json:"revision,omitzero"`
		LockSeconds float64           `json:"lockSeconds"`
		MaxSeconds  float64           `json:"maxLockSeconds"`
		SeatLimit   int               `json:"seatLimit"`
		SeatCount   int               `json:"seatCount"`
		Sections    []section         `json:"sections,omitempty"`
	}{e.ID, e.Name, e.Revision, e.LockTTL.Seconds(), min(e.MaxLock, lockstore.MaxLockTTL).Seconds(), e.SeatLimit, len(e.Seats), nil}
	if layout {
		for _, s := range e.Sections {
			rows := make([]row, len(s.Rows))
			for i, r := range s.Rows {
				rows[i] = row(r)
			}
			out.Sections = append(out.Sections, section{s.Name, rows})
		}
	}
	return json.Marshal(out)
}
