package history_test

import (
	"testing"
	"testing/synctest"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
	"seatlock/lockstore/storetest"
	"seatlock/lockstore/storetest/history"
)

// TestForgottenLocks checks that a store may forget an expired lock only if it is not
// among the last of its seat, or not among the last of its user.
func TestForgottenLocks(t *testing.T) {
	const oneMore = 1
	for what, c := range map[string]struct {
		ofSeat, ofUser int // how many locks of the seat and of the user have expired, the first one included
		forgets        history.Verdict
	}{
		"the only one":             {1, 1, history.Illegal},
		"the last of the seat":     {lockstore.MinSeatLapses, 1, history.Illegal},
		"beyond those":             {lockstore.MinSeatLapses + oneMore, 1, history.Legal},
		"the last of the user":     {1, lockstore.MinUserLapses, history.Illegal},
		"beyond those of the user": {1, lockstore.MinUserLapses + oneMore, history.Legal},
		"the last of both":         {lockstore.MinSeatLapses, lockstore.MinUserLapses, history.Illegal},
	} {
		t.Run(what, func(t *testing.T) {
			h := lapsed(t, c.ofSeat, c.ofUser)
			for reason, want := range map[lockstore.Reason]history.Verdict{
				lockstore.LockExpired: history.Legal,
				lockstore.LockNotHeld: c.forgets,
				lockstore.SeatLocked:  history.Illegal,
			} {
				h.Calls[len(h.Calls)-1].Conflict.Reason = reason
				if got := verdict(t, h); got != want {
					t.Errorf("a confirm that fails with %s is %s, want %s", reason, got, want)
				}
			}
		})
	}
}

// lapsed returns a history in which a lock of ann on the seat S1 expires, followed by
// others until ofSeat locks of the seat and ofUser of ann have expired. She then
// confirms S1.
func lapsed(t *testing.T, ofSeat, ofUser int) (h *history.History) {
	synctest.Test(t, func(t *testing.T) {
		ev := storetest.Event(t, "e", time.Second, 0, "S1", "S2", "S3")
		r := &history.Recorder{Store: new(memstore.Store), Event: ev}
		lapse := func(user lockstore.UserID, seats ...lockstore.SeatID) {
			r.Do(t.Context(), history.Call{Op: lockstore.Lock(user, seats...)})
			time.Sleep(ev.LockTTL)
		}
		lapse("ann", "S1")
		for range ofSeat - 1 {
			lapse("ben", "S1")
		}
		for n := ofUser - 1; n > 0; n -= 2 {
			lapse("ann", []lockstore.SeatID{"S2", "S3"}[:min(n, 2)]...)
		}
		c := r.Do(t.Context(), history.Call{Op: lockstore.Confirm("ann", "S1")})
		if c.Conflict == nil {
			t.Fatalf("the confirm is %s", c.Outcome)
		}
		h = r.History(0)
	})
	return h
}
