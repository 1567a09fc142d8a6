package main

import (
	"bufio"
	"context"
	"fmt"
	"iter"
	"log/slog"
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	"seatlock/functions/booking"
	"seatlock/functions/telemetry"
	"seatlock/functions/venue"
	"seatlock/local/tools/internal/testbed"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/pgstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/storetest/history"
)

const (
	hallRows, hallSeats = 50, 100
	floorPlaces         = 20_000

	// largestGroup is the maximum number of places that a caller requests at a time.
	largestGroup = 6
)

// grid returns an event of 5,000 seats in rows, with locks of an hour.
func grid(id lockstore.EventID) (venue.Event, error) {
	e, err := venue.Grid(hallRows, hallSeats, venue.Defaults{LockTTL: time.Hour})
	if err != nil {
		return e, err
	}
	e.Event.ID = id
	return e, nil
}

// floor returns an event of one area.
func floor() (venue.Event, error) {
	file := fmt.Sprintf(`{"events": [{"id": "floor", "areas": [{"name": "Floor", "capacity": %d}]}]}`, floorPlaces)
	events, err := venue.ReadEvents("bench", strings.NewReader(file), venue.Defaults{LockTTL: time.Hour})
	if err != nil {
		return venue.Event{}, err
	}
	return events[0], nil
}

// servers serves the event from each of the stores, like processes that share a backend,
// and returns their addresses.
func servers(ctx context.Context, e venue.Event, stores ...lockstore.LockStore) (addrs []string, err error) {
	for _, store := range stores {
		api, err := booking.New(booking.Config{Store: store, Events: []venue.Event{e}, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return nil, err
		}
		report := telemetry.Log(slog.New(slog.DiscardHandler), false)
		addr, err := listen(ctx, telemetry.Observe(api.Routes(), telemetry.RandomID, report))
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, addr)
	}
	return addrs, nil
}

// sellOut makes this many requests over the callers' connections, which go to the
// addresses in turn, and returns how many a second were granted. A refusal is an error.
func sellOut(ctx context.Context, addrs []string, requests int, r request) (float64, error) {
	return parallel(ctx, callers, time.Minute, func(worker int, turns iter.Seq[int]) error {
		dialled, err := net.Dial("tcp", addrs[worker%len(addrs)])
		if err != nil {
			return err
		}
		defer dialled.Close()
		c := &conn{Conn: dialled, in: bufio.NewReaderSize(dialled, 64<<10)}
		for turn := range turns {
			if turn >= requests {
				break
			}
			if err := c.roundTrip(r, turn); err != nil {
				return err
			}
		}
		return nil
	})
}

// sellOutRows returns the rate at which the 5,000 seats of a new event are sold to
// parties of n, which fit exactly, by count or by name.
func sellOutRows(ctx context.Context, n int, byName bool, id lockstore.EventID, stores ...lockstore.LockStore) (float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e, err := grid(id)
	if err != nil {
		return 0, err
	}
	addrs, err := servers(ctx, e, stores...)
	if err != nil {
		return 0, err
	}
	body := func(b []byte, turn int) []byte { return fmt.Appendf(b, `{"count":%d,"userId":"user%d"}`, n, turn) }
	if byName {
		body = func(b []byte, turn int) []byte { return seatsBody(b, turn, e.Seats[turn*n:(turn+1)*n]) }
	}
	return sellOut(ctx, addrs, len(e.Seats)/n, post("/lock", body))
}

func seatsBody(b []byte, turn int, seats []lockstore.SeatID) []byte {
	b = append(b, `{"seatIds":[`...)
	for i, seat := range seats {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendQuote(b, string(seat))
	}
	return fmt.Appendf(b, `],"userId":"user%d"}`, turn)
}

// pairsSoldOut compares pairs that the server chooses with pairs by name.
func pairsSoldOut(ctx context.Context, _ *testbed.Bed) (result, error) {
	c, err := sideBySide(
		func() (float64, error) { return sellOutRows(ctx, 2, true, "pairs", new(memstore.Store)) },
		func() (float64, error) { return sellOutRows(ctx, 2, false, "pairs", new(memstore.Store)) },
	)
	return c.atLeast(0.8), err
}

