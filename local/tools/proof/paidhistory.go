package main

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"sync"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/storetest/history"
)

// recorded is a store that records the operations and rosters of each event.
type recorded struct {
	lockstore.LockStore

	mu     sync.Mutex
	events map[lockstore.EventID]*history.Recorder
}

// add starts recording an event.
func (r *recorded) add(ev *lockstore.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.events == nil {
		r.events = make(map[lockstore.EventID]*history.Recorder)
	}
	r.events[ev.ID] = &history.Recorder{Store: r.LockStore, Event: ev}
}

func (r *recorded) of(ev *lockstore.Event) *history.Recorder {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events[ev.ID]
}

// Do implements [lockstore.LockStore].
func (r *recorded) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	c := r.of(ev).Do(ctx, history.Call{Op: op})
	return c.Result, c.Cause
}

// Roster implements [lockstore.LockStore]. It records rosters of some seats, on which
// workers base decisions, but not those of whole events, which only judge the sale.
func (r *recorded) Roster(ctx context.Context, ev *lockstore.Event, f lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
	if f.Seats == nil {
		return r.LockStore.Roster(ctx, ev, f)
	}
	c := r.of(ev).Do(ctx, history.Call{Method: history.Roster, Filter: f})
	return "", func(yield func(lockstore.Holding, error) bool) {
		if c.Cause != nil {
			yield(lockstore.Holding{}, c.Cause)
			return
		}
		for _, h := range c.Holdings {
			if !yield(h, nil) {
				return
			}
		}
	}
}

// slack is how far the clocks of a store and its callers may differ here: both are on one
// machine, and count milliseconds.
const slack = 5 * time.Millisecond

// check checks every history, and draws those that are illegal.
func (r *recorded) check(s *paidSale, t *paidTally) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range r.events {
		h := rec.History(slack)
		verdict, err := h.Check(checkTime)
		if err != nil {
			return err
		}
		switch verdict {
		case history.Undecided:
			t.undecided++
		case history.Illegal:
			t.illegal++
			why, err := h.Explain(checkTime)
			if err != nil {
				return err
			}
			t.words = append(t.words, why)
			if t.illegal > maxDrawn {
				continue
			}
			file := filepath.Join(s.dir, "illegal-"+string(h.Event.ID)+".html")
			if err := h.Draw(file, checkTime); err != nil {
				return err
			}
			t.words = append(t.words, fmt.Sprintf("drawn to %s", file))
		}
	}
	return nil
}
