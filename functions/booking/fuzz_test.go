package booking_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"seatlock/functions/booking"
	"seatlock/functions/booking/apitest"
	"seatlock/functions/venue"
	"seatlock/lockstore/memstore"
)

// FuzzRequest sends any request to any path. Nothing may panic or be answered with 5xx,
// every answer must be described, and only a 200 may change a seat.
func FuzzRequest(f *testing.F) {
	const form = "application/json"
	for _, body := range []string{
		`{"seatId":"A1","userId":"user123"}`,
		`{"seatIds":["A1","B2"],"userId":"漢 {x}:\"","eventId":"default"}`,
		`{"seatId":"A1","seatIds":null,"userId":"u"}`,
		`{"seatIds":[],"userId":""}`, `{"seatId":1}`, `{"seatId":"A1","seatId":"A1"}`,
		`{"SeatID":"A1"}`, `[]`, `null`, ``, `{`, "\xff", `{"userId":"\ud800"}`, `{"a":{"b":[1e999]}}`,
	} {
		f.Add("POST", "/lock", "", form, body)
		f.Add("POST", "/confirm", "", form, body)
		f.Add("POST", "/release", "", form+"; charset=utf-8", body)
	}
	for _, query := range []string{"", "since=x-1", "status=locked", "since=&status=", "eventId=default", "a=%zz", "since=a;b", "%00=1", "since=1&since=2"} {
		f.Add("GET", "/seats", query, "", "")
		f.Add("HEAD", "/events", query, "", "")
	}
	f.Fuzz(func(t *testing.T, method, path, query, media, body string) {
		hall, err := venue.Grid(2, 2, venue.Defaults{LockTTL: time.Hour, SeatLimit: 3})
		if err != nil {
			t.Fatal(err)
		}
		var store memstore.Store
		api, err := booking.New(booking.Config{Store: &store, Events: []venue.Event{hall}, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		before, err := store.List(t.Context(), hall.Event, "")
		if err != nil {
			t.Fatal(err)
		}

		w := httptest.NewRecorder()
		r := &http.Request{
			Method: method,
			URL:    &url.URL{Path: path, RawQuery: query},
			Header: http.Header{"Content-Type": {media}},
			Body:   io.NopCloser(strings.NewReader(body)),
		}
		api.Routes().ServeHTTP(w, r)
		apitest.Exchange{Request: r, Sent: []byte(body), Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}.CheckAnswer(t)

		if w.Code >= 500 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		after, err := store.List(t.Context(), hall.Event, "")
		if err != nil {
			t.Fatal(err)
		}
		if w.Code != 200 && after.Version != before.Version {
			t.Errorf("a request that was refused with %d changed seats: %v", w.Code, after.Seats)
		}
	})
}
