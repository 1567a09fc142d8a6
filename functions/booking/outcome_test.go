package booking_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/problem"
	"seatlock/functions/seatlist"
	"seatlock/functions/telemetry"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// TestOutcomes checks what each call reports.
func TestOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		var got telemetry.Outcome
		h := telemetry.Observe(s.api.Routes(), telemetry.RandomID, func(_ context.Context, o *telemetry.Outcome) { got = *o })
		s.must("/lock", `{"seatId":"C1","userId":"cat"}`)
		time.Sleep(time.Minute)
		for _, c := range []struct {
			method, target, body string
			want                 telemetry.Outcome // without what is measured, except the status
		}{
			{"POST", "/lock", `{"seatIds":["A1","A2"],"userId":"ann"}`, telemetry.Outcome{Call: "lock", Code: "ok", Event: "default", Seats: 2, Changed: 2, User: "ann", Status: 200}},
			{"POST", "/lock", `{"seatIds":["A2","A3"],"userId":"ben"}`, telemetry.Outcome{Call: "lock", Code: "seat_locked", Event: "default", Seats: 1, User: "ben", Status: 409}},
			{"POST", "/lock", `{"seatIds":["B1","B2","B3"],"userId":"ann"}`, telemetry.Outcome{Call: "lock", Code: "seat_limit", Event: "default", Seats: 3, User: "ann", Status: 409}},
			{"POST", "/lock", `{"seatId":"A1","userId":"ann","eventId":"matinee"}`, telemetry.Outcome{Call: "lock", Code: "ok", Event: "matinee", Seats: 1, Changed: 1, User: "ann", Status: 200}},
			{"POST", "/lock", `{"seatId":"A1","userId":"ann","eventId":"gala"}`, telemetry.Outcome{Call: "lock", Code: "unknown_event", Status: 404}},
			{"POST", "/lock", `{"seatId":"A1"}`, telemetry.Outcome{Call: "lock", Code: "bad_request", Event: "default", Status: 400}},
			{"GET", "/lock", "", telemetry.Outcome{Call: "lock", Code: "method_not_allowed", Status: 405}},
			{"POST", "/confirm", `{"seatId":"A1","userId":"ann"}`, telemetry.Outcome{Call: "confirm", Code: "ok", Event: "default", Seats: 1, Changed: 1, User: "ann", Status: 200}},
			{"POST", "/confirm", `{"seatId":"C1","userId":"cat"}`, telemetry.Outcome{Call: "confirm", Code: "lock_expired", Event: "default", Seats: 1, User: "cat", Status: 409}},
			{"POST", "/release", `{"seatIds":["A1","A2"],"userId":"ann"}`, telemetry.Outcome{Call: "release", Code: "seat_booked", Event: "default", Seats: 1, User: "ann", Status: 409}},
			{"POST", "/release", `{"seatId":"A2","userId":"ann"}`, telemetry.Outcome{Call: "release", Code: "ok", Event: "default", Seats: 1, Changed: 1, User: "ann", Status: 200}},
			{"GET", "/seats", "", telemetry.Outcome{Call: "list", Code: "ok", Event: "default", Status: 200}},
			{"GET", "/seats?eventId=gala", "", telemetry.Outcome{Call: "list", Code: "unknown_event", Status: 404}},
			{"GET", "/seats?eventId=matinee&status=sold", "", telemetry.Outcome{Call: "list", Code: "bad_request", Event: "matinee", Status: 400}},
			{"GET", "/seats?since=%22", "", telemetry.Outcome{Call: "list", Code: "bad_request", Event: "default", Status: 400}},
			{"GET", "/events", "", telemetry.Outcome{Call: "events", Code: "ok", Status: 200}},
			{"GET", "/lock/A1", "", telemetry.Outcome{Call: "other", Code: "not_found", Status: 404}},
		} {
			r := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if got.Bytes != int64(w.Body.Len()) {
				t.Errorf("%s %s has %d bytes, reported are %d", c.method, c.target, w.Body.Len(), got.Bytes)
			}
			got.Bytes, got.Took = 0, 0
			if got != c.want {
				t.Errorf("%s %s %s is reported as\n%+v, want\n%+v", c.method, c.target, c.body, got, c.want)
			}
			if !slices.Contains(append(booking.Calls(), telemetry.Other), got.Call) || !slices.Contains(append(problem.Codes(), telemetry.OK), got.Code) {
				t.Errorf("there is no call %s, or no code %s", got.Call, got.Code)
			}
		}
		list := s.get("/seats")
		r := httptest.NewRequest("GET", "/seats", nil)
		r.Header.Set("If-None-Match", list.Header().Get("ETag"))
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got.Code != "not_modified" || got.Call != "list" {
			t.Errorf("a list that the client has is reported as %+v", got)
		}
	})
}

