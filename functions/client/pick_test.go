package client_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/client"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// direct passes calls to a server without a network, so that tests can use a bubble's
// clock. A handler that aborts gives no answer.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			err = io.ErrUnexpectedEOF
		} else if p != nil {
			panic(p)
		}
	}()
	asked := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), r.Body)
	asked.Header = r.Header
	w := httptest.NewRecorder()
	d.ServeHTTP(w, asked)
	return w.Result(), nil
}

// over returns a client of a server without a network.
func over(server http.Handler) *client.Client { return client.Over(direct{server}) }

// lossy loses the answers to the first locks of a server, which it either carries out
// or drops.
func lossy(server http.Handler, answers int32, carriedOut bool) http.Handler {
	var locks atomic.Int32
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/lock" && locks.Add(1) <= answers {
			if carriedOut {
				server.ServeHTTP(httptest.NewRecorder(), r)
			}
			panic(http.ErrAbortHandler)
		}
		server.ServeHTTP(w, r)
	})
}

// sale returns a server with an event of an event file.
func sale(t *testing.T, event string) http.Handler {
	t.Helper()
	events, err := venue.ReadEvents("events", strings.NewReader(`{"events":[`+event+`]}`), venue.Defaults{LockTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	api, err := booking.New(booking.Config{Store: new(memstore.Store), Events: events, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return api.Routes()
}

func TestPick(t *testing.T) {
	c := over(sale(t, `{"id":"hall","sections":[{"name":"Hall","rows":[{"row":"A-J","seats":"1-10"}]}]}`))
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
	synctest.Test(t, func(t *testing.T) {
		for _, carriedOut := range []bool{true, false} {
			c := over(lossy(hall(t, access.Policy{}), 1, carriedOut))
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
	})
}

// TestPickWithoutAnswers checks that a pick ends with an error if it gets no answer at
// all.
func TestPickWithoutAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := over(lossy(hall(t, access.Policy{}), 100, false))
		if _, err := c.Pick(t.Context(), theEvent(t, c), "ann", client.Wanted{Count: 2}); !errors.Is(err, lockstore.ErrOutcomeUnknown) {
			t.Errorf("no answer at all: %v, want ErrOutcomeUnknown", err)
		}
	})
}

// TestPickBesideSeatsOfTheUser checks that a pick whose answer is lost finds its places
// even if it names a seat that the user locked before.
func TestPickBesideSeatsOfTheUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, carriedOut := range []bool{true, false} {
			club := sale(t, `{"id":"club","sections":[{"name":"Hall","pattern":"{row}{seat}","rows":[{"row":"A","seats":"1-2"}]}],"areas":[{"name":"Floor","capacity":9}]}`)
			c := over(club)
			ev := theEvent(t, c)
			if _, err := c.Pick(t.Context(), ev, "ann", client.Wanted{Seats: []lockstore.SeatID{"A1"}, Areas: []client.AreaPlaces{{Section: "Floor", Count: 1}}}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(150 * time.Millisecond) // longer than the error of a time in an answer, and than the age of the server's list
			got, err := over(lossy(club, 1, carriedOut)).Pick(t.Context(), ev, "ann", client.Wanted{Seats: []lockstore.SeatID{"A1"}, Areas: []client.AreaPlaces{{Section: "Floor", Count: 2}}})
			if err != nil || len(got.Seats) != 3 || !slices.Contains(got.Seats, "A1") {
				t.Errorf("carried out: %v: %+v, %v, want A1 and two places", carriedOut, got, err)
			}
			_, err = c.Pick(t.Context(), ev, "ben", client.Wanted{Areas: []client.AreaPlaces{{Section: "Floor", Count: 9}}})
			if p, ok := errors.AsType[*client.Problem](err); !ok || p.Largest != 6 {
				t.Errorf("carried out: %v: all places for ben: %v, want six left", carriedOut, err)
			}
		}
	})
}
