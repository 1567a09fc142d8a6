package history_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/storetest"
	"seatlock/lockstore/storetest/history"
)

// TestCallsHaveALimitIfTheEventHas checks that every call has a limit that a ledger can
// check, and that calls have limits of their own.
func TestCallsHaveALimitIfTheEventHas(t *testing.T) {
	own := 0
	for seed := range uint64(20) {
		for _, h := range play(t, new(memstore.Store), plan(seed)) {
			for _, c := range h.Calls {
				if h.Event.SeatLimit == 0 || c.Settings == nil {
					continue
				}
				own++
				if c.Settings.SeatLimit == 0 {
					t.Fatalf("seed %d: the event's limit is %d, and a call of %s has none", seed, h.Event.SeatLimit, c.User)
				}
			}
		}
	}
	if own < 100 {
		t.Errorf("%d calls have a limit of their own", own)
	}
}

// A generous store ignores the seat limit.
type generous struct{ memstore.Store }

func (g *generous) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	unlimited := *ev
	unlimited.SeatLimit = 0
	return g.Store.Do(ctx, &unlimited, op)
}

// A strict store counts one seat too many.
type strict struct{ memstore.Store }

func (s *strict) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	result, err := s.Store.Do(ctx, ev, op)
	if conflict, ok := errors.AsType[*lockstore.ConflictError](err); ok && conflict.Reason == lockstore.OverSeatLimit {
		return result, &lockstore.ConflictError{Reason: conflict.Reason, Held: conflict.Held + 1}
	}
	return result, err
}

// TestLedgerHoldsTheSeatLimit checks that a user with more seats than the limit is
// found, and one who could lock more, and one who is counted with too many. The
// others are not.
func TestLedgerHoldsTheSeatLimit(t *testing.T) {
	for name, c := range map[string]struct {
		store       lockstore.LockStore
		settings    *history.Settings
		seats       []lockstore.SeatID
		over, stuck int
	}{
		"as many as the limit":           {new(memstore.Store), nil, []lockstore.SeatID{"S1", "S2"}, 0, 0},
		"fewer than the limit":           {new(memstore.Store), nil, []lockstore.SeatID{"S1"}, 0, 0},
		"as many as the call's limit":    {new(memstore.Store), &history.Settings{LockTTL: time.Minute, SeatLimit: 3}, []lockstore.SeatID{"S1", "S2", "S3"}, 0, 0},
		"a call without a limit":         {new(memstore.Store), &history.Settings{LockTTL: time.Minute}, []lockstore.SeatID{"S1", "S2", "S3"}, 0, 0},
		"more than the limit":            {new(generous), nil, []lockstore.SeatID{"S1", "S2", "S3"}, 1, 0},
		"one more can be locked":         {new(generous), nil, []lockstore.SeatID{"S1", "S2"}, 1, 0},
		"counted with one seat too many": {new(strict), nil, []lockstore.SeatID{"S1", "S2"}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := &history.Recorder{Store: c.store, Event: storetest.Event(t, "e", time.Minute, 2, "S1", "S2", "S3", "S4", "S5")}
			ledger := history.NewLedger(r.Event)
			for _, op := range []lockstore.Op{lockstore.Lock("ann", c.seats...), lockstore.Confirm("ann", c.seats...)} {
				ledger.Note(r.Do(t.Context(), history.Call{Op: op, Settings: c.settings}))
			}
			found, err := ledger.Audit(t.Context(), c.store)
			if err != nil {
				t.Fatal(err)
			}
			if found.Bookings != len(c.seats) || found.Over != c.over || found.Stuck != c.stuck || found.Lost != 0 {
				t.Errorf("found %+v, want %d over the limit and %d stuck", found, c.over, c.stuck)
			}
		})
	}
}

// TestLostCancelsExplainOnlyAsManySeats checks that a user may be counted with the seats whose
// cancel was lost, and with no more.
func TestLostCancelsExplainOnlyAsManySeats(t *testing.T) {
	for name, c := range map[string]struct {
		store lockstore.LockStore
		stuck int
	}{
		"counted with the seat": {new(memstore.Store), 0},
		"and with one more":     {new(strict), 2},
	} {
		t.Run(name, func(t *testing.T) {
			r := &history.Recorder{Store: c.store, Event: storetest.Event(t, "e", time.Minute, 2, "S1", "S2", "S3", "S4", "S5")}
			ledger := history.NewLedger(r.Event)
			for _, op := range []lockstore.Op{lockstore.Lock("ann", "S1", "S2"), lockstore.Confirm("ann", "S1", "S2")} {
				ledger.Note(r.Do(t.Context(), history.Call{Op: op}))
			}
			lost := r.Do(t.Context(), history.Call{Op: lockstore.Lock("ann", "S3")}) // refused; only the times are needed
			lost.Op, lost.Outcome = lockstore.Cancel("ann", "", "S2"), history.Done
			ledger.Note(lost)
			found, err := ledger.Audit(t.Context(), c.store)
			if err != nil {
				t.Fatal(err)
			}
			if found.Lost != 1 || found.Stuck != c.stuck || found.Over != 0 {
				t.Errorf("found %+v, want one lost and %d stuck", found, c.stuck)
			}
		})
	}
}
