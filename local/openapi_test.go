package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/booking/apitest"
	"seatlock/functions/payment"
	"seatlock/functions/payment/till"
	"seatlock/functions/settings"
	"seatlock/functions/telemetry"
	"seatlock/functions/venue"
	"seatlock/local/live"
	"seatlock/local/web"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// A fixture is a runner in the state that the examples of openapi.yaml show, at
// twenty seconds past seven: user456 locked C1 and C2 at seven and booked D1 as order-1041,
// user789's lock on E1 has just expired, and Box-1 is locked. user456 locked B1 of the
// gala, which is sold until half past seven.
type fixture struct {
	t        *testing.T
	store    lockstore.LockStore
	orders   lockstore.OrderStore
	till     *till.Till
	pays     payment.Provider // the till, or one that is away
	notice   []byte           // the till's last notice, and its signature
	signed   string
	order    string // the order of B1 of the gala
	events   []venue.Event
	policy   access.Policy
	viewers  int              // the most at a time
	full     bool             // whether all connections are taken
	stopping bool             // whether the runner is stopping
	caller   lockstore.UserID // who is signed in
	gate     *gate            // makes guests and signs users in; may be nil
	version  string           // of the client's list
	token    string           // of the client's session
	api      *booking.API     // for the next requests; nil makes a new one for each
}

// operatorKey is the key of operators in every fixture, and asOperator the header with
// it.
var (
	operatorKey = strings.Repeat("o", 32)
	asOperator  = "Authorization: Bearer " + operatorKey
)

