package redisstore_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
)

// TestLockByHand checks that a key that somebody sets with redis-cli keeps the seat from
// being sold, although no list shows it until Rebuild.
func TestLockByHand(t *testing.T) {
	t.Parallel()
	addr := sharedServer(t)
	s, ev, ctl := onRedis(t, "redis://"+addr, redisstore.Options{}), newEvent(t), admin(t, addr)
	mustDo(t, s, ev, lockstore.Lock(ann, "A2"))
	before := mustList(t, s, ev, "").Version
	if err := ctl.Do(t.Context(), "SET", key(ev, "seat:A1"), "manual", "NX", "PX", 60000).Err(); err != nil {
		t.Fatal(err)
	}
	err := do(t, s, ev, lockstore.Lock(ann, "A1"))
	if e, ok := errors.AsType[*lockstore.ConflictError](err); !ok || e.Reason != lockstore.SeatLocked || e.Seats[0].Expires.Before(time.Now()) {
		t.Errorf("Lock of the seat: %v", err)
	}
	if err := do(t, s, ev, lockstore.Confirm("manual", "A1")); !errors.Is(err, lockstore.LockNotHeld) {
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

// TestRebuildFromTheSeatsAlone checks that Rebuild restores everything from the seats' keys.
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

	if err := ctl.Del(t.Context(), key(ev, "view"), key(ev, "log"), key(ev, "user:ann"), key(ev, "user:ben"), key(ev, "map")).Err(); err != nil {
		t.Fatal(err)
	}
	if differ, err := s.Audit(t.Context(), ev); err != nil || len(differ) != 5+5 {
		t.Errorf("Audit: %v, %v, want five seats in lists and five in users' sets", differ, err)
	}
	if _, err := s.Rebuild(t.Context(), ev); err != nil {
		t.Fatal(err)
	}
	if differ, err := s.Audit(t.Context(), ev); err != nil || len(differ) != 0 {
		t.Errorf("Audit after Rebuild: %v, %v", differ, err)
	}
	if left, err := ctl.PTTL(t.Context(), key(ev, "user:ann")).Result(); err != nil || left < lockstore.LapseMemory {
		t.Errorf("the set of ann, who has locks, ends in %v, %v, want more than %v", left, err, lockstore.LapseMemory)
	}
	if left, err := ctl.PTTL(t.Context(), key(ev, "user:ben")).Result(); err != nil || left != -1 {
		t.Errorf("the set of ben, who has booked, ends in %v, %v, want never", left, err)
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

// TestAuditOfUsers checks that Audit finds each way in which users' sets can
// differ from the seats, and that Rebuild fixes it.
func TestAuditOfUsers(t *testing.T) {
	t.Parallel()
	addr := sharedServer(t)
	s, ctl, ev := onRedis(t, "redis://"+addr, redisstore.Options{}), admin(t, addr), newEvent(t)
	ev.SeatLimit = 2
	mustDo(t, s, ev, lockstore.Lock(ann, "A1", "A2"))
	mustDo(t, s, ev, lockstore.Confirm(ann, "A1"))
	mustDo(t, s, ev, lockstore.Lock(ben, "A3"))
	const booked = 9999999999999
	pipe := ctl.Pipeline()
	pipe.ZRem(t.Context(), key(ev, "user:ann"), "A2")
	pipe.ZAdd(t.Context(), key(ev, "user:ben"), redis.Z{Score: booked, Member: "A3"}, redis.Z{Score: booked, Member: "A2"})
	pipe.ZAdd(t.Context(), key(ev, "user:cat"), redis.Z{Score: booked, Member: "A1"}, redis.Z{Score: booked, Member: "gone"})
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, d := range []struct{ user, seat, is, has string }{
		{"ann", "A2", "available", "locked"}, {"ben", "A2", "booked", "available"}, {"ben", "A3", "booked", "locked"},
		{"cat", "A1", "booked", "available"}, {"cat", "gone", "booked", "available"},
	} {
		want = append(want, fmt.Sprintf("user %s has seat %s %s, but is counted with it %s", d.user, d.seat, d.has, d.is))
	}
	ends := regexp.MustCompile(" until [^,]*")
	texts := func(differ []redisstore.Difference) []string {
		var all []string
		for _, d := range differ {
			all = append(all, ends.ReplaceAllString(d.String(), ""))
		}
		slices.Sort(all)
		return all
	}
	if differ, err := s.Audit(t.Context(), ev); err != nil || !slices.Equal(texts(differ), want) {
		t.Errorf("Audit: %q, %v, want %q", texts(differ), err, want)
	}
	if differ, err := s.Rebuild(t.Context(), ev); err != nil || !slices.Equal(texts(differ), want) {
		t.Errorf("Rebuild: %q, %v, want %q", texts(differ), err, want)
	}
	if differ, err := s.Audit(t.Context(), ev); err != nil || len(differ) != 0 {
		t.Errorf("Audit after Rebuild: %v, %v", differ, err)
	}
	if n, err := ctl.Exists(t.Context(), key(ev, "user:cat")).Result(); err != nil || n != 0 {
		t.Errorf("a user who has nothing is still there: %v", err)
	}
	if left, err := ctl.PTTL(t.Context(), key(ev, "user:ben")).Result(); err != nil || left < lockstore.LapseMemory {
		t.Errorf("the set of ben, who has a lock, ends in %v, %v, want more than %v", left, err, lockstore.LapseMemory)
	}
}

// TestAuditOfManyUsers checks that Audit and Rebuild look through more users than
// Redis can name in one answer. They take ten times as long for a million.
func TestAuditOfManyUsers(t *testing.T) {
	server := redistest.New(t)
	s, ctl, ev := onRedis(t, "redis://"+server.Addr, redisstore.Options{}), admin(t, server.Addr), newEvent(t)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	const script = `for i = 1, 50000 do redis.call('ZADD', KEYS[1] .. ARGV[1] .. '-' .. i, ARGV[2], 'A3') end return 1`
	lapsed := time.Now().UnixMilli() - 1000
	for i := range 2 {
		if err := ctl.Eval(t.Context(), script, []string{key(ev, "user:u")}, i, lapsed).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := ctl.ZAdd(t.Context(), key(ev, "user:u1-7"), redis.Z{Score: 9999999999999, Member: "A2"}).Err(); err != nil {
		t.Fatal(err)
	}
	if differ, err := s.Audit(t.Context(), ev); err != nil || len(differ) != 1 || differ[0].User != "u1-7" {
		t.Errorf("Audit: %v, %v, want that u1-7 is counted with A2", differ, err)
	}
	if differ, err := s.Rebuild(t.Context(), ev); err != nil || len(differ) != 1 {
		t.Errorf("Rebuild: %v, %v", differ, err)
	}
	if differ, err := s.Audit(t.Context(), ev); err != nil || len(differ) != 0 {
		t.Errorf("Audit after Rebuild: %v, %v", differ, err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	master := redistest.New(t, "--appendonly", "yes", "--appendfsync", "always")
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
