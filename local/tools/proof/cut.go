package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/storetest/history"
)

// fileCut books groups of seats, kills Redis, cuts its file at a random byte and
// restarts it. What was cut off is lost, but only the end may be lost: no booking may
// be newer than a lost one, no group may be there in part, and lists and seats must
// agree.
var fileCut = inRounds(30, cutOnce)

func cutOnce(ctx context.Context, t *trial, round int) (tally, error) {
	server, store, err := t.redis(appendOnly...)
	if err != nil {
		return tally{}, err
	}
	const buyers, each, group = 4, 40, 4
	seats := make([]lockstore.SeatID, buyers*each*group)
	for i := range seats {
		seats[i] = lockstore.SeatID(fmt.Sprintf("S%d", i))
	}
	layout, err := lockstore.NewLayout(seats)
	if err != nil {
		return tally{}, err
	}
	ev, err := lockstore.NewEvent(lockstore.EventID(fmt.Sprintf("cut-%d", round)), layout, time.Second, 0)
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
				rec.Do(ctx, history.Call{Client: b, Op: lockstore.Lock(user, seats[at:at+group]...)})
				rec.Do(ctx, history.Call{Client: b, Op: lockstore.Confirm(user, seats[at:at+group]...)})
			}
		})
	}
	all.Wait()
	server.Kill()
	if err := cut(server.Dir); err != nil {
		return tally{}, err
	}
	if err := server.Restart(); err != nil {
		return tally{}, err
	}
	if err := sleep(ctx, ev.LockTTL+50*time.Millisecond); err != nil {
		return tally{}, err
	}
	return checkCut(ctx, store, rec.History(0))
}

// cut shortens the append-only file in the folder.
func cut(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "appendonlydir", "*.incr.aof"))
	if err != nil {
		return err
	}
	if len(files) != 1 {
		return fmt.Errorf("%s must have one append-only file, and has %q", dir, files)
	}
	info, err := os.Stat(files[0])
	if err != nil {
		return err
	}
	return os.Truncate(files[0], rand.Int64N(info.Size()+1))
}

// checkCut compares what the store still has with the calls that were made.
func checkCut(ctx context.Context, store *redisstore.Store, h *history.History) (tally, error) {
	t := tally{histories: 1, calls: len(h.Calls), faults: 1, unjudged: true}
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
		booked[h.Event.Seats[seat.Position]] = seat.Status == lockstore.Booked
	}
	ledger := history.NewLedger(h.Event)
	firstLost, lastKept := int64(history.Never), int64(0) // when the first lost booking returned, and the last kept one was called
	for _, c := range h.Calls {
		ledger.Note(c)
		if c.Outcome == history.Unknown {
			t.unknown++
		}
		if c.Kind != lockstore.KindConfirm || c.Outcome != history.Done {
			continue
		}
		left := len(slices.DeleteFunc(slices.Clone(c.Seats), func(s lockstore.SeatID) bool { return !booked[s] }))
		switch left {
		case 0:
			firstLost = min(firstLost, c.End)
		case len(c.Seats):
			lastKept = max(lastKept, c.Begin)
		default:
			t.torn++
			t.losses.Words = append(t.losses.Words, fmt.Sprintf("%d of the %d seats %v are booked", left, len(c.Seats), c.Seats))
		}
	}
	if firstLost < lastKept {
		t.torn++
		t.losses.Words = append(t.losses.Words, "a booking is lost, and a newer one is there")
	}
	found, err := ledger.Audit(ctx, store)
	t.losses.Add(found)
	return t, err
}
