package venue

import (
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/unicode/norm"

	"seatlock/lockstore"
)

// A maker makes the events of a file.
type maker struct {
	file     fileJSON
	defaults Defaults
	builders map[string]*builder // by the layout's place in the file; removed once it is made
	layouts  map[string]*Layout  // by the layout's place in the file, once it is made
	room     int                 // how many more seats the file may have
}

// events makes the events of the file. It first counts the seats of all layouts, so
// that a small file cannot use much memory.
func (m *maker) events() ([]Event, error) {
	if m.file.Events == nil {
		return nil, wrong("/events", "the field events is missing")
	}
	if len(m.file.Events) == 0 {
		return nil, wrong("/events", "the list must not be empty")
	}
	if err := m.count(); err != nil {
		return nil, err
	}
	events := make([]Event, len(m.file.Events))
	sold := 0
	for i := range m.file.Events {
		var err error
		if events[i], err = m.event(i); err != nil {
			return nil, err
		}
		if sold += len(events[i].Seats); sold > maxSoldSeats {
			return nil, wrong(fmt.Sprintf("/events/%d", i), "with its %d seats the events of the file have more than %d in total", len(events[i].Seats), maxSoldSeats)
		}
	}
	return events, nil
}

// unused makes the layouts that no event uses.
func (m *maker) unused() (made []*Layout, err error) {
	for _, name := range slices.Sorted(maps.Keys(m.file.Layouts)) {
		here := layoutAt(name)
		if m.layouts[here] != nil {
			continue
		}
		l, err := m.make(here, name, m.file.Layouts[name])
		if err != nil {
			return nil, err
		}
		made = append(made, l)
	}
	return made, nil
}

// count checks the form of the whole file, and counts the seats.
func (m *maker) count() error {
	for _, name := range slices.Sorted(maps.Keys(m.file.Layouts)) {
		here := layoutAt(name)
		if err := checkLabel(name); err != nil {
			return at(here, err)
		}
		if err := m.countLayout(here, "layout", m.file.Layouts[name]); err != nil {
			return err
		}
	}
	first := make(map[lockstore.EventID]string)
	for i, e := range m.file.Events {
		here := fmt.Sprintf("/events/%d", i)
		if err := e.check(here); err != nil {
			return err
		}
		if before, twice := first[e.ID]; twice {
			return wrong(here+"/id", "event %s is listed twice, first at %s", e.ID, before)
		}
		first[e.ID] = here
		own, err := e.layout(here)
		if err != nil {
			return err
		}
		if own == nil {
			if _, ok := m.file.Layouts[*e.Layout]; !ok {
				return wrong(here+"/layout", "the file has no layout %s", Shown(*e.Layout))
			}
			continue
		}
		if err := m.countLayout(here, "event", *own); err != nil {
			return err
		}
	}
	return nil
}

func (m *maker) countLayout(here, what string, l layoutJSON) error {
	b := &builder{here: here, what: what, event: MaxEventSeats, file: m.room}
	m.builders[here] = b
	err := b.count(l)
	m.room = b.file
	return err
}

// layoutAt returns the place of a layout in the file.
func layoutAt(name string) string { return string(jsontext.Pointer("/layouts").AppendToken(name)) }

// event makes the ith event.
func (m *maker) event(i int) (Event, error) {
	e, here := m.file.Events[i], fmt.Sprintf("/events/%d", i)
	layout, err := m.layout(here, e)
	if err != nil {
		return Event{}, err
	}
	made, err := e.event(here, layout, m.defaults)
	if err != nil {
		return Event{}, err
	}
	return made, made.find(here)
}

// layout makes the layout of an event, unless it was made for another event.
func (m *maker) layout(here string, e eventJSON) (*Layout, error) {
	form, err := e.layout(here)
	if err != nil {
		return nil, err
	}
	name := ""
	if form == nil {
		name = *e.Layout
		here = layoutAt(name)
		named := m.file.Layouts[name]
		form = &named
	}
	if made := m.layouts[here]; made != nil {
		return made, nil
	}
	return m.make(here, name, *form)
}

// make makes the layout at a place in the file. Its name is empty if it belongs to one
// event.
func (m *maker) make(here, name string, form layoutJSON) (*Layout, error) {
	made, err := m.builders[here].build(form)
	if err != nil {
		return nil, err
	}
	made.Name = norm.NFC.String(name)
	delete(m.builders, here) // it takes as much memory as the layout
	if name != "" {
		m.layouts[here] = made
	}
	return made, nil
}
