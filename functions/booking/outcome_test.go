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

	"seatlock/functions/booking"
	"seatlock/functions/telemetry"
	"seatlock/lockstore"
)

// TestOutcomes: whoever watches is told what each request was and what came of it.
func TestOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		var got telemetry.Outcome
		h := telemetry.Handler(s.api.Routes(), telemetry.RandomID, func(_ context.Context, o *telemetry.Outcome) { got = *o })
		s.must("/lock", `{"seatId":"C1","userId":"cat"}`)
		time.Sleep(time.Minute)
		for _, c := range []struct {
			method, target, body string
			want                 telemetry.Outcome // without what is measured, but the status
		}{
			{"POST", "/lock", `{"seatIds":["A1","A2"],"userId":"ann"}`, telemetry.Outcome{Call: "lock", Code: "ok", Event: "default", Seats: 2, User: "ann", Status: 200}},
			{"POST", "/lock", `{"seatIds":["A2","A3"],"userId":"ben"}`, telemetry.Outcome{Call: "lock", Code: "seat_locked", Event: "default", Seats: 1, User: "ben", Status: 409}},
			{"POST", "/lock", `{"seatIds":["B1","B2","B3"],"userId":"ann"}`, telemetry.Outcome{Call: "lock", Code: "seat_limit", Event: "default", Seats: 3, User: "ann", Status: 409}},
			{"POST", "/lock", `{"seatId":"A1","userId":"ann","eventId":"matinee"}`, telemetry.Outcome{Call: "lock", Code: "ok", Event: "matinee", Seats: 1, User: "ann", Status: 200}},
			{"POST", "/lock", `{"seatId":"A1","userId":"ann","eventId":"gala"}`, telemetry.Outcome{Call: "lock", Code: "unknown_event", Status: 404}},
			{"POST", "/lock", `{"seatId":"A1"}`, telemetry.Outcome{Call: "lock", Code: "bad_request", Status: 400}},
			{"GET", "/lock", "", telemetry.Outcome{Call: "lock", Code: "method_not_allowed", Status: 405}},
			{"POST", "/confirm", `{"seatId":"A1","userId":"ann"}`, telemetry.Outcome{Call: "confirm", Code: "ok", Event: "default", Seats: 1, User: "ann", Status: 200}},
			{"POST", "/confirm", `{"seatId":"C1","userId":"cat"}`, telemetry.Outcome{Call: "confirm", Code: "lock_expired", Event: "default", Seats: 1, User: "cat", Status: 409}},
			{"POST", "/release", `{"seatIds":["A1","A2"],"userId":"ann"}`, telemetry.Outcome{Call: "release", Code: "seat_booked", Event: "default", Seats: 1, User: "ann", Status: 409}},
			{"POST", "/release", `{"seatId":"A2","userId":"ann"}`, telemetry.Outcome{Call: "release", Code: "ok", Event: "default", Seats: 1, User: "ann", Status: 200}},
			{"GET", "/seats", "", telemetry.Outcome{Call: "list", Code: "ok", Event: "default", Status: 200}},
			{"GET", "/seats?eventId=gala", "", telemetry.Outcome{Call: "list", Code: "unknown_event", Status: 404}},
			{"GET", "/events", "", telemetry.Outcome{Call: "events", Code: "ok", Status: 200}},
			{"GET", "/lock/A1", "", telemetry.Outcome{Call: "other", Code: "not_found", Status: 404}},
		} {
			r := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if got.Bytes != int64(w.Body.Len()) {
				t.Errorf("%s %s has %d bytes, told of are %d", c.method, c.target, w.Body.Len(), got.Bytes)
			}
			got.Bytes, got.Took = 0, 0
			if got != c.want {
				t.Errorf("%s %s %s is told of as\n%+v, want\n%+v", c.method, c.target, c.body, got, c.want)
			}
			if !slices.Contains(append(booking.Calls(), telemetry.Other), got.Call) || !slices.Contains(append(booking.Codes(), telemetry.OK), got.Code) {
				t.Errorf("there is no call %s, or no code %s", got.Call, got.Code)
			}
		}
		list := s.get("/seats")
		r := httptest.NewRequest("GET", "/seats", nil)
		r.Header.Set("If-None-Match", list.Header().Get("ETag"))
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got.Code != "not_modified" || got.Call != "list" {
			t.Errorf("what the client has is told of as %+v", got)
		}
	})
}

// TestOutcomeInFront: a request that something in front of the calls
// refuses is told of as the call that it would have been.
func TestOutcomeInFront(t *testing.T) {
	s := open(t)
	for path, call := range map[string]string{"/lock": "lock", "/seats": "list", "/nowhere": "other"} {
		var got telemetry.Outcome
		r := httptest.NewRequest("POST", path, nil)
		telemetry.Handler(refusing(s.api), telemetry.RandomID, func(_ context.Context, o *telemetry.Outcome) { got = *o }).ServeHTTP(httptest.NewRecorder(), r)
		if got.Call != call || got.Code != "rate_limited" || got.Status != 429 {
			t.Errorf("%s is told of as %+v", path, got)
		}
	}
}

func TestCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		s.must("/lock", `{"seatIds":["A1","A2","A3"],"userId":"ann"}`)
		s.must("/confirm", `{"seatId":"A1","userId":"ann"}`)
		counts := func(id lockstore.EventID, want booking.Counts) {
			t.Helper()
			if got, err := s.api.Count(t.Context(), id); err != nil || got != want {
				t.Errorf("the seats of %s are %+v, %v, want %+v", id, got, err, want)
			}
		}
		counts("default", booking.Counts{Available: 97, Locked: 2, Booked: 1})
		counts("matinee", booking.Counts{Available: 3})
		time.Sleep(time.Minute)
		counts("default", booking.Counts{Available: 99, Booked: 1})
		if _, err := s.api.Count(t.Context(), "gala"); err == nil {
			t.Error("seats of no event are counted")
		}
	})
}

// refusing stands in front of the calls and lets nobody in.
func refusing(api *booking.API) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.Fail(w, r, booking.Refuse(booking.ErrRateLimited, time.Second, "Not so fast."))
	})
}
