package booking

import (
	"net/http"
	"sync"

	"seatlock/functions/access"
	"seatlock/functions/problem"
	"seatlock/functions/static"
	"seatlock/functions/telemetry"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// A catalogue holds the answers of GET /events. It is immutable, but makes the answers
// about single events when they are first asked for.
type catalogue struct {
	all, brief *static.Content // every event, with and without the layouts
	each       map[lockstore.EventID]*entry
	zstd       func([]byte) []byte
}

// An entry is one event of a catalogue. Entries of one layout share its JSON.
type entry struct {
	event  []byte // without its layout
	layout []byte
	name   []byte // the layout's name as a JSON string; nil if the layout is part of the event

	whole, bare struct {
		once    sync.Once
		content *static.Content
	}
}

func newCatalogue(events []venue.Event, zstd func([]byte) []byte) (*catalogue, error) {
	c := &catalogue{each: make(map[lockstore.EventID]*entry), zstd: zstd}
	var all []*entry
	for i := range events {
		e, err := newEntry(&events[i])
		if err != nil {
			return nil, err
		}
		c.each[events[i].ID] = e
		all = append(all, e)
	}
	c.all, c.brief = c.listing(true, all...), c.listing(false, all...)
	return c, nil
}

func newEntry(ev *venue.Event) (e *entry, err error) {
	e = new(entry)
	if e.event, err = ev.Render(); err != nil {
		return nil, err
	}
	if e.layout, err = ev.Layout.Render(); err != nil {
		return nil, err
	}
	if ev.Layout.Name != "" {
		e.name = appendString(nil, ev.Layout.Name)
	}
	return e, nil
}

// listing returns the answer with these events.
func (c *catalogue) listing(layouts bool, events ...*entry) *static.Content {
	pieces := [][]byte{[]byte(`{"events":[`)}
	var shared []*entry // one for each layout that has a name
	seen := make(map[string]bool)
	for i, e := range events {
		if i > 0 {
			pieces = append(pieces, []byte(","))
		}
		switch {
		case !layouts:
			pieces = append(pieces, e.event)
		case e.name != nil:
			pieces = append(pieces, e.event)
			if !seen[string(e.name)] {
				seen[string(e.name)] = true
				shared = append(shared, e)
			}
		default: // merge the two objects
			pieces = append(pieces, e.event[:len(e.event)-1], []byte(","), e.layout[1:])
		}
	}
	pieces = append(pieces, []byte("]"))
	for i, e := range shared {
		before := ","
		if i == 0 {
			before = `,"layouts":{`
		}
		pieces = append(pieces, []byte(before), e.name, []byte(":"), e.layout)
	}
	if len(shared) > 0 {
		pieces = append(pieces, []byte("}"))
	}
	return static.New(append(pieces, []byte("}\n"))...).WithZstd(c.zstd)
}

// of returns the answer about one event.
func (c *catalogue) of(id lockstore.EventID, layout bool) *static.Content {
	e := c.each[id]
	answer := &e.bare
	if layout {
		answer = &e.whole
	}
	answer.once.Do(func() { answer.content = c.listing(layout, e) })
	return answer.content
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
		l = s.catalogue.of(ev.ID, !brief)
	}
	l.Serve(w, r, mediaJSON)
	return nil
}
