package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/history"
)

// aof has Redis write what it does to a file before it answers.
var aof = []string{"--appendonly", "yes"}

// redisKilled kills the server under load and starts it again on its files.
func redisKilled(ctx context.Context, s setting) (tally, error) {
	return withRedis(func(server *redistest.Server, dir string) (tally, error) {
		addr := server.Addr
		store, client, err := connect("redis://"+addr, redisstore.Options{})
		if err != nil {
			return tally{}, err
		}
		defer client.Close()
		c := newCampaign(s, "killed", store, 48)
		c.plan.Pause = 20 * time.Millisecond
		err = c.during(ctx, func(ctx context.Context) error {
			for range s.times(25) {
				if err := sleep(ctx, time.Duration(300+rand.IntN(700))*time.Millisecond); err != nil {
					return err
				}
				server.Kill()
				if server, err = restart(addr, dir); err != nil {
					return err
				}
				c.tally.faults++
			}
			return nil
		})
		defer func() { server.Kill() }()
		if err != nil {
			return c.tally, err
		}
		return c.settle(ctx, store)
	}, aof...)
}

// restart starts a server where another was.
func restart(addr, dir string) (*redistest.Server, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return redistest.Start(dir, append([]string{"--port", port}, aof...)...)
}

// fileCut books groups of seats, kills the server, cuts its file anywhere and
// starts it again. What was cut off is lost by nature, but it must be the end:
// no booking that outlived another that came after it, no half of a group, no
// list that differs from the seats.
func fileCut(ctx context.Context, s setting) (tally, error) {
	var all tally
	for round := range s.times(30) {
		t, err := withRedis(func(server *redistest.Server, dir string) (tally, error) {
			return cutOnce(ctx, server, dir, round)
		}, aof...)
		all.histories++
		all.calls += t.calls
		all.unknown += t.unknown
		all.torn += t.torn
		all.faults++
		all.losses.Add(t.losses)
		if err != nil || ctx.Err() != nil {
			return all, err
		}
	}
	all.unjudged = true
	return all, nil
}

// cutOnce is one round of fileCut.
func cutOnce(ctx context.Context, server *redistest.Server, dir string, round int) (tally, error) {
	store, client, err := connect("redis://"+server.Addr, redisstore.Options{})
	if err != nil {
		return tally{}, err
	}
	defer client.Close()
	const buyers, each, group = 4, 40, 4
	seats := make([]lockstore.SeatID, buyers*each*group)
	for i := range seats {
		seats[i] = lockstore.SeatID(fmt.Sprintf("S%d", i))
	}
	ev, err := lockstore.NewEvent(lockstore.EventID(fmt.Sprintf("cut-%d", round)), seats, time.Second, 0)
	if err != nil {
		return tally{}, err
	}
	rec := &history.Recorder{Store: store, Event: ev}
	var all sync.WaitGroup
	for b := range buyers {
		all.Go(func() {
			for n := range each {
				at := (b*each + n) * group
				user := lockstore.UserID(fmt.Sprintf("buyer-%d-%d", b, n))
				rec.Do(ctx, history.Op{Client: b, Call: history.Lock, User: user, Seats: seats[at : at+group]})
				rec.Do(ctx, history.Op{Client: b, Call: history.Confirm, User: user, Seats: seats[at : at+group]})
			}
		})
	}
	all.Wait()
	server.Kill()
	if err := cut(dir); err != nil {
		return tally{}, err
	}
	again, err := restart(server.Addr, dir)
	if err != nil {
		return tally{}, err
	}
	defer again.Kill()
	if err := sleep(ctx, ev.LockTTL+50*time.Millisecond); err != nil {
		return tally{}, nil
	}
	return judgeCut(ctx, store, rec.History(0))
}

// cut shortens the file in which the server wrote down what it did.
func cut(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "appendonlydir", "*.incr.aof"))
	if err != nil {
		return err
	}
	if len(files) != 1 {
		return fmt.Errorf("want one append-only file in %s, there are %q", dir, files)
	}
	info, err := os.Stat(files[0])
	if err != nil {
		return err
	}
	return os.Truncate(files[0], rand.Int64N(info.Size()+1))
}

// judgeCut looks at what was left.
func judgeCut(ctx context.Context, store *redisstore.Store, h *history.History) (tally, error) {
	t := tally{calls: len(h.Ops)}
	differ, err := store.Audit(ctx, h.Event)
	if err != nil {
		return t, err
	}
	t.torn += len(differ)
	snap, err := store.List(ctx, h.Event, "")
	if err != nil {
		return t, err
	}
	booked := make(map[lockstore.SeatID]bool)
	for _, seat := range snap.Seats {
		booked[seat.ID] = seat.Status == lockstore.Booked
	}
	ledger := history.NewLedger(h.Event)
	firstLost, lastKept := int64(history.Never), int64(0) // the first that ended and is gone; the last that began and is there
	for _, op := range h.Ops {
		ledger.Note(op)
		if op.Outcome == history.Unknown {
			t.unknown++
		}
		if op.Call != history.Confirm || op.Outcome != history.Done {
			continue
		}
		there := len(slices.DeleteFunc(slices.Clone(op.Seats), func(s lockstore.SeatID) bool { return !booked[s] }))
		switch there {
		case 0:
			firstLost = min(firstLost, op.End)
		case len(op.Seats):
			lastKept = max(lastKept, op.Begin)
		default:
			t.torn++
			t.losses.Words = append(t.losses.Words, fmt.Sprintf("%d of the %d seats %v are booked", there, len(op.Seats), op.Seats))
		}
	}
	if firstLost < lastKept {
		t.torn++
		t.losses.Words = append(t.losses.Words, "a booking is gone, and one that came after it is there")
	}
	found, err := ledger.Audit(ctx, store)
	t.losses.Add(found)
	return t, err
}

// clockStepped sets the clock of the server an hour on and back, under load.
// Locks then end early or late, so there is no order to look for; who was told
// that a seat is theirs must keep it.
func clockStepped(ctx context.Context, s setting) (tally, error) {
	return withFolder(func(dir string) (tally, error) {
		clock, err := redistest.NewClock(dir)
		if err != nil {
			return tally{}, err
		}
		server, err := clock.Start(dir)
		if err != nil {
			return tally{}, err
		}
		defer server.Kill()
		store, client, err := connect("redis://"+server.Addr, redisstore.Options{})
		if err != nil {
			return tally{}, err
		}
		defer client.Close()
		c := newCampaign(s, "clock", store, 24)
		c.unjudged = true
		steps := []time.Duration{time.Hour, 0, -time.Hour, 0, time.Hour, -time.Hour, 0}
		err = c.during(ctx, func(ctx context.Context) error {
			for i := range s.times(3 * len(steps)) {
				if err := sleep(ctx, time.Duration(200+rand.IntN(800))*time.Millisecond); err != nil {
					return err
				}
				if err := clock.Set(steps[i%len(steps)]); err != nil {
					return err
				}
				c.tally.faults++
			}
			return nil
		})
		if err != nil {
			return c.tally, err
		}
		if err := clock.Set(3 * time.Hour); err != nil { // every lock is over
			return c.tally, err
		}
		return c.settle(ctx, store)
	})
}

// errEnded is a program that ended before it was killed.
var errEnded = errors.New("it ended by itself")
