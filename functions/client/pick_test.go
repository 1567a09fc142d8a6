package client_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/client"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// lossy returns the URL of a proxy in front of a server, which loses the answers to its
// first locks; lost says whether the server gets them all the same.
func lossy(t *testing.T, server string, answers int32, lost bool) string {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	var locks atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/lock" && locks.Add(1) <= answers {
			if lost {
				forward.ServeHTTP(httptest.NewRecorder(), r)
			}
			panic(http.ErrAbortHandler) // closes the connection
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL
}

// serveFile returns the URL of a server with an event of an event file.
func serveFile(t *testing.T, event string) string {
	t.Helper()
	events, err := venue.ReadEvents("events", strings.NewReader(`{"events":[`+event+`]}`), venue.Defaults{LockTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	api, err := booking.New(booking.Config{Store: new(memstore.Store), Events: events, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api.Routes())
	t.Cleanup(server.Close)
	return server.URL
}

func TestPick(t *testing.T) {
	c := at(t, serveFile(t, `{"id":"hall","sections":[{"name":"Hall","rows":[{"row":"A-J","seats":"1-10"}]}]}`))
	ev := theEvent(t, c)
	got, err := c.Pick(t.Context(), ev, "ann", client.Wanted{Count: 3})
	if err != nil || !slices.Equal(got.Seats, []lockstore.SeatID{"A4", "A5", "A6"}) || !got.Together || got.Expires.IsZero() {
		t.Errorf("three seats: %+v, %v", got, err)
	}
	_, err = c.Pick(t.Context(), ev, "ben", client.Wanted{Count: 11})
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Code != "not_enough" || p.Largest != 10 {
		t.Errorf("eleven seats: %v, want not_enough with 10", err)
	}
}

// TestPickWithLostAnswers checks that a pick whose answer is lost locks no seats twice,
// whether the server carried it out or not.
func TestPickWithLostAnswers(t *testing.T) {
	t.Parallel()
	for _, carriedOut := range []bool{true, false} {
		server := serve(t, access.Policy{})
		c := at(t, lossy(t, server, 1, carriedOut))
		ev := theEvent(t, c)
		got, err := c.Pick(t.Context(), ev, "ann", client.Wanted{Count: 2})
		if err != nil || len(got.Seats) != 2 || got.Expires.IsZero() {
			t.Fatalf("carried out: %v: %+v, %v, want two seats", carriedOut, got, err)
		}
		snap, err := c.List(t.Context(), ev, "")
		if err != nil || len(snap.Seats) != 2 || ev.Seats[snap.Seats[0].Position] != got.Seats[0] {
			t.Errorf("carried out: %v: the server has locked %+v, %v, and the pick has %v", carriedOut, snap.Seats, err, got.Seats)
		}
	}
}

// TestPickWithoutAnswers checks that a pick ends with an error if no answer comes at all.
func TestPickWithoutAnswers(t *testing.T) {
	t.Parallel()
	c := at(t, lossy(t, serve(t, access.Policy{}), 100, false))
	if _, err := c.Pick(t.Context(), theEvent(t, c), "ann", client.Wanted{Count: 2}); !errors.Is(err, lockstore.ErrOutcomeUnknown) {
		t.Errorf("no answer at all: %v, want ErrOutcomeUnknown", err)
	}
}

// TestPickBesideSeatsOfTheUser checks that a pick whose answer is lost finds its places
// although it names a seat that the user has had for longer.
func TestPickBesideSeatsOfTheUser(t *testing.T) {
	t.Parallel()
	for _, carriedOut := range []bool{true, false} {
		server := serveFile(t, `{"id":"club","sections":[{"name":"Hall","pattern":"{row}{seat}","rows":[{"row":"A","seats":"1-2"}]}],"areas":[{"name":"Floor","capacity":9}]}`)
		direct := at(t, server)
		ev := theEvent(t, direct)
		if _, err := direct.Pick(t.Context(), ev, "ann", client.Wanted{Seats: []lockstore.SeatID{"A1"}, Areas: []client.AreaPlaces{{Section: "Floor", Count: 1}}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(150 * time.Millisecond) // more than a time in an answer may be wrong by, and than a list of the server is old
		got, err := at(t, lossy(t, server, 1, carriedOut)).Pick(t.Context(), ev, "ann", client.Wanted{Seats: []lockstore.SeatID{"A1"}, Areas: []client.AreaPlaces{{Section: "Floor", Count: 2}}})
		if err != nil || len(got.Seats) != 3 || !slices.Contains(got.Seats, "A1") {
			t.Errorf("carried out: %v: %+v, %v, want A1 and two places", carriedOut, got, err)
		}
		_, err = direct.Pick(t.Context(), ev, "ben", client.Wanted{Areas: []client.AreaPlaces{{Section: "Floor", Count: 9}}})
		if p, ok := errors.AsType[*client.Problem](err); !ok || p.Largest != 6 {
			t.Errorf("carried out: %v: all places for ben: %v, want six left", carriedOut, err)
		}
	}
}