// partiesAtOnce has 200 callers ask for four seats at the same time.
func partiesAtOnce(ctx context.Context, _ *testbed.Bed) (result, error) {
	const parties = 200
	e, err := grid("parties")
	if err != nil {
		return result{}, err
	}
	var longest time.Duration
	for range rounds {
		addrs, err := servers(ctx, e, new(memstore.Store))
		if err != nil {
			return result{}, err
		}
		start := time.Now()
		_, err = parallel(ctx, parties, time.Minute, func(worker int, turns iter.Seq[int]) error {
			dialled, err := net.Dial("tcp", addrs[0])
			if err != nil {
				return err
			}
			defer dialled.Close()
			c := &conn{Conn: dialled, in: bufio.NewReaderSize(dialled, 4<<10)}
			return c.roundTrip(post("/lock", func(b []byte, turn int) []byte { return fmt.Appendf(b, `{"count":4,"userId":"user%d"}`, turn) }), worker)
		})
		if err != nil {
			return result{}, err
		}
		longest = max(longest, time.Since(start))
	}
	return result{"", "all within " + millis(longest), "0 refused", true}, nil
}

// placesSoldOut compares places of an area with as many by name.
func placesSoldOut(ctx context.Context, _ *testbed.Bed) (result, error) {
	e, err := floor()
	if err != nil {
		return result{}, err
	}
	group := func(turn int) (first, n int) { // groups of 1, 2 … 6, 1, 2 …
		n = turn%largestGroup + 1
		return turn/largestGroup*(largestGroup*(largestGroup+1)/2) + n*(n-1)/2, n
	}
	const requests = floorPlaces / (largestGroup * (largestGroup + 1) / 2) * largestGroup
	sell := func(body request) (float64, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		addrs, err := servers(ctx, e, new(memstore.Store))
		if err != nil {
			return 0, err
		}
		return sellOut(ctx, addrs, requests, post("/lock", body))
	}
	c, err := sideBySide(
		func() (float64, error) {
			return sell(func(b []byte, turn int) []byte {
				first, n := group(turn)
				return seatsBody(b, turn, e.Seats[first:first+n])
			})
		},
		func() (float64, error) {
			return sell(func(b []byte, turn int) []byte {
				_, n := group(turn)
				return fmt.Appendf(b, `{"areas":[{"section":"Floor","count":%d}],"userId":"user%d"}`, n, turn)
			})
		},
	)
	return c.atLeast(0.8), err
}

// processes is how many processes share a backend in the rows about several.
const processes = 4

// pairsOnRedis is pairsSoldOut with several processes.
func pairsOnRedis(ctx context.Context, s *redisServer) (result, error) {
	sell := func(byName bool) (float64, error) {
		if err := s.flush(ctx); err != nil {
			return 0, err
		}
		var stores []lockstore.LockStore
		for range processes {
			store, err := redisstore.New(s.client, redisstore.Options{})
			if err != nil {
				return 0, err
			}
			stores = append(stores, store)
		}
		return sellOutRows(ctx, 2, byName, "pairs", stores...)
	}
	c, err := sideBySide(func() (float64, error) { return sell(true) }, func() (float64, error) { return sell(false) })
	return c.atLeast(math.Inf(-1)), err
}

// A patient store repeats calls that time out because the database is busy. That costs both
// sides of the row the same.
type patient struct{ lockstore.LockStore }

func (s patient) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (r lockstore.Result, err error) {
	err = history.Repeat(ctx, func() (err error) { r, err = s.LockStore.Do(ctx, ev, op); return err })
	return r, err
}

func (s patient) List(ctx context.Context, ev *lockstore.Event, since lockstore.Version) (snap lockstore.Snapshot, err error) {
	err = history.Repeat(ctx, func() (err error) { snap, err = s.LockStore.List(ctx, ev, since); return err })
	return snap, err
}

// pairsOnPostgres is pairsSoldOut with several processes.
func pairsOnPostgres(ctx context.Context, d *database) (result, error) {
	pool, err := pgstore.Pool(d.URL("postgres") + "&pool_max_conns=" + strconv.Itoa(callers))
	if err != nil {
		return result{}, err
	}
	defer pool.Close()
	events := 0
	sell := func(byName bool) (float64, error) {
		events++
		var stores []lockstore.LockStore
		for range processes {
			stores = append(stores, patient{pgstore.New(pool)})
		}
		return sellOutRows(ctx, 2, byName, lockstore.EventID(fmt.Sprint("pairs-", events)), stores...)
	}
	c, err := sideBySide(func() (float64, error) { return sell(true) }, func() (float64, error) { return sell(false) })
	return c.atLeast(math.Inf(-1)), err
}