// newFixture must be called within a synctest bubble, whose clock it sets.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	events, err := venue.ReadEvents("examples", strings.NewReader(`{"events":[
		{"id":"hall","name":"The hall","seatLimit":4,"sections":[{"name":"Stalls","rows":[{"row":"A-J","seats":"1-10"}]}]},
		{"id":"box","name":"The boxes","seats":["Box-1","Box-2"]},
		{"id":"gala","name":"The gala","layout":"club","startsAt":"2027-03-05T20:30:00+01:00","closesAt":"2027-03-05T20:30:00+01:00","currency":"EUR","categories":[
			{"id":"first","name":"First","color":"#8c1d2f","levels":[{"id":"adult","name":"Adult","price":4200},{"id":"child","name":"Child","price":2100}]},
			{"id":"floor","name":"Standing","price":1500}]}],
		"layouts":{"club":{"sections":[{"name":"Club","x":0,"y":4,"category":"first","rows":[{"row":"A","seats":"1-2"},{"row":"B","seats":"1|2"}],
			"special":[{"row":"A","seats":"1","facts":["wheelchair"],"note":"Step-free from the foyer"}]}],
			"areas":[{"name":"Floor","capacity":20,"category":"floor","x":0,"y":10,"width":8,"height":4}],
			"stage":{"label":"Stage","x":0,"y":0,"width":8,"height":2}}}}`), venue.Defaults{LockTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	s := &fixture{t: t, store: new(memstore.Store), events: events, viewers: 1, policy: access.Policy{OperatorKeys: []string{operatorKey}}}
	s.orders = s.store.(lockstore.OrderStore)
	s.till = till.New(till.Config{Orders: s.orders, Events: func() []lockstore.EventID { return eventIDs(s.events) }, Late: 3 * time.Minute,
		Deliver: func(_ context.Context, body []byte, header http.Header) {
			s.notice, s.signed = body, header.Get("Till-Signature")
		}})
	s.pays = s.till
	seven := time.Date(2027, 3, 5, 19, 0, 0, 0, time.UTC)
	time.Sleep(time.Until(seven.Add(-time.Minute)))
	s.ask("POST", "/lock", `{"seatId":"E1","userId":"user789"}`, "")
	time.Sleep(time.Minute)
	s.ask("POST", "/lock", `{"seatIds":["C1","C2","D1"],"userId":"user456"}`, "")
	s.ask("POST", "/confirm", `{"seatId":"D1","userId":"user456","reference":"order-1041"}`, "")
	s.ask("POST", "/lock", `{"eventId":"box","seatId":"Box-1","userId":"user123"}`, "")
	s.ask("POST", "/lock", `{"eventId":"gala","seatId":"B1","userId":"user456"}`, "")
	time.Sleep(20 * time.Second)
	return s
}

func (s *fixture) newAPI() *booking.API {
	s.t.Helper()
	var api *booking.API
	log := slog.New(slog.DiscardHandler)
	pay, err := payment.New(payment.Config{Seats: s.store, Orders: s.orders, Provider: s.pays, Within: 10 * time.Minute, Margin: 2 * time.Minute, Log: log,
		Event: func(id lockstore.EventID) (*lockstore.Event, error) { return api.Event(id) }})
	if err != nil {
		s.t.Fatal(err)
	}
	api, err = booking.New(booking.Config{Store: s.store, Events: s.events, Access: s.policy, Logger: log, Payments: pay, PublicURL: "https://tickets.example"})
	if err != nil {
		s.t.Fatal(err)
	}
	return api
}

// serve returns the runner's handler and a function that disconnects all
// viewers.
func (s *fixture) serve() (h http.Handler, leave func()) {
	s.t.Helper()
	log := slog.New(slog.DiscardHandler)
	api := s.api
	if api == nil {
		api = s.newAPI()
	}
	server := settings.Server{Connections: 100, Viewers: s.viewers, Share: 100}
	seen, _ := openTelemetry(settings.Telemetry{}, s.events, s.store, log)
	seen.events = api
	following, disconnect := context.WithCancel(s.t.Context())
	hub := live.New(following, live.Config{API: api, Places: viewerPlaces(server), Client: s.policy.Proxies.Client, Log: log})
	if s.stopping {
		seen.stop()
		disconnect()
	}
	calls := hub.Handler(api.Routes())
	called := func(w http.ResponseWriter, r *http.Request) telemetry.Outcome {
		if s.caller != "" {
			r = r.WithContext(access.WithToken(r.Context(), access.Token{Subject: s.caller}))
		}
		return calls(w, r)
	}
	g := s.gate
	if g == nil {
		g = new(gate)
	}
	g.Policy, g.desk.Policy = s.policy, &s.policy
	limited := newLimits(server, s.policy, nil, log).handler(g.handler(web.New(web.Config{}).Handler(called)))
	h = headers(server, closing(seen.handler(limited, s.policy.Proxies)))
	if s.full {
		h = overConnection(h, &connection{of: limitConnections(nil, settings.Server{}, nil, log), spare: true})
	}
	return h, func() {
		disconnect()
		hub.Wait()
	}
}

// overConnection serves requests as if they had come over the connection.
func overConnection(h http.Handler, c *connection) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(withConnection(r.Context(), c)))
	})
}

// ask sends a request to the runner's handler and checks the answer against
// openapi.yaml. The header has lines of "Name: value"; the last of a name
// counts.
func (s *fixture) ask(method, target, body, header string) *httptest.ResponseRecorder {
	s.t.Helper()
	h, leave := s.serve()
	defer leave()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for line := range strings.SplitSeq(header, "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			r.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	apitest.Checked(s.t, h).ServeHTTP(w, r)
	return w
}

// checkLive opens a WebSocket. It checks the answer to the handshake against
// openapi.yaml, and the first message against the answer of GET /seats.
func (s *fixture) checkLive(target string) {
	s.t.Helper()
	h, leave := s.serve()
	server := httptest.NewServer(h)
	defer server.Close()
	defer leave()
	conn, resp, err := websocket.Dial(s.t.Context(), server.URL+target, &websocket.DialOptions{HTTPClient: server.Client()})
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.CloseNow()
	apitest.Exchange{Request: resp.Request, Status: resp.StatusCode, Header: resp.Header}.Check(s.t)
	_, first, err := conn.Read(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if want := s.ask("GET", strings.Replace(target, "/live", "", 1), "", "").Body.String(); string(first) != want {
		s.t.Errorf("the first message is\n%s\nand GET /seats answers\n%s", first, want)
	}
}

// TestEveryDescribedAnswerIsGiven checks that every answer that openapi.yaml
// describes is given to a request, exactly as its examples show it.
func TestEveryDescribedAnswerIsGiven(t *testing.T) {
	described, err := apitest.Answers()
	if err != nil {
		t.Fatal(err)
	}
	requests := allRequests()
	if want, have := slices.Sorted(maps.Keys(described)), slices.Sorted(maps.Keys(requests)); !slices.Equal(want, have) {
		t.Errorf("described, but got by no request: %q\ngot by a request, but not described: %q", without(want, have), without(have, want))
	}
	for answer, example := range described {
		p, ok := requests[answer]
		if !ok {
			continue
		}
		t.Run(answer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFixture(t)
				if p.before != nil {
					p.before(s)
				}
				p.header = strings.NewReplacer("TOKEN", s.token, "SIGNED", s.signed).Replace(p.header)
				p.body = strings.ReplaceAll(p.body, "ORDER", s.order)
				words := strings.Fields(answer)
				target := strings.Replace(words[1], "{provider}", "till", 1) + strings.NewReplacer("VERSION", s.version, "ORDER", s.order).Replace(p.target)
				if words[2] == "101" {
					s.checkLive(target) // a recorder has no connection to upgrade
					return
				}
				got := s.ask(words[0], target, p.body, p.header)
				if fmt.Sprint(got.Code) != words[2] {
					t.Fatalf("the answer is %d %s", got.Code, got.Body)
				}
				if example == "" { // OpenAPI has no example of an answer without a body
					return
				}
				if !reflect.DeepEqual(inJSON(t, got.Body.String()), inJSON(t, example)) {
					t.Errorf("the answer is\n%s\nwant as in the example\n%s", got.Body, example)
				}
			})
		})
	}
}

// TestEveryProblemHasAnExample checks that openapi.yaml has an example of each code.
// TestEveryDescribedAnswerIsGiven checks the examples.
func TestEveryProblemHasAnExample(t *testing.T) {
	described, err := apitest.Answers()
	if err != nil {
		t.Fatal(err)
	}
	for answer, example := range described {
		if words := strings.Fields(answer); len(words) == 4 && example == "" {
			t.Errorf("%s has no example", answer)
		}
	}
}

// TestOtherMethodsAreDescribed checks the answer to other methods at every path.
func TestOtherMethodsAreDescribed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFixture(t)
		hasGuests(s)
		for _, path := range []string{"/lock", "/extend", "/confirm", "/release", "/mine", "/cancel", "/move", "/block", "/unblock", "/evict", "/bookings", "/journal", "/checkout", "/order", "/orders", "/refund", "/webhooks/till", "/seats", "/seats/live", "/events", "/openapi.yaml", "/session", "/signin", "/signin/callback", "/signout", "/healthz", "/readyz"} {
			if got := s.ask("DELETE", path, "", ""); got.Code != 405 {
				t.Errorf("DELETE %s is answered with %d %s", path, got.Code, got.Body)
			}
		}
	})
}

// TestDescribedRequestsAreGranted checks that the requests of openapi.yaml
// succeed for the user whom they name, or for an operator.
func TestDescribedRequestsAreGranted(t *testing.T) {
	requests, err := apitest.Requests()
	if err != nil {
		t.Fatal(err)
	}
	if len(requests) < 9 {
		t.Errorf("the examples are %q, want those of 9 calls", requests)
	}
	for call, bodies := range requests {
		for _, body := range bodies {
			synctest.Test(t, func(t *testing.T) {
				s := newFixture(t)
				header := asOperator
				if call == "/lock" && !strings.Contains(body, "userId") {
					s.caller, header = "user123", ""
				}
				if got := s.ask("POST", call, body, header); got.Code != 200 {
					t.Errorf("%s of %s is answered with %d %s", call, body, got.Code, got.Body)
				}
			})
		}
	}
}

// inJSON decodes the text without the parts that differ in every run.
func inJSON(t *testing.T, text string) any {
	t.Helper()
	var v any
	text = regexp.MustCompile(`"(version|after|id|seq)":"[^"]+"`).ReplaceAllString(text, `"$1":""`)
	text = regexp.MustCompile(`\b[A-Z2-7]{26}\b`).ReplaceAllString(text, "ORDER")
	text = regexp.MustCompile(`"guest-[a-z2-7]{26}"`).ReplaceAllString(text, `"guest-"`)
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// without returns the elements of one that are not in other.
func without(one, other []string) []string {
	return slices.DeleteFunc(slices.Clone(one), func(s string) bool { return slices.Contains(other, s) })
}
