package booking

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"seatlock/functions/access"
	"seatlock/functions/payment"
	"seatlock/functions/problem"
	"seatlock/functions/seatlist"
	"seatlock/functions/static"
	"seatlock/functions/telemetry"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// A Config configures an API.
type Config struct {
	Store  lockstore.LockStore // required
	Events []venue.Event       // on sale; at least one, and the first is the default of requests that name none
	Access access.Policy       // checked before every call
	Logger *slog.Logger        // nil is slog.Default()

	// Zstd compresses the answers about events in that format, for clients that accept
	// it; nil leaves them to gzip.
	Zstd func([]byte) []byte

	// Payments handles the orders of buyers. If it is nil, the API has no calls about
	// orders.
	Payments *payment.Payments

	// ReturnTo lists the origins, besides that of a request, to which buyers may come
	// back from a payment. PublicURL is where browsers find this server; if empty, it
	// is the host of the request.
	ReturnTo  []string
	PublicURL string

	// SharedSeconds lets shared caches, such as a CDN, answer with a list of at most
	// this age without asking. Such an answer may miss what was acknowledged before
	// its request. It has no effect if Access is Private.
	SharedSeconds int

	// Windows is the least number of good places for a party among which a request with
	// a count chooses. 0 means 1, which is right for a process that answers all
	// requests. Where many processes answer a few each, they would all try the same
	// seats: choose 16.
	Windows int
}

// An API answers requests about the events of its Config. Each exported field is one
// call and complete in itself: it looks at the method, the query and the body, but not
// at the path. [API.At] has all calls. All are safe for concurrent use.
type API struct {
	Lock    telemetry.Handler // POST /lock
	Extend  telemetry.Handler // POST /extend
	Confirm telemetry.Handler // POST /confirm
	Release telemetry.Handler // POST /release
	List    telemetry.Handler // GET /seats
	Events  telemetry.Handler // GET /events
	OpenAPI telemetry.Handler // GET /openapi.yaml

	paths       map[string]telemetry.Handler
	notFound    telemetry.Handler
	store       lockstore.LockStore
	sale        atomic.Pointer[sale]
	outdated    atomic.Bool // some event may be outdated
	zstd        func([]byte) []byte
	description *static.Content
	access      access.Policy
	caching     []string // the Cache-Control of lists
	windows     int
	payments    *payment.Payments
	returnTo    []string
	publicURL   string
	log         *slog.Logger
	failures    telemetry.Bound // limits the log lines about failures
	clock       clock
	changes     sync.Pool // of *change
}

// New returns an API. It fails if the Config is not valid.
func New(c Config) (*API, error) {
	if c.Store == nil {
		return nil, errors.New("booking: Config.Store must not be nil")
	}
	a := &API{
		paths:       make(map[string]telemetry.Handler),
		store:       c.Store,
		zstd:        c.Zstd,
		description: static.New(openAPI),
		access:      c.Access,
		payments:    c.Payments,
		returnTo:    c.ReturnTo,
		publicURL:   c.PublicURL,
		caching:     caching(c),
		windows:     max(c.Windows, 1),
		log:         cmp.Or(c.Logger, slog.Default()),
	}
	if err := a.SetEvents(c.Events); err != nil {
		return nil, err
	}
	calls := a.calls()
	if a.payments != nil && !a.payments.Elsewhere() {
		calls = append(calls, a.orderCalls()...)
		// A provider in test mode has the same path as in production.
		a.paths["/webhooks/"+strings.TrimSuffix(a.payments.Provider().Name(), "-test")] = a.webhook
	}
	for _, c := range calls {
		a.paths[c.path] = a.handle(c)
	}
	for path, field := range map[string]*telemetry.Handler{
		"/lock": &a.Lock, "/extend": &a.Extend, "/confirm": &a.Confirm, "/release": &a.Release,
		"/seats": &a.List, "/events": &a.Events, "/openapi.yaml": &a.OpenAPI,
	} {
		*field = a.paths[path]
	}
	a.notFound = a.handle(route{name: telemetry.Other, answer: func(http.ResponseWriter, *http.Request, access.Caller, *telemetry.Outcome) error {
		return &problem.Refusal{Kind: problem.NotFound}
	}})
	return a, nil
}

// A route is a call at its path, and its name in logs and metrics.
type route struct {
	method, path, name string
	action             access.Action
	answer             call
}

// calls returns every call but the live list.
func (a *API) calls() []route {
	change := func(path string, v *verb) route {
		return route{"POST", path, path[1:], v.action, a.post(v)}
	}
	return []route{
		change("/lock", &lock),
		change("/extend", &extend),
		change("/confirm", &confirm),
		change("/release", &release),
		change("/cancel", &cancel),
		change("/move", &move),
		change("/block", &block),
		change("/unblock", &unblock),
		change("/evict", &evict),
		{"GET", "/mine", "mine", access.Buy, a.mine},
		{"GET", "/bookings", "bookings", access.Operate, a.bookings},
		{"GET", "/journal", "journal", access.Operate, a.journal},
		{"GET", "/seats", "list", access.Look, a.list},
		{"GET", "/events", "events", access.Look, a.listEvents},
		{"GET", "/openapi.yaml", "openapi", access.Look, a.describe},
	}
}

// Calls returns the names of the calls in logs and metrics.
func Calls() []string {
	names := []string{liveCall, webhookCall}
	for _, c := range append(new(API).calls(), new(API).orderCalls()...) {
		names = append(names, c.name)
	}
	slices.Sort(names)
	return names
}

// Routes returns a handler with every call at its path. It answers every other
// path with not_found.
func (a *API) Routes() telemetry.Handler {
	return func(w http.ResponseWriter, r *http.Request) telemetry.Outcome {
		if h := a.paths[r.URL.Path]; h != nil {
			return h(w, r)
		}
		return a.notFound(w, r)
	}
}

// At returns a handler of the calls at these paths. It answers every other path with
// not_found.
func (a *API) At(paths ...string) telemetry.Handler {
	return func(w http.ResponseWriter, r *http.Request) telemetry.Outcome {
		if h := a.paths[r.URL.Path]; h != nil && slices.Contains(paths, r.URL.Path) {
			return h(w, r)
		}
		return a.notFound(w, r)
	}
}

// Count counts the seats of an event of the Config. Calls at the same time share
// one call of the store.
func (a *API) Count(ctx context.Context, id lockstore.EventID) (seatlist.Counts, error) {
	ev, err := a.event(id)
	if err != nil {
		return seatlist.Counts{}, err
	}
	snap, err := ev.feed.Refresh(ctx)
	if err != nil {
		return seatlist.Counts{}, err
	}
	return snap.Counts(), nil
}

// Event returns an event on sale, for [payment.Config].
func (a *API) Event(id lockstore.EventID) (*lockstore.Event, error) {
	ev := a.sale.Load().events[id]
	if ev == nil {
		return nil, fmt.Errorf("event %s has orders and is not in the event file; put it back until they have ended", id)
	}
	return ev.Event, nil
}

// event returns the event that a request names.
func (a *API) event(id lockstore.EventID) (*event, error) { return a.sale.Load().event(id) }
