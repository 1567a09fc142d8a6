package booking_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
)

// A counting store counts its calls of List.
type counting struct {
	lockstore.LockStore
	lists atomic.Int64
}

func (c *counting) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (lockstore.Snapshot, error) {
	c.lists.Add(1)
	return c.LockStore.List(ctx, ev, since)
}

// TestStorm makes the most expensive reads during sales, on memory and on Redis. No
// call may be refused, and no read may ask the store more than once. It does not check
// times, which depend on the machine; bench measures them.
func TestStorm(t *testing.T) {
	t.Run("memory", func(t *testing.T) { storm(t, new(memstore.Store)) })
	t.Run("Redis", func(t *testing.T) {
		client, err := redisstore.Client("redis://" + redistest.New(t).Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		store, err := redisstore.New(client, redisstore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		storm(t, store)
	})
}

func storm(t *testing.T, inner lockstore.LockStore) {
	store := &counting{LockStore: inner}
	hall, err := venue.Grid(120, 100, venue.Defaults{LockTTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s := openWith(t, store, hall)
	seats := hall.Event.Seats
	old := s.list("").Version
	for i := 0; i < 9900; i += 50 {
		if _, err := store.Do(t.Context(), hall.Event, lockstore.Lock(lockstore.UserID(fmt.Sprint("user", i)), seats[i:i+50]...)); err != nil {
			t.Fatal(err)
		}
	}
	routes := s.api.Routes()
	ask := func(r *http.Request) {
		w := httptest.NewRecorder()
		routes.ServeHTTP(w, r)
		if w.Code != 200 {
			t.Errorf("%s %s: %d %s", r.Method, r.URL, w.Code, w.Body)
		}
	}
	reads := []struct{ method, target, encoding string }{
		{"HEAD", "/seats?status=available", ""},
		{"GET", "/seats?status=available", "gzip"},
		{"GET", "/seats?since=" + old, ""},
		{"GET", "/seats?since=" + old, "gzip"},
		{"GET", "/seats?since=unknown-1", "gzip"},
		{"GET", "/seats?since=unknown-2", ""},
		{"GET", "/seats", "gzip"},
	}

	before := store.lists.Load()
	var made atomic.Int64
	var sale, storm sync.WaitGroup
	selling, sold := context.WithCancel(t.Context())
	for _, read := range reads {
		storm.Go(func() {
			for selling.Err() == nil {
				made.Add(1)
				r := httptest.NewRequest(read.method, read.target, nil)
				r.Header.Set("Accept-Encoding", read.encoding)
				ask(r)
			}
		})
	}
	for seller := range 4 {
		sale.Go(func() {
			for i := range 100 {
				r := httptest.NewRequest("POST", "/lock", strings.NewReader(fmt.Sprintf(`{"seatId":"%s","userId":"buyer%d"}`, seats[10_000+seller*100+i], seller)))
				r.Header.Set("Content-Type", "application/json")
				ask(r)
			}
		})
	}
	sale.Wait()
	sold()
	storm.Wait()
	lists := store.lists.Load() - before
	t.Logf("%d reads were %d questions to the store", made.Load(), lists)
	if lists > made.Load() {
		t.Errorf("%d reads were %d questions to the store, want at most one for each", made.Load(), lists)
	}
	if l := s.list("?status=locked"); len(l.Seats) != 9900+400 {
		t.Errorf("%d seats are locked after the sale, want %d", len(l.Seats), 9900+400)
	}
}
