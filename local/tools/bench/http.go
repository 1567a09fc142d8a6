package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"seatlock/functions/booking"
	"seatlock/functions/telemetry"
	"seatlock/functions/telemetry/metrics"
	"seatlock/functions/venue"
	"seatlock/lockstore"
)

// house makes an event of n seats, named 0, 1, 2 …
func house(n int) (venue.Event, error) {
	seats := make([]lockstore.SeatID, n)
	for i := range seats {
		seats[i] = lockstore.SeatID(strconv.Itoa(i))
	}
	ev, err := lockstore.NewEvent("bench", seats, time.Minute, 4)
	return venue.Event{Event: ev, Sections: []venue.Section{{Rows: []venue.Row{{Seats: seats}}}}}, err
}

// serveEmpty serves the house with no seat taken, until the context ends.
func serveEmpty(ctx context.Context, m venue.Event) (addr string, err error) {
	return serveOn(ctx, m, new(lockstore.Memory))
}

// serveOn serves the house from the store, until the context ends, watched as by
// the program.
func serveOn(ctx context.Context, m venue.Event, store lockstore.LockStore) (addr string, err error) {
	return serveWatched(ctx, m, store)
}

// serveCounted is serveOn with everything counted, as with -metrics-addr.
func serveCounted(ctx context.Context, m venue.Event, store lockstore.LockStore) (addr string, err error) {
	counted := metrics.New(booking.Calls(), []lockstore.EventID{m.Event.ID})
	return serveWatched(ctx, m, telemetry.Store(store, counted.StoreCall), counted.Request)
}

func serveWatched(ctx context.Context, m venue.Event, store lockstore.LockStore, reports ...telemetry.Report) (addr string, err error) {
	api, err := booking.New(booking.Config{
		Store:  store,
		Events: []venue.Event{m},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return "", err
	}
	reports = append(reports, telemetry.Log(slog.New(slog.DiscardHandler), false))
	return listen(ctx, telemetry.Observe(api.Routes(), telemetry.RandomID, reports...))
}

// seatRequest is the body of a call by a user of its own for one seat.
func seatRequest(seat func() uint64) func([]byte) []byte {
	return func(b []byte) []byte {
		n := seat()
		b = append(b, `{"seatId":"`...)
		b = strconv.AppendUint(b, n, 10)
		b = append(b, `","userId":"user`...)
		b = strconv.AppendUint(b, n, 10)
		return append(b, `"}`...)
	}
}

// counter counts 0, 1, 2 …
func counter() func() uint64 {
	var n atomic.Uint64
	return func() uint64 { return n.Add(1) - 1 }
}

func postLock(ctx context.Context) (result, error) {
	m, err := house(100_000)
	if err != nil {
		return result{}, err
	}
	constant := []byte(`{"message":"Seat 12345 locked.","eventId":"bench","userId":"user12345","seatIds":["12345"],"status":"locked","expiresAt":"2027-01-01T20:00:00.000Z","expiresInSeconds":60}` + "\n")
	bare, err := listen(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var req struct{ EventID, SeatID, UserID string }
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(constant)
	}))
	if err != nil {
		return result{}, err
	}
	b, o, ratio, err := sideBySide(
		func() (float64, error) {
			return load(ctx, bare, callers, round, each(post("/lock", seatRequest(counter()))))
		},
		func() (float64, error) { return lockRound(ctx, m, new(lockstore.Memory), serveOn) },
	)
	return result{perSecond(b), perSecond(o), fmt.Sprintf("%.2f", ratio), ratio >= 0.85}, err
}

// postLockCounted is what -metrics-addr costs.
func postLockCounted(ctx context.Context) (result, error) {
	m, err := house(100_000)
	if err != nil {
		return result{}, err
	}
	b, o, ratio, err := sideBySide(
		func() (float64, error) { return lockRound(ctx, m, new(lockstore.Memory), serveOn) },
		func() (float64, error) { return lockRound(ctx, m, new(lockstore.Memory), serveCounted) },
	)
	return result{perSecond(b), perSecond(o), fmt.Sprintf("%.2f", ratio), ratio >= 0.9}, err
}

// lockRound locks seat after seat of an empty house, for a round.
func lockRound(ctx context.Context, m venue.Event, store lockstore.LockStore,
	serve func(context.Context, venue.Event, lockstore.LockStore) (string, error)) (float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	addr, err := serve(ctx, m, store)
	if err != nil {
		return 0, err
	}
	return load(ctx, addr, callers, round, each(post("/lock", seatRequest(counter()))))
}

func listUnchanged(seats int) func(context.Context) (result, error) {
	return func(ctx context.Context) (result, error) {
		m, err := house(seats)
		if err != nil {
			return result{}, err
		}
		ours, err := serveEmpty(ctx, m)
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
		b, o, ratio, err := sideBySide(
			func() (float64, error) { return load(ctx, bare, callers, round, each(get("/seats"))) },
			func() (float64, error) { return load(ctx, ours, callers, round, each(get("/seats"))) },
		)
		return result{perSecond(b), perSecond(o), fmt.Sprintf("%.2f", ratio), ratio >= 0.80}, err
	}
}

