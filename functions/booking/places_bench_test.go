package booking_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/functions/booking"
	"seatlock/functions/venue"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/storetest/faults"
)

// nowhere is a ResponseWriter that discards the answer.
type nowhere struct {
	header http.Header
	status int
}

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) WriteHeader(status int)      { w.status = status }
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkPlaces sells an area of 20,000 places to 64 callers who want 1 to 6 of them,
// by name and by number. It calls the handler directly, so that the choice of places is
// a larger part of the time. cpu-ns/request is processor time.
func BenchmarkPlaces(b *testing.B) {
	const places, requests = 20_000, 5712 // of 1 to 6 places in turn
	body := map[string]func(turn int) string{
		"by name": func(turn int) string {
			n := turn%6 + 1
			first := turn/6*21 + n*(n-1)/2
			var ids []string
			for i := range n {
				ids = append(ids, fmt.Sprintf(`"Floor#%d"`, first+i+1))
			}
			return fmt.Sprintf(`{"seatIds":[%s],"userId":"user%d"}`, strings.Join(ids, ","), turn)
		},
		"by number": func(turn int) string {
			return fmt.Sprintf(`{"areas":[{"section":"Floor","count":%d}],"userId":"user%d"}`, turn%6+1, turn)
		},
	}
	for _, name := range []string{"by name", "by number"} {
		b.Run(name, func(b *testing.B) {
			var bodies []string
			for turn := range requests {
				bodies = append(bodies, body[name](turn))
			}
			var used time.Duration
			for b.Loop() {
				b.StopTimer()
				events, err := venue.ReadEvents("floor", strings.NewReader(fmt.Sprintf(`{"events":[{"id":"floor","areas":[{"name":"Floor","capacity":%d}]}]}`, places)), venue.Defaults{LockTTL: time.Hour})
				if err != nil {
					b.Fatal(err)
				}
				api, err := booking.New(booking.Config{Store: new(memstore.Store), Events: events, Logger: slog.New(slog.DiscardHandler)})
				if err != nil {
					b.Fatal(err)
				}
				before := faults.ProcessorTime(b)
				b.StartTimer()
				var turn atomic.Int64
				var callers sync.WaitGroup
				for range 64 {
					callers.Go(func() {
						for at := int(turn.Add(1)) - 1; at < requests; at = int(turn.Add(1)) - 1 {
							r := httptest.NewRequest("POST", "/lock", strings.NewReader(bodies[at]))
							r.Header.Set("Content-Type", "application/json")
							w := &nowhere{header: make(http.Header)}
							if api.Lock(w, r); w.status != 0 && w.status != 200 {
								b.Errorf("request %d is answered with %d", at, w.status)
							}
						}
					})
				}
				callers.Wait()
				used += faults.ProcessorTime(b) - before
			}
			b.ReportMetric(float64(used)/float64(b.N)/requests, "cpu-ns/request")
		})
	}
}
