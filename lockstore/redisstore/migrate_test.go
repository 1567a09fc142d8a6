package redisstore_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/storetest"
	"seatlock/lockstore/storetest/history"
)

// TestManySeatsMigrate checks a migration from format 1 that takes several steps.
func TestManySeatsMigrate(t *testing.T) {
	t.Parallel()
	addr := sharedServer(t)
	s, ctl, ev := onRedis(t, "redis://"+addr, redisstore.Options{}), admin(t, addr), newEvent(t, storetest.Seats(510)...)
	owner := func(i int) lockstore.UserID { return lockstore.UserID(fmt.Sprint("user", i/3)) }
	ends := time.Now().Add(time.Hour)
	pipe := ctl.Pipeline()
	for i, seat := range ev.Seats {
		made := time.Now().UnixMilli()
		if i%2 == 0 {
			pipe.Do(t.Context(), "SET", key(ev, "seat:"+string(seat)), fmt.Sprintf("B%d:%s", made, owner(i)))
		} else {
			pipe.Do(t.Context(), "SET", key(ev, "seat:"+string(seat)), fmt.Sprintf("L%d:%s", made, owner(i)), "PXAT", ends.UnixMilli())
		}
	}
	pipe.Set(t.Context(), key(ev, "map"), ev.Fingerprint(), 0)
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	if differ, err := s.Rebuild(t.Context(), ev); err != nil || len(differ) != len(ev.Seats) {
		t.Errorf("Rebuild of an event without a view: %d differences, %v, want one for each of %d seats", len(differ), err, len(ev.Seats))
	}
	if differ, err := s.Audit(t.Context(), ev); err != nil || len(differ) != 0 {
		t.Errorf("Audit: %v, %v", differ, err)
	}
	for i, seat := range ev.Seats {
		mustDo(t, s, ev, lockstore.Confirm(owner(i), seat))
	}
}

// TestRebuildsAtOnce checks that several processes can migrate an event at the same
// time, while another one waits to sell.
func TestRebuildsAtOnce(t *testing.T) {
	t.Parallel()
	addr := sharedServer(t)
	ctl, ev := admin(t, addr), newEvent(t, storetest.Seats(2000)...)
	pipe := ctl.Pipeline()
	for _, seat := range ev.Seats[:1000] {
		pipe.Set(t.Context(), key(ev, "seat:"+string(seat)), "B1700000000000:ann", 0)
	}
	pipe.Set(t.Context(), key(ev, "map"), ev.Fingerprint(), 0)
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		s := onRedis(t, "redis://"+addr, redisstore.Options{})
		all.Go(func() {
			if _, err := s.Rebuild(t.Context(), ev); err != nil {
				t.Errorf("Rebuild beside others: %v", err)
			}
		})
	}
	s := onRedis(t, "redis://"+addr, redisstore.Options{})
	for _, seat := range ev.Seats[1000:1100] {
		if err := history.Repeat(t.Context(), func() error {
			_, err := s.Do(t.Context(), ev, lockstore.Lock(ben, seat))
			return err
		}, lockstore.ErrUnavailable, redisstore.ErrFormat); err != nil {
			t.Fatal(err)
		}
	}
	all.Wait()
	if differ, err := s.Audit(t.Context(), ev); err != nil || len(differ) != 0 {
		t.Errorf("Audit: %v, %v", differ, err)
	}
	if seats := mustList(t, s, ev, "").Seats; len(seats) != 1100 {
		t.Errorf("%d seats are taken, want 1100", len(seats))
	}
}

// TestRebuildWithoutMap checks that seats of format 1 are migrated even if somebody
// deleted the map key.
func TestRebuildWithoutMap(t *testing.T) {
	t.Parallel()
	addr := sharedServer(t)
	s, ctl, ev := onRedis(t, "redis://"+addr, redisstore.Options{}), admin(t, addr), newEvent(t)
	if err := ctl.Set(t.Context(), key(ev, "seat:A1"), "B1700000000000:ann", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Rebuild(t.Context(), ev); err != nil {
		t.Fatal(err)
	}
	mustDo(t, s, ev, lockstore.Confirm(ann, "A1"))
}
