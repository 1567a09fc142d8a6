package client_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"seatlock/functions/booking"
	"seatlock/functions/client"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/storetest"
	"seatlock/lockstore/storetest/history"
)

// at returns a client of the server at the URL.
func at(t *testing.T, url string) *client.Client {
	t.Helper()
	s, err := client.New(url, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TestHistories checks that the answers to concurrent calls of the API are consistent
// with one order of the calls, like those of a store.
func TestHistories(t *testing.T) {
	plan := history.Plan{Clients: 5, Calls: 30, Seats: 5, TTL: 100 * time.Millisecond, Pause: 20 * time.Millisecond,
		Slack: 3 * time.Millisecond, Plain: true, Remote: true}
	records, err := history.Records(nil, "e", plan)
	if err != nil {
		t.Fatal(err)
	}
	var sold []venue.Event
	for _, r := range records {
		sold = append(sold, venue.Plain(r.Event, "E"))
	}
	api, err := booking.New(booking.Config{Store: new(memstore.Store), Events: sold, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api.Routes())
	t.Cleanup(server.Close)
	store := at(t, server.URL)

	events, err := store.Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, ev := range events {
		if want := records[i].Event; ev.ID != want.ID || ev.Fingerprint() != want.Fingerprint() || ev.LockTTL != want.LockTTL || ev.SeatLimit != want.SeatLimit {
			t.Errorf("event %d is %+v, want %+v", i, ev, want)
		}
	}
	all, err := history.Play(t.Context(), store, "e", plan)
	if err != nil {
		t.Fatal(err)
	}
	outcomes := make(map[history.Outcome]int)
	for _, h := range all {
		if v, err := h.Check(20 * time.Second); v != history.Legal {
			why, _ := h.Explain(20 * time.Second)
			t.Errorf("%s, %v\n%s", v, err, why)
		}
		for _, op := range h.Calls {
			outcomes[op.Outcome]++
		}
	}
	if outcomes[history.Done] < 50 || outcomes[history.Refused] < 20 || outcomes[history.Failed] > 0 || outcomes[history.Unknown] > 0 {
		t.Errorf("the calls ended with %v", outcomes)
	}
}

// TestNoAnswer checks that the error of a call tells whether the call may have taken
// effect.
func TestNoAnswer(t *testing.T) {
	ev := storetest.Event(t, "e", time.Minute, 0, "A1")
	answer := func(status int, body string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(status)
			w.Write([]byte(body))
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	hangUp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			c.Close()
		}
	}))
	t.Cleanup(hangUp.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for name, c := range map[string]struct {
		url  string
		want error
	}{
		"no server":        {"http://" + l.Addr().String(), lockstore.ErrUnavailable},
		"it disconnects":   {hangUp.URL, lockstore.ErrOutcomeUnknown},
		"no store":         {answer(503, `{"code":"store_unavailable"}`), lockstore.ErrUnavailable},
		"it does not know": {answer(503, `{"code":"outcome_unknown"}`), lockstore.ErrOutcomeUnknown},
		"a proxy answers":  {answer(502, "<html>"), lockstore.ErrOutcomeUnknown},
		"it broke":         {answer(500, `{"code":"internal"}`), lockstore.ErrOutcomeUnknown},
		"too many":         {answer(429, `{"code":"rate_limited"}`), lockstore.ErrUnavailable},
		"no sign-in":       {answer(503, `{"code":"sign_in_unavailable"}`), lockstore.ErrUnavailable},
		"no room":          {answer(503, `{"code":"no_room"}`), lockstore.ErrUnavailable},
		"a gateway fails":  {answer(503, `{"message":"Service Unavailable"}`), lockstore.ErrOutcomeUnknown},
		"a gateway limits": {answer(429, `{"message":"Too Many Requests"}`), lockstore.ErrUnavailable},
		"a seat is locked": {answer(409, `{"code":"seat_locked","seats":[{"seatId":"A1","status":"locked"}]}`), lockstore.SeatLocked},
		"no such seat":     {answer(404, `{"code":"unknown_seat"}`), lockstore.ErrUnknownSeats},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := at(t, c.url).Do(t.Context(), ev, lockstore.Lock("ann", "A1"))
			if !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if p, ok := errors.AsType[*client.Problem](err); ok && (p.RetryAfter != 3*time.Second || p.Code == "" && !strings.HasPrefix(p.Detail, `{"message":`)) {
				t.Errorf("%+v, want RetryAfter 3s and, without a Code, the body in Detail", p)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := at(t, hangUp.URL).Do(ctx, ev, lockstore.Lock("ann", "A1")); !errors.Is(err, context.Canceled) || errors.Is(err, lockstore.ErrOutcomeUnknown) {
		t.Errorf("a call that was not made ended with %v", err)
	}
}

func TestBadAddress(t *testing.T) {
	for _, url := range []string{"", "127.0.0.1:8080", "ftp://x", "http://"} {
		if _, err := client.New(url, client.Options{}); err == nil {
			t.Errorf("New accepts the URL %q", url)
		}
	}
}
