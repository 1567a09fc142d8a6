package main

import (
	"context"
	"testing"

	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/storetest/history"
)

// A slow store answers every confirm after the lock has ended.
type slow struct{ memstore.Store }

func (s *slow) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	if op.Kind == lockstore.KindConfirm {
		if err := sleep(ctx, 2*ev.LockTTL); err != nil {
			return lockstore.Result{}, err
		}
	}
	return s.Store.Do(ctx, ev, op)
}

// TestHeldUp checks that a sale counts the calls that were held up, and that they break the
// promise of its row.
func TestHeldUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		store lockstore.LockStore
		want  int
	}{{new(memstore.Store), 0}, {new(slow), 1}} {
		campaign := newCampaign(settings{scale: 1}, "alone", c.store, 1)
		ev, err := powerEvent()
		if err != nil {
			t.Fatal(err)
		}
		ev.LockTTL = plan.TTL
		s := &sale{c: campaign, rec: &history.Recorder{Store: c.store, Event: ev}}
		for _, op := range bookingOf("ann", ev.Seats[0]) {
			s.call(t.Context(), history.Call{Op: op})
		}
		s.judge()
		if got := campaign.tally.late; got != c.want {
			t.Errorf("%T: %d faults are counted, want %d", c.store, got, c.want)
		}
	}
}
