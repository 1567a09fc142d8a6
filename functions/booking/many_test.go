package booking_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"seatlock/functions/booking"
	"seatlock/functions/venue"
	"seatlock/lockstore/memstore"
)

// manyEvents returns an event file of a thousand dates in one venue of 2,500 seats.
func manyEvents() string {
	var b strings.Builder
	b.WriteString(`{"layouts":{"house":{"sections":[{"name":"Stalls","category":"a","x":0,"y":10,"curve":0.2,"pattern":"{row}-{seat}","rows":[{"row":"1-50","seats":"1-50"}]}]}},"events":[`)
	for i := range 1000 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"date-%d","layout":"house","startsAt":"2027-03-05T20:00:00Z","currency":"EUR","categories":[{"id":"a","name":"First","price":4200}]}`, i)
	}
	b.WriteString("]}")
	return b.String()
}

// BenchmarkThousandEvents measures the start of a server with a thousand events of one
// layout: reading the file, making the API, and opening each event in memory. MB is the
// memory that they keep, MB-counted that after the seats of each were counted and one
// was locked, and MB-listed that after a browser has read the list of each.
func BenchmarkThousandEvents(b *testing.B) {
	file := manyEvents()
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / (1 << 20)
	}
	for b.Loop() {
		b.StopTimer()
		before := heap()
		b.StartTimer()
		events, err := venue.ReadEvents("many", strings.NewReader(file), venue.Defaults{LockTTL: time.Minute})
		if err != nil {
			b.Fatal(err)
		}
		store := new(memstore.Store)
		api, err := booking.New(booking.Config{Store: store, Events: events, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range events {
			if err := store.Wait(context.Background(), e.Event, ""); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		b.ReportMetric(heap()-before, "MB")
		for _, e := range events {
			w := httptest.NewRecorder()
			r := httptest.NewRequest("POST", "/lock", strings.NewReader(fmt.Sprintf(`{"eventId":%q,"seatId":"1-1","userId":"ann"}`, e.ID)))
			r.Header.Set("Content-Type", "application/json")
			if api.Lock(w, r); w.Code != 200 {
				b.Fatal(w.Body)
			}
			if n, err := api.Count(context.Background(), e.ID); err != nil || n.Locked != 1 {
				b.Fatal(n, err)
			}
		}
		b.ReportMetric(heap()-before, "MB-counted")
		for _, e := range events {
			w := httptest.NewRecorder()
			r := httptest.NewRequest("GET", "/seats?eventId="+string(e.ID), nil)
			r.Header.Set("Accept-Encoding", "gzip")
			if api.List(w, r); w.Code != 200 {
				b.Fatal(w.Body)
			}
		}
		b.ReportMetric(heap()-before, "MB-listed")
		runtime.KeepAlive(api)
		b.StartTimer()
	}
}
