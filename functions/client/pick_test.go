package client_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"

	"seatlock/functions/access"
	"seatlock/functions/client"
	"seatlock/lockstore"
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

func TestPick(t *testing.T) {
	c := at(t, serve(t, access.Policy{}))
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
	c := at(t, lossy(t, serve(t, access.Policy{}), 100, false))
	if _, err := c.Pick(t.Context(), theEvent(t, c), "ann", client.Wanted{Count: 2}); !errors.Is(err, lockstore.ErrOutcomeUnknown) {
		t.Errorf("no answer at all: %v, want ErrOutcomeUnknown", err)
	}
}
