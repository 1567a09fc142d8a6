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
	"os"
	"path/filepath"
	"strconv"
	"time"

	"seatlock/functions/booking"
	"seatlock/functions/telemetry"
	"seatlock/functions/venue"
	"seatlock/local/tools/internal/testbed"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// serve serves the calls of the event from the store until the context ends.
func serve(ctx context.Context, ev *lockstore.Event, store lockstore.LockStore) (addr string, err error) {
	api, err := booking.New(booking.Config{
		Store:  store,
		Events: []venue.Event{venue.Plain(ev, "")},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return "", err
	}
	return listen(ctx, telemetry.Observe(api.Routes(), telemetry.RandomID, telemetry.Log(slog.New(slog.DiscardHandler), false)))
}

// seatBody appends the body of a call for the seat with this number, by a user of its
// own.
func seatBody(b []byte, seat int) []byte {
	b = append(b, `{"seatId":"`...)
	b = strconv.AppendInt(b, int64(seat), 10)
	b = append(b, `","userId":"user`...)
	b = strconv.AppendInt(b, int64(seat), 10)
	return append(b, `"}`...)
}

// oneRow are the arguments of a program with a row of seats that lasts for a round.
var oneRow = []string{"-seats", "1x200000", "-lock-ttl", "1h"}

func postLock(ctx context.Context, bed *testbed.Bed) (result, error) {
	bare, err := startBare(ctx, "")
	if err != nil {
		return result{}, err
	}
	bed.OnClose(bare.Kill)
	return serversSideBySide(0.85,
		func() (usage, error) { return bare.under(ctx, lockNextSeat) },
		func() (usage, error) { return programUnderLocks(ctx) },
	)
}

// postLockCounted measures what -metrics-addr costs.
func postLockCounted(ctx context.Context, _ *testbed.Bed) (result, error) {
	return serversSideBySide(0.9,
		func() (usage, error) { return programUnderLocks(ctx) },
		func() (usage, error) { return programUnderLocks(ctx, "-metrics-addr", "127.0.0.1:0") },
	)
}

// programUnderLocks locks seat after seat of a new program for a round.
func programUnderLocks(ctx context.Context, args ...string) (usage, error) {
	s, err := startProgram(ctx, append(oneRow, args...)...)
	if err != nil {
		return usage{}, err
	}
	defer s.Kill()
	return s.under(ctx, lockNextSeat)
}

// guestCount is how many guests take turns at locking seats.
const guestCount = 100

// postLockSession measures what sessions cost, with the limits that come with them: of an
// address's guests, and of locks that nobody buys. They are too high to refuse anything.
// There is no seat limit, since the few guests here have hundreds of seats.
func postLockSession(ctx context.Context, _ *testbed.Bed) (result, error) {
	return serversSideBySide(0.9,
		func() (usage, error) {
			s, err := startProgram(ctx, oneRow...)
			if err != nil {
				return usage{}, err
			}
			defer s.Kill()
			return s.under(ctx, lockForUsers(guestCount))
		},
		func() (usage, error) {
			s, err := startProgram(ctx, append(oneRow, "-sessions", "-seat-limit", "0", "-guests", "1000", "-unbought", "1000000000", "-confirm-by", "buyer")...)
			if err != nil {
				return usage{}, err
			}
			defer s.Kill()
			guests, err := newGuests(s.URL)
			if err != nil {
				return usage{}, err
			}
			return s.under(ctx, lockForGuests(guests))
		},
	)
}

// newGuests returns the cookies of new guests.
func newGuests(url string) ([]string, error) {
	var cookies []string
	for range guestCount {
		resp, err := http.Get(url + "/session")
		if err != nil {
			return nil, err
		}
		resp.Body.Close()
		given := resp.Cookies()
		if len(given) != 1 {
			return nil, fmt.Errorf("GET /session makes no guest: %s", resp.Status)
		}
		cookies = append(cookies, given[0].Name+"="+given[0].Value)
	}
	return cookies, nil
}

// lockRound locks seat after seat of an empty store for a round.
func lockRound(ctx context.Context, ev *lockstore.Event, store lockstore.LockStore) (float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	addr, err := serve(ctx, ev, store)
	if err != nil {
		return 0, err
	}
	done, err := overHTTP(ctx, addr, lockNext)
	return done.perSecond, err
}

func listUnchanged(seats int) func(context.Context, *testbed.Bed) (result, error) {
	return func(ctx context.Context, bed *testbed.Bed) (result, error) {
		ours, err := startProgram(ctx, "-seats", fmt.Sprintf("%dx%d", seats/10, 10))
		if err != nil {
			return result{}, err
		}
		bed.OnClose(ours.Kill)
		body, err := fetch(ours.URL + "/seats")
		if err != nil {
			return result{}, err
		}
		dir, err := bed.Folder()
		if err != nil {
			return result{}, err
		}
		file := filepath.Join(dir, "seats.json")
		if err := os.WriteFile(file, body, 0o600); err != nil {
			return result{}, err
		}
		bare, err := startBare(ctx, file)
		if err != nil {
			return result{}, err
		}
		bed.OnClose(bare.Kill)
		return serversSideBySide(0.85,
			func() (usage, error) { return bare.under(ctx, listSeats) },
			func() (usage, error) { return ours.under(ctx, listSeats) },
		)
	}
}

// busyFor is how long duringLocks takes. It needs a seat for each of 1,000 locks a
// second.
const busyFor = 8 * time.Second

// duringLocks locks 1,000 seats a second of an event of 50,000, while f measures
// something else, and returns how long the locks took.
func duringLocks(ctx context.Context, f func(addr string) error) (locks []time.Duration, err error) {
	ev := newEvent("bench", 50_000, seatLimit)
	addr, err := serve(ctx, ev, new(memstore.Store))
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

// lockAndRelease returns how long a call takes, in nanoseconds, when callers lock a
// random seat and release it again.
func lockAndRelease(ctx context.Context, ev *lockstore.Event) (float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	addr, err := serve(ctx, ev, new(memstore.Store))
	if err != nil {
		return 0, err
	}
	// Every caller has its own part of the seats, so that no lock fails.
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
