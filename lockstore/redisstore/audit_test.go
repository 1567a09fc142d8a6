package redisstore_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
)

// TestLockByHand: a key that somebody sets with redis-cli keeps the seat, though
// no list knows of it until Rebuild.
func TestLockByHand(t *testing.T) {
	t.Parallel()
	addr := sharedServer(t)
	s, ev, ctl := onRedis(t, "redis://"+addr, redisstore.Options{}), newEvent(t), admin(t, addr)
	mustDo(t, s, ev, lockstore.Lock(ann, "A2"))
	before := mustList(t, s, ev, "").Version
	if err := ctl.Do(t.Context(), "SET", key(ev, "seat:A1"), "x", "NX", "PX", 60000).Err(); err != nil {
		t.Fatal(err)
	}
	err := do(t, s, ev, lockstore.Lock(ann, "A1"))
	if e, ok := errors.AsType[*lockstore.ConflictError](err); !ok || e.Reason != lockstore.SeatLocked || e.Seats[0].Expires.Before(time.Now()) {
		t.Errorf("Lock of the seat: %v", err)
	}
	if err := do(t, s, ev, lockstore.Confirm("x", "A1")); !errors.Is(err, lockstore.LockNotHeld) {
		t.Errorf("Confirm of the seat: %v", err)
	}
	differ, err := s.Audit(t.Context(), ev)
	if err != nil || len(differ) != 1 || differ[0].Seat != "A1" || differ[0].Is != "available" || !strings.HasPrefix(differ[0].Want, "locked until ") {
		t.Errorf("Audit: %v, %v, want that A1 is locked and listed as available", differ, err)
	}
	if changed, err := s.Rebuild(t.Context(), ev); err != nil || !slices.Equal(changed, differ) {
		t.Errorf("Rebuild: %v, %v", changed, err)
	}
	for _, since := range []lockstore.Version{"", before} { // in lists and in changes
		if snap := mustList(t, s, ev, since); !slices.ContainsFunc(snap.Seats, func(seat lockstore.ListedSeat) bool {
			return seat.Position == 0 && seat.Status == lockstore.Locked
		}) {
			t.Errorf("since %q after Rebuild: %v", since, snap.Seats)
		}
	}
	if differ, err := s.Audit(t.Context(), ev); err != nil || len(differ) != 0 {
		t.Errorf("Audit after Rebuild: %v, %v", differ, err)
	}
}

// TestRebuildFromTheSeatsAlone: everything else is deleted, and comes back.
func TestRebuildFromTheSeatsAlone(t *testing.T) {
	t.Parallel()
	addr := sharedServer(t)
	s, ctl := onRedis(t, "redis://"+addr, redisstore.Options{}), admin(t, addr)
	var seats []lockstore.SeatID
	for i := range 700 {
		seats = append(seats, lockstore.SeatID(fmt.Sprint("S", i)))
	}
	ev := newEvent(t, seats...)
	ev.SeatLimit = 3
	mustDo(t, s, ev, lockstore.Lock(ann, "S0", "S699"))
	mustDo(t, s, ev, lockstore.Lock(ben, "S250", "S251", "S500"))
	mustDo(t, s, ev, lockstore.Confirm(ben, "S251", "S500"))
	if differ, err := s.Audit(t.Context(), ev); err != nil || len(differ) != 0 {
		t.Fatalf("Audit of what calls made: %v, %v", differ, err)
	}
	want := mustList(t, s, ev, "")

	if err := ctl.Del(t.Context(), key(ev, "view"), key(ev, "log"), key(ev, "users"), key(ev, "forget"), key(ev, "map")).Err(); err != nil {
		t.Fatal(err)
	}
	if differ, err := s.Audit(t.Context(), ev); err != nil || len(differ) != 5+2 {
		t.Errorf("Audit: %v, %v, want five seats and two users", differ, err)
	}
	if _, err := s.Rebuild(t.Context(), ev); err != nil {
		t.Fatal(err)
	}
	if differ, err := s.Audit(t.Context(), ev); err != nil || len(differ) != 0 {
		t.Errorf("Audit after Rebuild: %v, %v", differ, err)
	}
	if got := mustList(t, s, ev, ""); !slices.Equal(got.Seats, want.Seats) {
		t.Errorf("the list is %v, want %v", got.Seats, want.Seats)
	}
	err := do(t, s, ev, lockstore.Lock(ben, "S1"))
	if e, ok := errors.AsType[*lockstore.ConflictError](err); !ok || e.Reason != lockstore.OverSeatLimit || e.Held != 3 {
		t.Errorf("ben, who has three seats, locks another: %v", err)
	}
	mustDo(t, s, ev, lockstore.Release(ben, "S250"))
	mustDo(t, s, ev, lockstore.Lock(ben, "S1"))
}

func TestCheck(t *testing.T) {
	t.Parallel()
	master := redistest.New(t, "--appendonly", "yes")
	ctl := admin(t, master.Addr)
	check := func(addr string, o redisstore.Options) (string, error) {
		warnings, err := onRedis(t, "redis://"+addr, o).Check(t.Context())
		return strings.Join(warnings, "\n"), err
	}
	if w, err := check(master.Addr, redisstore.Options{}); w != "" || err != nil {
		t.Errorf("a Redis as it should be: %q, %v", w, err)
	}
	if w, err := check(master.Addr, redisstore.Options{Replicas: 1}); !strings.Contains(w, "0 are connected") || err != nil {
		t.Errorf("no replicas to wait for: %q, %v", w, err)
	}
	if err := ctl.ConfigSet(t.Context(), "appendonly", "no").Err(); err != nil {
		t.Fatal(err)
	}
	if w, err := check(master.Addr, redisstore.Options{}); !strings.Contains(w, "appendonly is no") || !strings.Contains(w, "CONFIG SET appendonly yes") || err != nil {
		t.Errorf("no append-only file: %q, %v", w, err)
	}
	for _, policy := range []string{"volatile-lru", "allkeys-random"} {
		if err := ctl.ConfigSet(t.Context(), "maxmemory-policy", policy).Err(); err != nil {
			t.Fatal(err)
		}
		if _, err := check(master.Addr, redisstore.Options{}); !errors.Is(err, redisstore.ErrEvicts) || !strings.Contains(err.Error(), policy) || !strings.Contains(err.Error(), "redis-cli CONFIG SET maxmemory-policy noeviction") {
			t.Errorf("maxmemory-policy %s: %v", policy, err)
		}
		if w, err := check(master.Addr, redisstore.Options{AllowEviction: true}); !strings.Contains(w, policy) || err != nil {
			t.Errorf("maxmemory-policy %s, allowed: %q, %v", policy, w, err)
		}
	}
	replica := redistest.New(t, "--replicaof", strings.Replace(master.Addr, ":", " ", 1))
	if _, err := check(replica.Addr, redisstore.Options{}); err == nil || !strings.Contains(err.Error(), "is a replica of 127.0.0.1") {
		t.Errorf("a replica: %v", err)
	}
	if _, err := check("127.0.0.1:1", redisstore.Options{}); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("nothing there: %v", err)
	}
}
