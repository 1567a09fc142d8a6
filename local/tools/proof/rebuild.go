package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// rebuilt repeatedly rebuilds the events on sale: those of the histories, and a large one,
// which takes longer.
func rebuilt(ctx context.Context, t *trial) (tally, error) {
	_, store, err := t.redis()
	if err != nil {
		return tally{}, err
	}
	c := newCampaign(t.settings, "rebuilt", store, 24)
	large, err := largeEvent(lockstore.EventID(c.name))
	if err != nil {
		return tally{}, err
	}
	rec := &history.Recorder{Store: store, Event: large}
	err = c.playDuring(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		var sale sync.WaitGroup
		sale.Go(func() { sellTooMany(ctx, rec) })
		defer sale.Wait()
		defer cancel()
		return c.repeating(40, 0, 0, func(ctx context.Context, _ int) error {
			events := []*lockstore.Event{large}
			for range 3 {
				some, err := c.underWay()
				if err != nil {
					return err
				}
				events = append(events, some...)
			}
			for _, ev := range events {
				if err := history.Repeat(ctx, func() error { _, err := store.Rebuild(ctx, ev); return err }); err != nil {
					return err
				}
			}
			return nil
		})(ctx)
	})
	if err != nil {
		return c.tally, err
	}
	c.record(rec.History(0)) // it is too large to look for an order
	return c.audit(ctx)
}

// largeEvent returns an event with a seat limit of two.
func largeEvent(id lockstore.EventID) (*lockstore.Event, error) {
	seats := make([]lockstore.SeatID, 20_000)
	for i := range seats {
		seats[i] = lockstore.SeatID(fmt.Sprintf("S%d", i))
	}
	layout, err := lockstore.NewLayout(seats)
	if err != nil {
		return nil, err
	}
	return lockstore.NewEvent(id, layout, plan.TTL, 2)
}

// sellTooMany sells seats until the context ends. Each user buys as many as the limit
// allows, and most try one more a little later.
func sellTooMany(ctx context.Context, rec *history.Recorder) {
	const sellers, later = 8, 20
	ev := rec.Event
	var next atomic.Int64
	buy := func(seller int, user int64, seats ...lockstore.SeatID) {
		id := lockstore.UserID(fmt.Sprintf("user-%d", user))
		for _, op := range []lockstore.Op{lockstore.Lock(id, seats...), lockstore.Confirm(id, seats...)} {
			rec.Do(context.WithoutCancel(ctx), history.Call{Client: seller, Op: op})
		}
	}
	var all sync.WaitGroup
	for s := range sellers {
		all.Go(func() {
			for ctx.Err() == nil {
				user := next.Add(1) - 1
				at := int(user) * 3
				if at+3 > len(ev.Seats) {
					return
				}
				_ = sleep(ctx, 30*time.Millisecond)
				buy(s, user, ev.Seats[at])
				buy(s, user, ev.Seats[at+1])
				if before := user - later; before >= 0 {
					buy(s, before, ev.Seats[before*3+2])
				}
			}
		})
	}
	all.Wait()
}
