package booking_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"seatlock/functions/booking"
	"seatlock/functions/booking/apitest"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/storetest"
)

// A server is an API with the events of a test.
type server struct {
	t   *testing.T
	api *booking.API
	log *bytes.Buffer
}

// open makes an API with an event of 10 x 10 seats, locks of a minute and at most
// four seats for each user, and with a small event.
func open(t *testing.T) *server { return openOver(t, new(memstore.Store)) }

func openOver(t *testing.T, store lockstore.LockStore) *server {
	t.Helper()
	hall, err := venue.Grid(10, 10, venue.Defaults{LockTTL: time.Minute, SeatLimit: 4})
	if err != nil {
		t.Fatal(err)
	}
	return openWith(t, store, hall, plainEvent(t, "matinee", "A1", "A2", "VIP:1"))
}

func openWith(t *testing.T, store lockstore.LockStore, events ...venue.Event) *server {
	t.Helper()
	var log bytes.Buffer
	api, err := booking.New(booking.Config{Store: store, Events: events, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return &server{t, api, &log}
}

// plainEvent returns an event without sections, rows, or a seat limit.
func plainEvent(t *testing.T, id lockstore.EventID, seats ...lockstore.SeatID) venue.Event {
	t.Helper()
	return venue.Plain(storetest.Event(t, id, time.Minute, 0, seats...), string(id))
}

type answer struct {
	*httptest.ResponseRecorder
	t *testing.T
}

// TestMain reads the description of the API outside of any synctest bubble.
func TestMain(m *testing.M) {
	apitest.Load()
	os.Exit(m.Run())
}

// ask sends a request, and compares the answer with the description of the API.
// Headers are pairs of name and value.
func (s *server) ask(method, target, body string, headers ...string) answer {
	s.t.Helper()
	r := httptest.NewRequest("GET", "/", strings.NewReader(body))
	r.Method = method
	path, query, _ := strings.Cut(target, "?")
	r.URL.Path, r.URL.RawQuery = path, query // unparsed, since some are malformed
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	apitest.Checked(s.t, s.api.Routes()).ServeHTTP(w, r)
	return answer{w, s.t}
}

func (s *server) get(target string, headers ...string) answer {
	s.t.Helper()
	return s.ask("GET", target, "", headers...)
}

func (s *server) post(target, body string) answer {
	s.t.Helper()
	return s.ask("POST", target, body, "Content-Type", "application/json")
}

// must is a post that must succeed.
func (s *server) must(target, body string) answer {
	s.t.Helper()
	return s.post(target, body).want(200)
}

func (a answer) want(status int) answer {
	a.t.Helper()
	if a.Code != status {
		a.t.Fatalf("status %d, want %d: %s", a.Code, status, a.Body)
	}
	return a
}

// wantProblem checks the status, the form and the code of a refusal.
func (a answer) wantProblem(status int, code string) problemJSON {
	a.t.Helper()
	a.want(status)
	if got := a.Header().Get("Content-Type"); got != "application/problem+json" {
		a.t.Errorf("Content-Type %q", got)
	}
	var p problemJSON
	a.into(&p)
	if p.Code != code || p.Status != status || p.Title == "" {
		a.t.Fatalf("the problem is %+v, want the code %s and the status %d", p, code, status)
	}
	if !strings.HasSuffix(p.Detail, ".") || strings.ToUpper(p.Detail[:1]) != p.Detail[:1] && !strings.HasPrefix(p.Detail, "userId") && !strings.HasPrefix(p.Detail, "since") {
		a.t.Errorf("the detail is not a sentence: %q", p.Detail)
	}
	return p
}

func (a answer) into(v any) {
	a.t.Helper()
	d := json.NewDecoder(a.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		a.t.Fatal(err)
	}
}

type problemJSON struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Seats  []seat `json:"seats"`

	Largest        *int     `json:"largest"`
	InsteadSeatIDs []string `json:"insteadSeatIds"`
}

type seat struct {
	SeatID    string `json:"seatId"`
	Status    string `json:"status"`
	ExpiresAt string `json:"expiresAt"`
}

// A part is a category or an area of a list.
type part struct {
	Category  string `json:"category"`
	Section   string `json:"section"`
	Available int    `json:"available"`
	Locked    int    `json:"locked"`
	Booked    int    `json:"booked"`
}

type list struct {
	EventID    string `json:"eventId"`
	Version    string `json:"version"`
	Full       bool   `json:"full"`
	ServerTime string `json:"serverTime"`
	Counts     struct {
		Available int `json:"available"`
		Locked    int `json:"locked"`
		Booked    int `json:"booked"`
		Blocked   int `json:"blocked"`
	} `json:"counts"`
	Categories []part `json:"categories"`
	Areas      []part `json:"areas"`
	Seats      []seat `json:"seats"`
}

func (s *server) list(query string) list {
	s.t.Helper()
	var l list
	s.get("/seats" + query).want(200).into(&l)
	return l
}

// taken lists the seats that are not available as "A1 locked".
func (l list) taken() []string {
	var taken []string
	for _, s := range l.Seats {
		if s.Status != "available" {
			taken = append(taken, s.SeatID+" "+s.Status)
		}
	}
	return taken
}

func (l list) want(t *testing.T, taken ...string) {
	t.Helper()
	if got := l.taken(); !slices.Equal(got, taken) {
		t.Errorf("the seats taken are %q, want %q", got, taken)
	}
}