// TestOutcomeOfARefusedCaller checks that a request which the policy refuses is
// reported under the name of its call.
func TestOutcomeOfARefusedCaller(t *testing.T) {
	rate := access.NewRate(0.001)
	api, err := booking.New(booking.Config{Store: new(memstore.Store), Events: []venue.Event{plainEvent(t, "small", "A1")}, Access: access.Policy{Rate: rate}})
	if err != nil {
		t.Fatal(err)
	}
	api.Routes().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/events", nil)) // the one request that the rate allows
	for path, call := range map[string]string{"/lock": "lock", "/seats": "list", "/nowhere": "other"} {
		var got telemetry.Outcome
		r := httptest.NewRequest("POST", path, nil)
		telemetry.Observe(api.Routes(), telemetry.RandomID, func(_ context.Context, o *telemetry.Outcome) { got = *o }).ServeHTTP(httptest.NewRecorder(), r)
		if got.Call != call || got.Code != "rate_limited" || got.Status != 429 {
			t.Errorf("%s is reported as %+v", path, got)
		}
	}
}

// TestOutcomeOfARefusedViewer checks that a refused live list is reported with its
// event.
func TestOutcomeOfARefusedViewer(t *testing.T) {
	h := open(t).api.Live(func(http.ResponseWriter, *http.Request, *seatlist.Feed, lockstore.Version) error {
		return &problem.Refusal{Kind: problem.NoRoom}
	})
	for query, code := range map[string]string{"": "no_room", "&since=%22": "bad_request"} {
		got := h(httptest.NewRecorder(), httptest.NewRequest("GET", booking.LivePath+"?eventId=matinee"+query, nil))
		if want := (telemetry.Outcome{Call: "live", Code: code, Event: "matinee"}); got != want {
			t.Errorf("it is reported as %+v, want %+v", got, want)
		}
	}
}

// TestOutcomeOfAPanic checks that a panic is reported under the name of its call, with
// what the call knew by then.
func TestOutcomeOfAPanic(t *testing.T) {
	s := openOver(t, broken{fail: func() error { panic("as asked") }})
	var got telemetry.Outcome
	h := telemetry.Observe(s.api.Lock, telemetry.RandomID, func(_ context.Context, o *telemetry.Outcome) { got = *o })
	r := httptest.NewRequest("POST", "/lock", strings.NewReader(`{"seatId":"A1","userId":"ann"}`))
	r.Header.Set("Content-Type", "application/json")
	h.ServeHTTP(httptest.NewRecorder(), r)
	got.Bytes, got.Took = 0, 0
	if want := (telemetry.Outcome{Call: "lock", Code: "internal", Event: "default", Seats: 1, User: "ann", Status: 500}); got != want {
		t.Errorf("it is reported as %+v", got)
	}
}

func TestCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.must("/lock", `{"seatIds":["A1","A2","A3"],"userId":"ann"}`)
		s.must("/confirm", `{"seatId":"A1","userId":"ann"}`)
		counts := func(id lockstore.EventID, want seatlist.Counts) {
			t.Helper()
			if got, err := s.api.Count(t.Context(), id); err != nil || got != want {
				t.Errorf("the seats of %s are %+v, %v, want %+v", id, got, err, want)
			}
		}
		counts("default", seatlist.Counts{Available: 97, Locked: 2, Booked: 1})
		counts("matinee", seatlist.Counts{Available: 3})
		time.Sleep(time.Minute)
		counts("default", seatlist.Counts{Available: 99, Booked: 1})
		if _, err := s.api.Count(t.Context(), "gala"); err == nil {
			t.Error("seats of no event are counted")
		}
	})
}
