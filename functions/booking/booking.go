package booking

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"seatlock/lockstore"
)

// A Config says what an API sells and where it keeps it.
type Config struct {
	Store    lockstore.LockStore // required
	SeatMaps []SeatMap           // the events on sale; at least one, the first is meant where a request names none
	Logger   *slog.Logger        // nil is slog.Default()
}

// An API answers requests about the events of its Config. Each field is one
// call, complete in itself: it looks at the method, the query and the body,
// but not at the path. All are safe for concurrent use.
type API struct {
	Lock    http.Handler // POST /lock
	Confirm http.Handler // POST /confirm
	Release http.Handler // POST /release
	List    http.Handler // GET /seats
	Events  http.Handler // GET /events
	OpenAPI http.Handler // GET /openapi.yaml

	store       lockstore.LockStore
	first       *event
	events      map[lockstore.EventID]*event
	catalogue   *catalogue
	description constant
	log         *slog.Logger
}

// event is an event on sale, and its list.
type event struct {
	*lockstore.Event
	board *board
}

// New makes an API, or says what is wrong with the Config.
func New(c Config) (*API, error) {
	if c.Store == nil {
		return nil, errors.New("booking: Config.Store is missing")
	}
	if len(c.SeatMaps) == 0 {
		return nil, errors.New("booking: Config.SeatMaps is empty: there is no event to sell")
	}
	a := &API{store: c.Store, events: make(map[lockstore.EventID]*event), description: newConstant(openAPI), log: c.Logger}
	if a.log == nil {
		a.log = slog.Default()
	}
	for _, m := range c.SeatMaps {
		if a.events[m.Event.ID] != nil {
			return nil, fmt.Errorf("booking: two events have the id %s", m.Event.ID)
		}
		a.events[m.Event.ID] = &event{m.Event, newBoard(c.Store, m.Event)}
	}
	a.first = a.events[c.SeatMaps[0].Event.ID]

	var err error
	if a.catalogue, err = newCatalogue(c.SeatMaps); err != nil {
		return nil, err
	}
	a.Lock = a.post("lock", a.lock)
	a.Confirm = a.post("confirm", a.confirm)
	a.Release = a.post("release", a.release)
	a.List = a.get("list", a.list)
	a.Events = a.get("events", a.listEvents)
	a.OpenAPI = a.get("openapi", a.describe)
	return a, nil
}

// calls are the calls by where they are mounted: what each is called in logs
// and metrics, and what answers it.
var calls = map[string]struct {
	name string
	of   func(*API) http.Handler
}{
	"/lock":         {"lock", func(a *API) http.Handler { return a.Lock }},
	"/confirm":      {"confirm", func(a *API) http.Handler { return a.Confirm }},
	"/release":      {"release", func(a *API) http.Handler { return a.Release }},
	"/seats":        {"list", func(a *API) http.Handler { return a.List }},
	"/events":       {"events", func(a *API) http.Handler { return a.Events }},
	"/openapi.yaml": {"openapi", func(a *API) http.Handler { return a.OpenAPI }},
}

// Routes mounts every call at its path. Any other path is answered with
// not_found.
func (a *API) Routes() http.Handler {
	paths := a.paths()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := paths[r.URL.Path]; h != nil {
			h.ServeHTTP(w, r)
			return
		}
		a.fail(w, r, errNotFound)
	})
}

// callAt is the name of the call at a path, or empty.
func callAt(path string) string {
	if path == LivePath {
		return liveCall
	}
	return calls[path].name
}

// paths says where each call of the API is.
func (a *API) paths() map[string]http.Handler {
	paths := make(map[string]http.Handler, len(calls))
	for path, call := range calls {
		paths[path] = call.of(a)
	}
	return paths
}

// event finds the event that a request names.
func (a *API) event(id lockstore.EventID) (*event, error) {
	if id == "" {
		return a.first, nil
	}
	if err := id.Check(); err != nil {
		return nil, err
	}
	ev := a.events[id]
	if ev == nil {
		return nil, refuse(errUnknownEvent, "There is no event %s here. GET /events lists those that are on sale.", id)
	}
	return ev, nil
}
