package booking

import (
	"errors"
	"fmt"

	"seatlock/functions/problem"
	"seatlock/functions/seatlist"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// A sale is the events on sale. It is immutable; [API.SetEvents] replaces it.
type sale struct {
	first     *event
	events    map[lockstore.EventID]*event
	list      []*event // in the order of the event file
	catalogue *catalogue
}

// SetEvents replaces the events on sale. Requests under way are answered for the old
// events. Viewers of an event that has changed are disconnected, and come back.
// SetEvents fails, and changes nothing, if there is no event or two have the same id.
// It must not be called concurrently.
func (a *API) SetEvents(events []venue.Event) error {
	if len(events) == 0 {
		return errors.New("booking: there must be an event on sale")
	}
	before := a.sale.Load()
	next := &sale{events: make(map[lockstore.EventID]*event)}
	plans := make(map[*venue.Layout]*layoutPlans)
	for _, e := range events {
		if next.events[e.ID] != nil {
			return fmt.Errorf("booking: two events have the id %s", e.ID)
		}
		if plans[e.Layout] == nil {
			plans[e.Layout] = newPlans(e.Layout)
		}
		var ev *event
		if old := before.same(&e); old != nil {
			ev = old.with(&e)
		} else {
			ev = newEvent(a.store, &e, plans[e.Layout].lists)
		}
		ev.plans, ev.windows = plans[e.Layout], a.windows
		next.events[e.ID] = ev
		next.list = append(next.list, ev)
	}
	next.first = next.list[0]
	var err error
	if next.catalogue, err = newCatalogue(events, a.zstd); err != nil {
		return err
	}
	a.sale.Store(next)
	if before != nil {
		for id, ev := range before.events {
			if after := next.events[id]; after == nil || after.feed != ev.feed {
				ev.feed.Retire()
			}
		}
	}
	return nil
}

func newEvent(store lockstore.LockStore, e *venue.Event, lists *seatlist.Plan) *event {
	unlimited := *e.Event
	unlimited.SeatLimit = 0
	return &event{Event: e.Event, venue: e, unlimited: &unlimited, feed: seatlist.New(store, e.Event, lists)}
}

// with returns the event as another event file describes it, with the same seats and
// settings. Both share one feed.
func (ev *event) with(e *venue.Event) *event {
	next := &event{Event: ev.Event, venue: e, unlimited: ev.unlimited, feed: ev.feed}
	next.outdated.Store(ev.outdated.Load())
	return next
}

// same returns the event of the sale that has the same seats, areas, categories and
// settings, or nil.
func (s *sale) same(e *venue.Event) *event {
	if s == nil {
		return nil
	}
	old := s.events[e.ID]
	if old == nil || old.Fingerprint() != e.Fingerprint() || !old.venue.Layout.SameParts(e.Layout) {
		return nil
	}
	settings := *e.Event
	settings.Layout = old.Layout
	if *old.Event != settings {
		return nil
	}
	return old
}

// EventIDs returns the ids of the events on sale.
func (a *API) EventIDs() []lockstore.EventID {
	var ids []lockstore.EventID
	for _, ev := range a.sale.Load().list {
		ids = append(ids, ev.ID)
	}
	return ids
}

// First returns the event of requests that name none.
func (a *API) First() *lockstore.Event { return a.sale.Load().first.Event }

// Outdated returns the events that the store keeps with another seat map, as far as
// requests have found out.
func (a *API) Outdated() []lockstore.EventID {
	var ids []lockstore.EventID
	for _, ev := range a.sale.Load().list {
		if ev.outdated.Load() {
			ids = append(ids, ev.ID)
		}
	}
	return ids
}

// event returns the event that a request names.
func (s *sale) event(id lockstore.EventID) (*event, error) {
	if id == "" {
		return s.first, nil
	}
	if err := id.Check(); err != nil {
		return nil, err
	}
	ev := s.events[id]
	if ev == nil {
		return nil, problem.Refuse(problem.UnknownEvent, "There is no event %s here. GET /events lists those that are on sale.", id)
	}
	return ev, nil
}

// noteMap records what a request found out about the seat map of its event. A request
// that began before SetEvents may record it for a replaced event; the next request
// corrects that.
func (a *API) noteMap(id lockstore.EventID, err error) {
	outdated := errors.Is(err, lockstore.ErrOtherSeats)
	if err != nil && !outdated || err == nil && !a.outdated.Load() {
		return
	}
	if ev := a.sale.Load().events[id]; ev != nil && ev.outdated.Load() != outdated {
		ev.outdated.Store(outdated)
		a.outdated.Store(len(a.Outdated()) > 0)
	}
}
