package redisstore_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
)

// blocked returns how many connections of Redis wait for something.
func blocked(t *testing.T, addr string) int {
	t.Helper()
	info, err := admin(t, addr).Info(t.Context(), "clients").Result()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	_, line, _ := strings.Cut(info, "blocked_clients:")
	if _, err := fmt.Sscan(line, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestOneReadForManyWaiters checks that 50 waiters share a connection, and that one
// change wakes them all.
func TestOneReadForManyWaiters(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	s, ev := onRedis(t, "redis://"+server.Addr, redisstore.Options{}), newEvent(t)
	v := mustList(t, s, ev, "").Version
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if err := s.Wait(t.Context(), ev, v); err != nil {
				t.Error(err)
			}
		})
	}
	for range 20 { // they come one by one, and none may add to it
		time.Sleep(10 * time.Millisecond)
		if n := blocked(t, server.Addr); n > 1 {
			t.Fatalf("%d connections wait", n)
		}
	}
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	all.Wait()
}

// TestWaitingStarvesNobody checks that other calls succeed, and that every change
// arrives, while five events have waiters and the pool has two connections.
func TestWaitingStarvesNobody(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	s := onRedis(t, "redis://"+server.Addr+"?pool_size=2", redisstore.Options{})
	var all sync.WaitGroup
	var events []*lockstore.Event
	for i := range 5 {
		ev := numbered(t, i)
		events = append(events, ev)
		v := mustList(t, s, ev, "").Version
		all.Go(func() {
			if err := s.Wait(t.Context(), ev, v); err != nil {
				t.Error(err)
			}
		})
	}
	for blocked(t, server.Addr) == 0 {
		time.Sleep(time.Millisecond)
	}
	if n := blocked(t, server.Addr); n > 1 {
		t.Errorf("%d of 2 connections wait", n)
	}
	for _, ev := range events {
		if _, err := s.Do(t.Context(), ev, lockstore.Lock(ann, "A1")); err != nil {
			t.Error(err)
		}
		if _, err := s.Audit(t.Context(), ev); err != nil { // this does not use a pipeline
			t.Error(err)
		}
	}
	all.Wait()
}

// TestWaitAfterFlush checks that a flush ends a Wait for a Version that it removed.
func TestWaitAfterFlush(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	s, ev := onRedis(t, "redis://"+server.Addr, redisstore.Options{}), newEvent(t)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	v := mustList(t, s, ev, "").Version
	woken := make(chan error, 1)
	go func() { woken <- s.Wait(t.Context(), ev, v) }()
	for blocked(t, server.Addr) == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := admin(t, server.Addr).FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := <-woken; err != nil {
		t.Error(err)
	}
}
