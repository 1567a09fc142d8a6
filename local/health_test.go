package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/faults"
)

// A checkup is a health with a store that answers as the test says.
type checkup struct {
	lockstore.LockStore
	*health
	t     *testing.T
	log   *faults.Log
	asked atomic.Int64 // calls of Wait
	delay time.Duration
	err   error
}

// oneEvent is one event on sale.
type oneEvent struct{ ev *lockstore.Event }

func (e oneEvent) First() *lockstore.Event       { return e.ev }
func (e oneEvent) Outdated() []lockstore.EventID { return nil }

func (c *checkup) List(context.Context, *lockstore.Event, lockstore.Version) (lockstore.Snapshot, error) {
	c.t.Error("the store was asked for a list")
	return lockstore.Snapshot{}, c.err
}

func (c *checkup) Wait(ctx context.Context, ev *lockstore.Event, since lockstore.Version) error {
	c.asked.Add(1)
	select {
	case <-time.After(c.delay):
	case <-ctx.Done():
		return ctx.Err()
	}
	if c.err != nil {
		return c.err
	}
	return c.LockStore.Wait(ctx, ev, since)
}

func newCheckup(t *testing.T) *checkup {
	t.Helper()
	hall, err := venue.Grid(1, 1, venue.Defaults{LockTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	c := &checkup{LockStore: new(memstore.Store), t: t, log: new(faults.Log)}
	c.health = newHealth(c, slog.New(slog.NewTextHandler(c.log, nil)))
	c.health.events = oneEvent{hall.Event}
	return c
}

// want checks the status code of the answer at the path, and the status in it.
func (c *checkup) want(path string, code int, status string) {
	c.t.Helper()
	w := httptest.NewRecorder()
	c.handler(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	if want := fmt.Sprintf("{\"status\":%q}\n", status); w.Code != code || w.Body.String() != want {
		c.t.Errorf("%s is %d %s, want %d %s", path, w.Code, w.Body, code, want)
	}
	if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "application/json" {
		c.t.Errorf("%s: the header is %v", path, w.Header())
	}
}

// TestReadiness checks that readiness follows the store, that each change is logged
// once, that a stopping program is not ready, and that the program is alive all the
// time.
func TestReadiness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCheckup(t)
		c.want("/readyz", 200, "ready")
		c.err = fmt.Errorf("%w: dial tcp 10.0.0.7:6379", lockstore.ErrUnavailable)
		c.want("/readyz", 200, "ready") // readyFor has not passed
		for range 3 {
			time.Sleep(readyFor)
			c.want("/readyz", 503, "store unavailable")
			c.want("/healthz", 200, "alive")
		}
		c.err = nil
		for range 3 {
			time.Sleep(readyFor)
			c.want("/readyz", 200, "ready")
		}
		if log := c.log.String(); strings.Count(log, "not ready") != 1 || strings.Count(log, "ready again") != 1 || !strings.Contains(log, "10.0.0.7") {
			t.Errorf("the log must have each change once, with the cause: %s", log)
		}
		c.stop()
		c.want("/readyz", 503, "stopping")
		c.want("/healthz", 200, "alive")
		time.Sleep(readyFor)
		c.want("/readyz", 503, "stopping")
	})
}

// TestReadinessIsBounded checks that a store that does not answer is reported as
// unavailable after readyTime.
func TestReadinessIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCheckup(t)
		c.delay = time.Hour
		began := time.Now()
		c.want("/readyz", 503, "store unavailable")
		if took := time.Since(began); took != readyTime {
			t.Errorf("the answer took %v, want %v", took, readyTime)
		}
	})
}

// TestReadinessIsCheap checks that many requests share one call of the store, and
// that a client that disconnects does not affect the others.
func TestReadinessIsCheap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCheckup(t)
		c.delay = time.Second
		ctx, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if err := c.ready(ctx); err != context.Canceled {
				t.Errorf("the client that disconnected got %v", err)
			}
		})
		synctest.Wait()
		for range 1000 {
			all.Go(func() { c.want("/readyz", 200, "ready") })
		}
		leave()
		all.Wait()
		if n := c.asked.Load(); n != 1 {
			t.Errorf("a thousand requests at once made %d calls of the store, want 1", n)
		}
		for range 1000 {
			c.want("/readyz", 200, "ready")
		}
		if n := c.asked.Load(); n != 1 {
			t.Errorf("a thousand more made %d calls of the store in all, want 1", n)
		}
	})
}

func TestHealthTakesGetAlone(t *testing.T) {
	c := newCheckup(t)
	h := c.handler(http.NotFoundHandler())
	for _, path := range []string{"/healthz", "/readyz"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", path, nil))
		if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("POST %s: %d %v", path, w.Code, w.Header())
		}
		w = httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("HEAD", path, nil))
		if w.Code != 200 || w.Body.Len() != 0 {
			t.Errorf("HEAD %s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestReadinessOnRedis checks that the readiness of the program follows Redis.
func TestReadinessOnRedis(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	url, _, _ := serving(t, "-redis", "redis://"+server.Addr)
	becomes := func(code int) {
		t.Helper()
		for t.Context().Err() == nil {
			resp, err := http.Get(url + "/readyz")
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode == code {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("/readyz does not become %d", code)
	}
	becomes(200)
	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	becomes(503)
	get(t, url+"/healthz")
	if err := server.Thaw(); err != nil {
		t.Fatal(err)
	}
	becomes(200)
}
