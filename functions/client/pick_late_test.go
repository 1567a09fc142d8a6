package client_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/client"
)

// slowest is about the longest time that a pick takes at a server: until it sends its
// lock, plus the time of the slowest store, a file.
const slowest = 8 * time.Second

// TestPickWaitsForItsFirstCall checks that a pick does not lock seats twice if its
// connection is lost while the server is still working on it.
func TestPickWaitsForItsFirstCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := hall(t, access.Policy{})
		var locks atomic.Int32
		var first sync.WaitGroup
		c := over(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/lock" || locks.Add(1) > 1 {
				server.ServeHTTP(w, r)
				return
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			slow := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/lock", bytes.NewReader(body))
			slow.Header = r.Header
			first.Go(func() {
				time.Sleep(slowest)
				server.ServeHTTP(httptest.NewRecorder(), slow)
			})
			panic(http.ErrAbortHandler) // the connection is lost
		}))
		ev := theEvent(t, c)
		got, err := c.Pick(t.Context(), ev, "ann", client.Wanted{Count: 2})
		first.Wait()
		if err != nil || len(got.Seats) != 2 {
			t.Fatalf("%+v, %v, want two seats", got, err)
		}
		snap, err := c.List(t.Context(), ev, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, seat := range snap.Seats {
			if !slices.Contains(got.Seats, ev.Seats[seat.Position]) || len(snap.Seats) != 2 {
				t.Errorf("locked are %v, and the pick has %v", snap.Seats, got.Seats)
			}
		}
	})
}
