package history_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/storetest"
	"seatlock/lockstore/storetest/history"
)

// TestLedgerOfRightStore checks that an audit finds nothing in a correct store, whether
// all outcomes are known or not.
func TestLedgerOfRightStore(t *testing.T) {
	var sum history.Losses
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			var store lockstore.LockStore = new(memstore.Store)
			if seed%2 == 0 {
				store = history.NewFlaky(store, 0.1, seed)
			}
			p := plan(seed)
			all, err := history.Play(t.Context(), store, fmt.Sprint("event", seed), p)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(p.Longest())
			for _, h := range all {
				ledger := history.NewLedger(h.Event)
				for _, c := range h.Calls {
					ledger.Note(c)
				}
				found, err := ledger.Audit(t.Context(), store)
				if err != nil {
					t.Fatal(err)
				}
				for _, word := range found.Words {
					t.Errorf("seed %d: %s", seed, word)
				}
				sum.Add(found)
			}
		})
	}
	if sum.Bookings < 200 {
		t.Errorf("%d bookings were acknowledged: the histories have too little variety", sum.Bookings)
	}
}

// A pretender acknowledges operations of a kind and does nothing.
type pretender struct {
	memstore.Store
	kind lockstore.Kind
}

func (p *pretender) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	if op.Kind == p.kind {
		return lockstore.Result{Changed: op.Seats, Now: time.Now().Truncate(time.Millisecond)}, nil
	}
	return p.Store.Do(ctx, ev, op)
}

// A forgetful store undoes operations of a kind with another one that follows.
type forgetful struct {
	memstore.Store
	kind lockstore.Kind
	undo lockstore.Op
}

func (f *forgetful) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	result, err := f.Store.Do(ctx, ev, op)
	if op.Kind == f.kind && err == nil {
		_, err = f.Store.Do(ctx, ev, f.undo)
	}
	return result, err
}

// A patchy store leaves the first entry out of its journal, and the first seat out of
// its roster.
type patchy struct {
	memstore.Store
	journal, roster bool
}

func (p *patchy) Journal(ctx context.Context, ev *lockstore.Event, after lockstore.Seq, limit int) ([]lockstore.Entry, error) {
	page, err := p.Store.Journal(ctx, ev, after, limit)
	if p.journal && after == "" && len(page) > 0 {
		page = page[1:]
	}
	return page, err
}

func (p *patchy) Roster(ctx context.Context, ev *lockstore.Event, f lockstore.Filter) (lockstore.Seq, iter.Seq2[lockstore.Holding, error]) {
	seq, all := p.Store.Roster(ctx, ev, f)
	return seq, func(yield func(lockstore.Holding, error) bool) {
		first := p.roster
		for h, err := range all {
			if !first && !yield(h, err) {
				return
			}
			first = false
		}
	}
}

// TestLedgerFindsLosses checks that an audit finds what a store has lost.
func TestLedgerFindsLosses(t *testing.T) {
	sale := []lockstore.Op{
		lockstore.Book("ann", "r1", "S1", "S2"),
		lockstore.Book("ben", "r2", "S3"),
		lockstore.Cancel("ann", "r1", "S2"),
		lockstore.Move("ben", "r2", []lockstore.SeatID{"S3"}, []lockstore.SeatID{"S4"}),
		lockstore.Block("house", "S5", "S6"),
		lockstore.Unblock("S6"),
	}
	for name, c := range map[string]struct {
		store              lockstore.LockStore
		lost, stuck, books bool
	}{
		"nothing is lost":      {store: new(memstore.Store)},
		"a booking is lost":    {store: &forgetful{kind: lockstore.KindMove, undo: lockstore.Cancel("ann", "", "S1")}, lost: true},
		"a cancel is lost":     {store: &pretender{kind: lockstore.KindCancel}, lost: true, books: true},
		"a move is lost":       {store: &pretender{kind: lockstore.KindMove}, lost: true, books: true},
		"a block is lost":      {store: &pretender{kind: lockstore.KindBlock}, lost: true},
		"an unblock is lost":   {store: &pretender{kind: lockstore.KindUnblock}, lost: true},
		"a seat changes hands": {store: &forgetful{kind: lockstore.KindMove, undo: lockstore.Book("cat", "r3", "S2")}, lost: true, books: true},
		"a seat is nobody's":   {store: &forgetful{kind: lockstore.KindMove, undo: lockstore.Book("cat", "r3", "S7")}, stuck: true, books: true},
		"an entry is missing":  {store: &patchy{journal: true}, books: true},
		"a seat is missing":    {store: &patchy{roster: true}, books: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := &history.Recorder{Store: c.store, Event: storetest.Event(t, "e", time.Minute, 0, "S1", "S2", "S3", "S4", "S5", "S6", "S7")}
			ledger := history.NewLedger(r.Event)
			for _, op := range sale {
				ledger.Note(r.Do(t.Context(), history.Call{Op: op}))
			}
			found, err := ledger.Audit(t.Context(), c.store)
			if err != nil {
				t.Fatal(err)
			}
			if found.Lost > 0 != c.lost || found.Stuck > 0 != c.stuck || found.Books > 0 != c.books {
				t.Errorf("found %+v, want lost: %v, stuck: %v, differences of the books: %v", found, c.lost, c.stuck, c.books)
			}
		})
	}
}

