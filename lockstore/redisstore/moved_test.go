package redisstore_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
)

// TestKeysThatMoved checks an event that was moved to another server. A move sets back the
// time at which a key ends by the time that the move takes, here five seconds.
// Lists, counts and locks still agree, by the ends that were acknowledged.
func TestKeysThatMoved(t *testing.T) {
	t.Parallel()
	addr := sharedServer(t)
	s, ctl, ev := onRedis(t, "redis://"+addr, redisstore.Options{}), admin(t, addr), newEvent(t)
	ev.LockTTL, ev.SeatLimit = 2*time.Second, 1
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	mustDo(t, s, ev, lockstore.Lock(ben, "A2"))
	const slip = 5 * time.Second
	for _, name := range []string{"map", "seat:A1", "seat:A2", "user:ann", "user:ben"} {
		end, err := ctl.Do(t.Context(), "PEXPIRETIME", key(ev, name)).Int64()
		if err == nil {
			err = ctl.Do(t.Context(), "PEXPIREAT", key(ev, name), end+slip.Milliseconds()).Err()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	before := time.Now()
	snap := mustList(t, s, ev, "")
	if now := time.UnixMilli(snap.Now); now.Before(before.Add(-time.Second)) || now.After(time.Now().Add(time.Second)) {
		t.Errorf("a list at %v has the time %v", before, now)
	}
	time.Sleep(time.Until(time.UnixMilli(snap.Seats[1].Expires + 1))) // the locks end, and their keys do not
	if seats := mustList(t, s, ev, "").Seats; len(seats) != 0 {
		t.Errorf("after the end of the locks, a list has %v", seats)
	}
	if err := do(t, s, ev, lockstore.Confirm(ann, "A1")); !errors.Is(err, lockstore.LockExpired) {
		t.Errorf("confirm after the end of the lock: %v, want %v", err, lockstore.LockExpired)
	}
	mustDo(t, s, ev, lockstore.Lock(ben, "A1")) // whose own lock no longer counts
	if err := do(t, s, ev, lockstore.Lock(ben, "A3")); !errors.Is(err, lockstore.OverSeatLimit) {
		t.Errorf("ben, with a limit of one seat, locks a second: %v", err)
	}
	if seats := mustList(t, s, ev, "").Seats; !slices.ContainsFunc(seats, func(s lockstore.ListedSeat) bool { return s.Position == 0 }) {
		t.Errorf("a list has %v, want A1", seats)
	}
	if differ, err := s.Audit(t.Context(), ev); err != nil || len(differ) != 0 {
		t.Errorf("Audit: %v, %v", differ, err)
	}
}