// busyHouse is a house of 50,000 seats where 1,000 a second are being locked
// while during measures something else, and returns what that took and how
// long the locks did.
func busyHouse(ctx context.Context, during func(ctx context.Context, addr string) error) (locks []time.Duration, err error) {
	m, err := house(50_000)
	if err != nil {
		return nil, err
	}
	addr, err := serveEmpty(ctx, m)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(ctx, busyFor)
	defer stop()

	listing := make(chan error, 1)
	go func() { listing <- during(ctx, addr) }()
	order := rand.Perm(len(m.Event.Seats))
	next := counter()
	locks, err = steadily(ctx, addr, time.Millisecond, post("/lock", seatRequest(func() uint64 { return uint64(order[next()]) })))
	if err := <-listing; err != nil {
		return nil, err
	}
	if rate := float64(len(locks)) / busyFor.Seconds(); err == nil && rate < 950 {
		err = fmt.Errorf("only %.0f locks a second got through, not 1,000", rate)
	}
	return locks, err
}

// busyFor is how long a busyHouse is open: 1,000 locks a second fit in it.
const busyFor = 8 * time.Second

func listUnderLocks(ctx context.Context) (result, error) {
	var lists float64
	_, err := busyHouse(ctx, func(ctx context.Context, addr string) (err error) {
		lists, err = load(ctx, addr, 4, busyFor, each(get("/seats")))
		return err
	})
	return result{"", perSecond(lists), perSecond(lists), lists >= 300}, err
}

func lockUnderLists(ctx context.Context) (result, error) {
	var lists []time.Duration
	locks, err := busyHouse(ctx, func(ctx context.Context, addr string) (err error) {
		lists, err = steadily(ctx, addr, time.Second/300, get("/seats"))
		return err
	})
	if err != nil {
		return result{}, err
	}
	p50, p99 := quantile(locks, 0.50), quantile(locks, 0.99)
	rate := float64(len(lists)) / busyFor.Seconds()
	return result{perSecond(rate) + " lists", "p50 " + millis(p50), "p99 " + millis(p99), p99 < 10*time.Millisecond && rate > 285}, nil
}

func lockAsItGrows(ctx context.Context) (result, error) {
	return growing(nanos, func(m venue.Event) (float64, error) { return lockNanos(ctx, m.Event) })
}

func postLockAsItGrows(ctx context.Context) (result, error) {
	return growing(micros, func(m venue.Event) (float64, error) {
		rate, err := lockAndRelease(ctx, m)
		return 1e9 / rate, err
	})
}

// growing compares what a lock costs, in nanoseconds, in a small and a large event.
func growing(unit func(float64) string, cost func(venue.Event) (float64, error)) (result, error) {
	small, err := house(100)
	if err != nil {
		return result{}, err
	}
	large, err := house(1_000_000)
	if err != nil {
		return result{}, err
	}
	b, o, ratio, err := sideBySide(
		func() (float64, error) { return cost(small) },
		func() (float64, error) { return cost(large) },
	)
	return result{unit(b), unit(o), fmt.Sprintf("%.2f", ratio), ratio <= 1.2}, err
}

// lockNanos returns how long one Lock of a free seat takes, straight in the
// store. It is always the same 100 seats, spread over the house: locking all
// of a million in random order would measure how far the processor's caches
// reach.
func lockNanos(ctx context.Context, ev *lockstore.Event) (float64, error) {
	var store lockstore.Memory
	seats, users := make([]lockstore.SeatID, 100), make([]lockstore.UserID, 100)
	for i := range seats {
		seats[i], users[i] = ev.Seats[i*len(ev.Seats)/len(seats)], lockstore.UserID("user"+strconv.Itoa(i))
	}
	var took time.Duration
	locks := 0
	for began := time.Now(); time.Since(began) < round; locks += len(seats) {
		start := time.Now()
		for i := range seats {
			if _, err := store.Lock(ctx, ev, seats[i:i+1], users[i]); err != nil {
				return 0, err
			}
		}
		took += time.Since(start)
		for i := range seats {
			if err := store.Release(ctx, ev, seats[i:i+1], users[i]); err != nil {
				return 0, err
			}
		}
	}
	return float64(took.Nanoseconds()) / float64(locks), nil
}

// lockAndRelease returns how many times a second a random seat can be locked
// and released again over HTTP.
func lockAndRelease(ctx context.Context, m venue.Event) (float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	addr, err := serveEmpty(ctx, m)
	if err != nil {
		return 0, err
	}
	// Every caller has a part of the house to itself, so that no lock fails.
	const crowd = 50
	next := counter()
	requests := func() func([]byte) []byte {
		part, size := next()%crowd, uint64(len(m.Event.Seats)/crowd)
		var seat uint64
		body := seatRequest(func() uint64 { return seat })
		lock, release := post("/lock", body), post("/release", body)
		locked := false
		return func(b []byte) []byte {
			if locked = !locked; !locked {
				return release(b)
			}
			seat = part*size + rand.Uint64N(size)
			return lock(b)
		}
	}
	if _, err := load(ctx, addr, crowd, round/4, requests); err != nil { // the first call sets the house up
		return 0, err
	}
	return load(ctx, addr, crowd, round, requests)
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

func perSecond(v float64) string { return fmt.Sprintf("%.0f/s", v) }
func nanos(v float64) string     { return fmt.Sprintf("%.0f ns", v) }
func micros(v float64) string    { return fmt.Sprintf("%.1f µs", v/1e3) }

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1e3) }