// TestLedgerTellsLossesFromPhantoms checks that a seat is lost only if it is as it was before
// a call: as no call has made it, it is stuck, even if something of it was cancelled or
// unblocked.
func TestLedgerTellsLossesFromPhantoms(t *testing.T) {
	unsure := func(op lockstore.Op) history.Call {
		return history.Call{Op: op, Answer: history.Answer{Outcome: history.Unknown}}
	}
	for name, c := range map[string]struct {
		calls       []history.Call // noted, and not carried out
		has         lockstore.Op   // carried out
		lost, stuck int
	}{
		"a booking that nobody made, after a cancel": {
			[]history.Call{{Op: lockstore.Cancel("ann", "r1", "S1")}}, lockstore.Book("cat", "r2", "S1"), 0, 1},
		"a booking that was cancelled": {
			[]history.Call{{Op: lockstore.Book("ann", "r1", "S1")}, {Op: lockstore.Cancel("ann", "r1", "S1")}}, lockstore.Book("ann", "r1", "S1"), 1, 0},
		"a block that nobody made, after an unblock": {
			[]history.Call{{Op: lockstore.Unblock("S1")}}, lockstore.Block("house", "S1"), 0, 1},
		"a block that was undone": {
			[]history.Call{{Op: lockstore.Block("house", "S1")}, {Op: lockstore.Unblock("S1")}}, lockstore.Block("house", "S1"), 1, 0},
		"another booking than the one that may be there, after a cancel that may have ended it": {
			[]history.Call{unsure(lockstore.Book("ben", "r2", "S1")), unsure(lockstore.Cancel("ben", "r2", "S1"))}, lockstore.Book("cat", "r3", "S1"), 0, 1},
		"another booking than the one that may be there, and its user's ended": {
			[]history.Call{{Op: lockstore.Book("ben", "r1", "S1")}, {Op: lockstore.Cancel("ben", "r1", "S1")}, unsure(lockstore.Book("ben", "r2", "S1"))}, lockstore.Book("cat", "r3", "S1"), 0, 1},
		"the booking before the one that may be there": {
			[]history.Call{{Op: lockstore.Book("ann", "r1", "S1")}, {Op: lockstore.Cancel("ann", "r1", "S1")}, unsure(lockstore.Book("ben", "r2", "S1"))}, lockstore.Book("ann", "r1", "S1"), 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			ledger := history.NewLedger(storetest.Event(t, "e", time.Minute, 0, "S1", "S2"))
			for i, call := range c.calls {
				call.Method, call.Begin, call.End = history.Do, int64(2*i), int64(2*i+1)
				if call.Outcome == history.Unknown {
					call.End = history.Never
				} else {
					call.Outcome = history.Done
				}
				ledger.Note(call)
			}
			store := new(memstore.Store)
			if _, err := store.Do(t.Context(), ledger.Event, c.has); err != nil {
				t.Fatal(err)
			}
			found, err := ledger.Audit(t.Context(), store)
			if err != nil {
				t.Fatal(err)
			}
			if found.Lost != c.lost || found.Stuck != c.stuck {
				t.Errorf("found %+v, want %d lost and %d stuck", found, c.lost, c.stuck)
			}
		})
	}
}
