package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net"
	"strings"
	"time"

	"seatlock/local/tools/internal/testbed"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/storetest/faults"
)

// farBehind is the number of changes that a client has missed in the rows here.
const farBehind = 9900

// missChanges locks the first farBehind seats of the event at addr, and returns a
// version from before.
func missChanges(ctx context.Context, addr, seat string) (version string, err error) {
	list, err := fetch("http://" + addr + "/seats")
	if err != nil {
		return "", err
	}
	var known struct{ Version string }
	if err := json.Unmarshal(list, &known); err != nil {
		return "", err
	}
	lock := post("/lock", func(b []byte, turn int) []byte { return namedBody(b, seat, turn+1) })
	_, err = overConnections(ctx, addr, callers, liveTime, func(c *conn, _ int, turns iter.Seq[int]) error {
		for turn := range turns {
			if turn >= farBehind {
				break
			}
			if err := c.roundTrip(lock, turn); err != nil {
				return err
			}
		}
		return nil
	})
	return known.Version, err
}

// namedBody appends the body of a call for the seat with this number, by a user of its
// own. The format gives the name of the seat.
func namedBody(b []byte, seat string, n int) []byte {
	return fmt.Appendf(b, `{"seatId":"`+seat+`","userId":"user%d"}`, n, n)
}

// lockTimes makes 200 locks a second of seats that missChanges leaves, and returns
// how long they took. The seats begin at the number from.
func lockTimes(ctx context.Context, addr, seat string, from int) ([]time.Duration, error) {
	return steadily(ctx, addr, 200, post("/lock", func(b []byte, turn int) []byte { return namedBody(b, seat, from+turn) }))
}

// gzip is the header that browsers send. Without it the row would measure the loopback:
// each list has 2 MB.
const gzip = "Accept-Encoding: gzip\r\n"

// readStorm compares locks during the most expensive reads with locks alone.
func readStorm(ctx context.Context, store lockstore.LockStore) (result, error) {
	addr, err := serve(ctx, newEvent("bench", 50_000, seatLimit), store)
	if err != nil {
		return result{}, err
	}
	version, err := missChanges(ctx, addr, "%d")
	if err != nil {
		return result{}, err
	}
	alone, err := lockTimes(ctx, addr, "%d", 20_000)
	if err != nil {
		return result{}, err
	}
	reads := []struct {
		perSecond int
		r         request
	}{
		{500, head("/seats?status=available")},
		{45, get("/seats?since="+version, gzip)},
		{45, get("/seats?since=unknown-1", gzip)},
		{45, get("/seats?status=available", gzip)},
	}
	done := make(chan error, len(reads))
	for _, read := range reads {
		go func() {
			_, err := steadily(ctx, addr, read.perSecond, read.r)
			done <- err
		}()
	}
	beside, err := lockTimes(ctx, addr, "%d", 30_000)
	for range reads {
		err = errors.Join(err, <-done)
	}
	if err != nil {
		return result{}, err
	}
	a, b := quantile(alone, 0.5), quantile(beside, 0.5)
	ratio := b.Seconds() / a.Seconds()
	return result{"p50 " + millis(a), "p50 " + millis(b), fmt.Sprintf("%.2f", ratio), ratio <= 2}, nil
}

func memoryStorm(ctx context.Context, _ *testbed.Bed) (result, error) {
	return readStorm(ctx, new(memstore.Store))
}

func redisStorm(ctx context.Context, s *redisServer) (result, error) {
	store, err := s.empty(ctx)
	if err != nil {
		return result{}, err
	}
	return readStorm(ctx, store)
}

// slowReaders measures the memory of a server while clients request the list of 50,000
// seats but do not read it, and seats are locked.
func slowReaders(ctx context.Context, bed *testbed.Bed) (result, error) {
	const readers = 4000
	s, addr, err := arena(ctx, bed, oneClient...)
	if err != nil {
		return result{}, err
	}
	var locked []time.Duration
	locking := make(chan error, 1)
	go func() {
		var err error
		locked, err = lockTimes(ctx, addr, "A%d", 1)
		locking <- err
	}()
	for range readers {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return result{}, err
		}
		bed.OnClose(func() { c.Close() })
		if err := c.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
			return result{}, err
		}
		if _, err := c.Write(get("/seats")(nil, 0)); err != nil {
			return result{}, err
		}
	}
	time.Sleep(time.Second) // until all requests have been read
	used, err := memoryOf(s.PID())
	if err != nil {
		return result{}, err
	}
	if err := <-locking; err != nil {
		return result{}, err
	}
	return result{"", fmt.Sprintf("%.0f MB in all", float64(used)/1e6), "locks p50 " + millis(quantile(locked, 0.5)), used <= 150e6}, nil
}

// arena starts a server of 50,000 seats as a process of its own.
func arena(ctx context.Context, bed *testbed.Bed, args ...string) (s *faults.Server, addr string, err error) {
	program, err := faults.Build(ctx, nil, "seatlock/local")
	if err != nil {
		return nil, "", err
	}
	s, err = faults.Serve(ctx, program, append(args, "-addr", "127.0.0.1:0", "-seats", "1x50000", "-lock-ttl", "1h")...)
	if err != nil {
		return nil, "", err
	}
	bed.OnClose(s.Kill)
	return s, strings.TrimPrefix(s.URL, "http://"), nil
}

// oneClient are the arguments of a server whose clients would be at many addresses in
// reality, but are at one here.
var oneClient = []string{"-address-share", "100"}

// idleConnections measures locks while a client at another address opens very many
// connections, and keeps those that it gets.
func idleConnections(ctx context.Context, bed *testbed.Bed) (result, error) {
	const idle = 10_000
	_, addr, err := arena(ctx, bed)
	if err != nil {
		return result{}, err
	}
	alone, err := lockTimes(ctx, addr, "A%d", 1)
	if err != nil {
		return result{}, err
	}
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	conns := make([]net.Conn, 0, idle)
	bed.OnClose(func() {
		for _, c := range conns {
			c.Close()
		}
	})
	opened := make(chan error, 1)
	go func() {
		for range idle {
			c, err := from.DialContext(ctx, "tcp", addr)
			if err != nil {
				opened <- err
				return
			}
			conns = append(conns, c)
		}
		opened <- nil
	}()
	beside, err := lockTimes(ctx, addr, "A%d", 20_000)
	if err := errors.Join(err, <-opened); err != nil {
		return result{}, err
	}
	a, b := quantile(alone, 0.5), quantile(beside, 0.5)
	ratio := b.Seconds() / a.Seconds()
	return result{"p50 " + millis(a), "p50 " + millis(b), fmt.Sprintf("%.2f, none refused", ratio), ratio <= 2}, nil
}
