package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"seatlock/local/tools/internal/testbed"
	"seatlock/lockstore/storetest/faults"
)

// deflate is what browsers send, so that they get large messages compressed.
const deflate = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"

// viewersReturn measures locks on Redis while all viewers that have missed changes
// reconnect at once.
//
// Real viewers have processors of their own. Here they are a process with a lower
// priority than the server, Redis and the client that locks. The locks are compared with
// locks without viewers. The figure also shows locks with all viewers connected, which
// get messages about the locks but no first lists.
func viewersReturn(ctx context.Context, bed *testbed.Bed) (result, error) {
	redis, err := bed.Redis()
	if err != nil {
		return result{}, err
	}
	s, addr, err := arena(ctx, bed, append(oneClient, "-redis", redis.URL())...)
	if err != nil {
		return result{}, err
	}
	version, err := missChanges(ctx, addr, "A%d")
	if err != nil {
		return result{}, err
	}
	alone, err := lockTimes(ctx, addr, "A%d", 10_000)
	if err != nil {
		return result{}, err
	}
	before, err := processorTime(s.PID())
	if err != nil {
		return result{}, err
	}
	opened := make(chan error, 1)
	var took, used time.Duration
	go func() {
		var err error
		took, used, err = openElsewhere(ctx, bed, addr, version)
		opened <- err
	}()
	beside, err := lockTimes(ctx, addr, "A%d", 20_000)
	if err := errors.Join(err, <-opened); err != nil {
		return result{}, err
	}
	after, err := processorTime(s.PID())
	if err != nil {
		return result{}, err
	}
	with, err := lockTimes(ctx, addr, "A%d", 30_000)
	if err != nil {
		return result{}, err
	}
	a, b, w := quantile(alone, 0.99), quantile(beside, 0.99), quantile(with, 0.99)
	ratio := b.Seconds() / a.Seconds()
	figure := fmt.Sprintf("%.2f; once all are back p99 %s, so %.2f of that; all are back after %.1f s; the server used %.1f s of processor time, the viewers %.1f s",
		ratio, millis(w), b.Seconds()/w.Seconds(), took.Seconds(), (after - before).Seconds(), used.Seconds())
	return result{"p99 " + millis(a), "p99 " + millis(b), figure, ratio <= 2}, nil
}

// viewersPart is the argument with which this program plays many viewers.
const viewersPart = "viewers"

// openElsewhere opens viewers in another process, which has the lowest priority. It
// returns how long it took until each had its first message, and how much processor
// time the process has used.
func openElsewhere(ctx context.Context, bed *testbed.Bed, addr, version string) (took, used time.Duration, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	var log faults.Log
	began := time.Now()
	p, err := faults.StartProcess(&log, nil, "nice", "-n", "19", self, viewersPart, addr, version)
	if err != nil {
		return 0, 0, err
	}
	bed.OnClose(p.Kill)
	for !strings.Contains(log.String(), allOpen) {
		select {
		case <-p.Ended():
			return 0, 0, fmt.Errorf("the viewers ended: %s", &log)
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	took = time.Since(began)
	used, err = processorTime(p.PID())
	return took, used, err
}

// allOpen is printed by the process of the viewers when each has its first message.
const allOpen = "all viewers are open"

// showViewers opens all viewers, a few at a time, and keeps them until the process is
// killed. If it opened all at once, this process with its low priority would not send
// their requests within the server's time limit.
func showViewers(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("viewers: the arguments must be an address and a version")
	}
	var bed testbed.Bed
	defer bed.Close()
	if _, err := openViewers(ctx, &bed, args[0], args[1], deflate); err != nil {
		return err
	}
	fmt.Println(allOpen)
	<-ctx.Done()
	return ctx.Err()
}
