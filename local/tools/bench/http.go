package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"seatlock/functions/booking"
	"seatlock/functions/telemetry"
	"seatlock/functions/telemetry/metrics"
	"seatlock/functions/venue"
	"seatlock/local/tools/internal/testbed"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// serve serves the event from the store until the context ends, as the program
// does; counted, as with -metrics-addr.
func serve(ctx context.Context, ev *lockstore.Event, store lockstore.LockStore, counted bool) (addr string, err error) {
	reports := []telemetry.Report{telemetry.Log(slog.New(slog.DiscardHandler), false)}
	if counted {
		m := metrics.New(booking.Calls(), []lockstore.EventID{ev.ID})
		store = telemetry.Store(store, m.StoreCall)
		reports = append(reports, m.Request)
	}
	api, err := booking.New(booking.Config{
		Store:  store,
		Events: []venue.Event{venue.Plain(ev, "")},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return "", err
	}
	return listen(ctx, telemetry.Observe(api.Routes(), telemetry.RandomID, reports...))
}

// seatBody is the body of a call for the seat of that number, by a user of its
// own.
func seatBody(b []byte, seat int) []byte {
	b = append(b, `{"seatId":"`...)
	b = strconv.AppendInt(b, int64(seat), 10)
	b = append(b, `","userId":"user`...)
	b = strconv.AppendInt(b, int64(seat), 10)
	return append(b, `"}`...)
}

func postLock(ctx context.Context, _ *testbed.Bed) (result, error) {
	ev := newEvent("bench", 200_000, seatLimit)
	bare, err := listen(ctx, http.HandlerFunc(bareLock))
	if err != nil {
		return result{}, err
	}
	c, err := sideBySide(
		func() (float64, error) { return overHTTP(ctx, bare, lockNext) },
		func() (float64, error) { return lockRound(ctx, ev, new(memstore.Store), false) },
	)
	return c.atLeast(0.85), err
}

// postLockCounted is what -metrics-addr costs.
func postLockCounted(ctx context.Context, _ *testbed.Bed) (result, error) {
	ev := newEvent("bench", 200_000, seatLimit)
	c, err := sideBySide(
		func() (float64, error) { return lockRound(ctx, ev, new(memstore.Store), false) },
		func() (float64, error) { return lockRound(ctx, ev, new(memstore.Store), true) },
	)
	return c.atLeast(0.9), err
}

// lockRound locks seat after seat of an empty store for a round.
func lockRound(ctx context.Context, ev *lockstore.Event, store lockstore.LockStore, counted bool) (float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	addr, err := serve(ctx, ev, store, counted)
	if err != nil {
		return 0, err
	}
	return overHTTP(ctx, addr, lockNext)
}

func listUnchanged(seats int) func(context.Context, *testbed.Bed) (result, error) {
	return func(ctx context.Context, _ *testbed.Bed) (result, error) {
		ev := newEvent("bench", seats, seatLimit)
		ours, err := serve(ctx, ev, new(memstore.Store), false)
		if err != nil {
			return result{}, err
		}
		body, err := fetch("http://" + ours + "/seats")
		if err != nil {
			return result{}, err
		}
		bare, err := listen(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			w.Write(body)
		}))
		if err != nil {
			return result{}, err
		}
		c, err := sideBySide(
			func() (float64, error) { return overHTTP(ctx, bare, listSeats) },
			func() (float64, error) { return overHTTP(ctx, ours, listSeats) },
		)
		return c.atLeast(0.85), err
	}
}

// busyFor is how long duringLocks goes on. It needs a seat for each of 1,000
// locks a second.
const busyFor = 8 * time.Second

// duringLocks locks 1,000 seats a second of an event of 50,000, while f measures
// something else, and returns how long the locks took.
func duringLocks(ctx context.Context, f func(addr string) error) (locks []time.Duration, err error) {
	ev := newEvent("bench", 50_000, seatLimit)
	addr, err := serve(ctx, ev, new(memstore.Store), false)
	if err != nil {
		return nil, err
	}
	done := make(chan error, 1)
	go func() { done <- f(addr) }()
	order := rand.Perm(len(ev.Seats))
	locks, err = steadily(ctx, addr, 1000, post("/lock", func(b []byte, turn int) []byte { return seatBody(b, order[turn]) }))
	if err := <-done; err != nil {
		return nil, err
	}
	if rate := float64(len(locks)) / busyFor.Seconds(); err == nil && rate < 950 {
		err = fmt.Errorf("only %.0f locks a second were made, not 1,000", rate)
	}
	return locks, err
}

func listUnderLocks(ctx context.Context, _ *testbed.Bed) (result, error) {
	var lists float64
	_, err := duringLocks(ctx, func(addr string) (err error) {
		lists, err = load(ctx, addr, 4, busyFor, get("/seats"))
		return err
	})
	return result{"", perSecond(lists), perSecond(lists), lists >= 300}, err
}

func lockUnderLists(ctx context.Context, _ *testbed.Bed) (result, error) {
	var lists []time.Duration
	locks, err := duringLocks(ctx, func(addr string) (err error) {
		lists, err = steadily(ctx, addr, 300, get("/seats"))
		return err
	})
	if err != nil {
		return result{}, err
	}
	p50, p99 := quantile(locks, 0.50), quantile(locks, 0.99)
	rate := float64(len(lists)) / busyFor.Seconds()
	return result{perSecond(rate) + " lists", "p50 " + millis(p50), "p99 " + millis(p99), p99 < 10*time.Millisecond && rate > 285}, nil
}

func postLockAsItGrows(ctx context.Context, _ *testbed.Bed) (result, error) {
	return growing(micros, func(ev *lockstore.Event) (float64, error) { return lockAndRelease(ctx, ev) })
}

// lockAndRelease returns how long a call takes, in nanoseconds, of those that
// lock a random seat and release it again.
func lockAndRelease(ctx context.Context, ev *lockstore.Event) (float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	addr, err := serve(ctx, ev, new(memstore.Store), false)
	if err != nil {
		return 0, err
	}
	// Every caller has a part of the seats to itself, so that no lock fails.
	const callers = 50
	part := len(ev.Seats) / callers
	lock, release := post("/lock", seatBody), post("/release", seatBody)
	measure := func(d time.Duration) (float64, error) {
		return overConnections(ctx, addr, callers, d, func(c *conn, worker int, turns iter.Seq[int]) error {
			for range turns {
				seat := worker*part + rand.IntN(part)
				if err := c.roundTrip(lock, seat); err != nil {
					return err
				}
				if err := c.roundTrip(release, seat); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if _, err := measure(round / 4); err != nil { // the first call makes the event known
		return 0, err
	}
	pairs, err := measure(round)
	return 1e9 / (2 * pairs), err
}

func fetch(url string) ([]byte, error) {
	resp, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, resp.Status, bytes.TrimSpace(body))
	}
	return body, err
}
