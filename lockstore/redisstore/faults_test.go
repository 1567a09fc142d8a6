package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/faults"
)

const (
	ann lockstore.UserID = "ann"
	ben lockstore.UserID = "ben"
)

func newEvent(t *testing.T, seats ...lockstore.SeatID) *lockstore.Event {
	t.Helper()
	if len(seats) == 0 {
		seats = []lockstore.SeatID{"A1", "A2", "A3"}
	}
	ev, err := lockstore.NewEvent("event", seats, time.Minute, 0)
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

func mustLock(t *testing.T, s lockstore.LockStore, ev *lockstore.Event, user lockstore.UserID, seats ...lockstore.SeatID) time.Time {
	t.Helper()
	expires, err := s.Lock(t.Context(), ev, seats, user)
	if err != nil {
		t.Fatalf("%s locks %v: %v", user, seats, err)
	}
	return expires
}

func mustList(t *testing.T, s lockstore.LockStore, ev *lockstore.Event, since lockstore.Version) lockstore.Snapshot {
	t.Helper()
	snap, err := s.List(t.Context(), ev, since)
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// admin is a client to look with, and to do with Redis what an operator would.
func admin(t *testing.T, addr string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { c.Close() })
	return c
}

// TestLostReply: Redis did what was asked and its answer was lost. Nobody may
// be told "taken" of what they have.
func TestLostReply(t *testing.T) {
	server := redistest.New(t)
	proxy := faults.NewProxy(t, server.Addr)
	s := onRedis(t, "redis://"+proxy.Addr, redisstore.Options{})
	ctx, ev := t.Context(), newEvent(t)
	mustLock(t, s, ev, ben, "A3") // so that there is a connection

	lose := func(what string, do func() error) {
		t.Helper()
		proxy.SwallowReply()
		if err := do(); !errors.Is(err, lockstore.ErrOutcomeUnknown) || !proxy.Swallowed() {
			t.Fatalf("%s without a reply: %v, want ErrOutcomeUnknown", what, err)
		}
		if err := do(); err != nil {
			t.Fatalf("%s again: %v", what, err)
		}
	}
	v := mustList(t, s, ev, "").Version
	lose("Lock", func() error { _, err := s.Lock(ctx, ev, []lockstore.SeatID{"A1", "A2"}, ann); return err })
	if _, err := s.Lock(ctx, ev, []lockstore.SeatID{"A1"}, ben); !errors.Is(err, lockstore.SeatLocked) {
		t.Errorf("the seat of a lost reply is ben's: %v", err)
	}
	lose("Confirm", func() error { return s.Confirm(ctx, ev, []lockstore.SeatID{"A1"}, ann) })
	lose("Release", func() error { return s.Release(ctx, ev, []lockstore.SeatID{"A2"}, ann) })
	snap := mustList(t, s, ev, v)
	if len(snap.Seats) != 2 || snap.Seats[0].Status != lockstore.Booked || snap.Seats[1].Status != lockstore.Available {
		t.Errorf("the seats are %v", snap.Seats)
	}
	proxy.SwallowReply()
	if _, err := s.List(ctx, ev, ""); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("List without a reply: %v, want ErrUnavailable: nothing can have been done", err)
	}
}

// everyCall makes each call of the store once.
func everyCall(ctx context.Context, s lockstore.LockStore, ev *lockstore.Event) map[string]error {
	_, lockErr := s.Lock(ctx, ev, []lockstore.SeatID{"A1"}, ann)
	_, listErr := s.List(ctx, ev, "")
	return map[string]error{
		"lock": lockErr, "list": listErr,
		"confirm": s.Confirm(ctx, ev, []lockstore.SeatID{"A1"}, ann),
		"release": s.Release(ctx, ev, []lockstore.SeatID{"A1"}, ben),
		"wait":    s.Wait(ctx, ev, ""),
	}
}

// TestRedisGoesAway: what cannot have been done is said to be, and the store
// goes on by itself once Redis is back.
func TestRedisGoesAway(t *testing.T) {
	server := redistest.New(t)
	_, port, _ := strings.Cut(server.Addr, ":")
	s := onRedis(t, "redis://"+server.Addr, redisstore.Options{})
	ev := newEvent(t)
	mustLock(t, s, ev, ann, "A1")
	old := mustList(t, s, ev, "").Version
	waiting := make(chan error, 1)
	go func() { waiting <- s.Wait(t.Context(), ev, old) }()

	server.Kill()
	if err := <-waiting; !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("Wait while Redis goes away: %v", err)
	}
	for call, err := range everyCall(t.Context(), s, ev) {
		if !errors.Is(err, lockstore.ErrUnavailable) {
			t.Errorf("%s without a Redis: %v, want ErrUnavailable", call, err)
		}
	}
	redistest.New(t, "--port", port)
	mustLock(t, s, ev, ben, "A1") // all is forgotten, as this Redis saves nothing
	if snap := mustList(t, s, ev, old); !snap.Full || len(snap.Seats) != 1 {
		t.Errorf("since a version that Redis forgot: %+v, want a full list", snap)
	}
}

// TestRedisIsFrozen: it takes what is sent and says nothing. A call that it may
// do yet is of unknown outcome; one that found no connection was not made.
func TestRedisIsFrozen(t *testing.T) {
	server := redistest.New(t)
	s := onRedis(t, "redis://"+server.Addr, redisstore.Options{})
	ev := newEvent(t)
	mustLock(t, s, ev, ann, "A1")
	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	if err := s.Confirm(t.Context(), ev, []lockstore.SeatID{"A1"}, ann); !errors.Is(err, lockstore.ErrOutcomeUnknown) {
		t.Errorf("Confirm on a frozen Redis: %v, want ErrOutcomeUnknown", err)
	}
	if err := s.Confirm(t.Context(), ev, []lockstore.SeatID{"A1"}, ann); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("Confirm without a connection: %v, want ErrUnavailable", err)
	}
	if err := server.Thaw(); err != nil {
		t.Fatal(err)
	}
	if err := s.Confirm(t.Context(), ev, []lockstore.SeatID{"A1"}, ann); err != nil {
		t.Errorf("Confirm once it goes on: %v", err)
	}
}

// silence is a connection to a Redis that never says anything.
func silence(ctx context.Context, network, addr string) (net.Conn, error) {
	here, there := net.Pipe()
	go func() {
		buf := make([]byte, 4096)
		for {
			if _, err := there.Read(buf); err != nil {
				return
			}
		}
	}()
	return here, nil
}

// TestEveryCallEndsWithinASecond, by the clock of a bubble and without a
// deadline of the caller's, however many are made.
func TestEveryCallEndsWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", Dialer: silence, PoolSize: 2000, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true})
		defer client.Close()
		s, err := redisstore.New(client, redisstore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ev := newEvent(t)
		ended := make(chan error, 3000) // more than go along on the first trips
		began := time.Now()
		for i := range cap(ended) {
			go func() {
				switch i % 4 {
				case 0:
					_, err := s.Lock(context.Background(), ev, []lockstore.SeatID{"A1"}, ann)
					ended <- err
				case 1:
					ended <- s.Confirm(context.Background(), ev, []lockstore.SeatID{"A1"}, ann)
				case 2:
					ended <- s.Release(context.Background(), ev, []lockstore.SeatID{"A1"}, ann)
				case 3:
					_, err := s.List(context.Background(), ev, "")
					ended <- err
				}
			}()
		}
		for range cap(ended) {
			if err := <-ended; !errors.Is(err, lockstore.ErrUnavailable) {
				t.Fatalf("a call that no connection was found for: %v, want ErrUnavailable", err)
			}
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("the calls took %v", took)
		}
	})
}

// TestRedisRefusesWrites: it is out of memory, or has too few replicas. Nothing
// is done, and the calls say so.
func TestRedisRefusesWrites(t *testing.T) {
	server := redistest.New(t)
	s, ev, ctl := onRedis(t, "redis://"+server.Addr, redisstore.Options{}), newEvent(t), admin(t, server.Addr)
	mustLock(t, s, ev, ann, "A1")
	for setting, values := range map[string][2]string{"maxmemory": {"1", "0"}, "min-replicas-to-write": {"1", "0"}} {
		before := mustList(t, s, ev, "")
		if err := ctl.ConfigSet(t.Context(), setting, values[0]).Err(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Lock(t.Context(), ev, []lockstore.SeatID{"A2", "A3"}, ann); !errors.Is(err, lockstore.ErrUnavailable) {
			t.Errorf("Lock with %s %s: %v, want ErrUnavailable", setting, values[0], err)
		}
		if err := s.Confirm(t.Context(), ev, []lockstore.SeatID{"A1"}, ann); !errors.Is(err, lockstore.ErrUnavailable) {
			t.Errorf("Confirm with %s %s: %v, want ErrUnavailable", setting, values[0], err)
		}
		if err := ctl.ConfigSet(t.Context(), setting, values[1]).Err(); err != nil {
			t.Fatal(err)
		}
		if after := mustList(t, s, ev, ""); after.Version != before.Version || len(after.Seats) != 1 || after.Seats[0].Status != lockstore.Locked {
			t.Errorf("with %s %s the seats went from %v to %v", setting, values[0], before.Seats, after.Seats)
		}
	}
	if differ, err := s.Audit(t.Context(), ev); err != nil || len(differ) != 0 {
		t.Errorf("Audit: %v, %v", differ, err)
	}
}

// TestOneMasterIsFrozen: the events of the others go on as if nothing were.
func TestOneMasterIsFrozen(t *testing.T) {
	nodes := redistest.Cluster(t)
	s := onRedis(t, "redis://"+nodes[0].Addr+"?cluster=true", redisstore.Options{})
	events := make(map[int]*lockstore.Event) // by number of the master
	for i := 0; len(events) < len(nodes); i++ {
		ev, err := lockstore.NewEvent(lockstore.EventID(fmt.Sprint("event", i)), []lockstore.SeatID{"A1"}, time.Minute, 0)
		if err != nil {
			t.Fatal(err)
		}
		mustLock(t, s, ev, ann, "A1")
		for n, node := range nodes {
			if admin(t, node.Addr).Exists(t.Context(), "{"+string(ev.ID)+"}:map").Val() == 1 {
				events[n] = ev
			}
		}
	}
	if err := nodes[2].Freeze(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var stuck sync.WaitGroup
	for range 64 {
		stuck.Go(func() {
			for ctx.Err() == nil {
				if _, err := s.Lock(ctx, events[2], []lockstore.SeatID{"A1"}, ann); err == nil {
					t.Error("a frozen master answers")
				}
			}
		})
	}
	failed := 0
	for range 300 {
		for _, n := range []int{0, 1} {
			if _, err := s.Lock(ctx, events[n], []lockstore.SeatID{"A1"}, ann); err != nil {
				failed++
			}
		}
	}
	if failed > 60 { // some may, on a busy machine; all would, if they shared the trips
		t.Errorf("of 600 calls about events of other masters %d failed", failed)
	}
	cancel()
	stuck.Wait()
	if err := nodes[2].Thaw(); err != nil {
		t.Fatal(err)
	}
}

// TestScriptsAreForgotten: Redis may lose its scripts at any time.
func TestScriptsAreForgotten(t *testing.T) {
	server := redistest.New(t)
	s, ev := onRedis(t, "redis://"+server.Addr, redisstore.Options{}), newEvent(t)
	for range 3 {
		mustLock(t, s, ev, ann, "A1")
		if err := admin(t, server.Addr).ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		if err := s.Release(t.Context(), ev, []lockstore.SeatID{"A1"}, ann); err != nil {
			t.Error(err)
		}
	}
	if err := admin(t, server.Addr).ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	mustList(t, s, ev, "")
}

// TestFullListAgain after the log was trimmed, and after a flush.
func TestFullListAgain(t *testing.T) {
	server := redistest.New(t)
	s, ev, ctl := onRedis(t, "redis://"+server.Addr, redisstore.Options{}), newEvent(t), admin(t, server.Addr)
	mustLock(t, s, ev, ann, "A1")
	old := mustList(t, s, ev, "").Version
	mustLock(t, s, ev, ann, "A2")
	mustLock(t, s, ev, ann, "A3")
	if snap := mustList(t, s, ev, old); snap.Full || len(snap.Seats) != 2 {
		t.Fatalf("before: %+v", snap)
	}
	if err := ctl.XTrimMaxLen(t.Context(), "{event}:log", 1).Err(); err != nil {
		t.Fatal(err)
	}
	snap := mustList(t, s, ev, old)
	if !snap.Full || len(snap.Seats) != 3 {
		t.Errorf("after a trim: %+v", snap)
	}
	if err := ctl.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if snap := mustList(t, s, ev, snap.Version); !snap.Full || len(snap.Seats) != 0 {
		t.Errorf("after a flush: %+v", snap)
	}
}

// TestTheLogIsTrimmed, to about 10,000 entries.
func TestTheLogIsTrimmed(t *testing.T) {
	server := redistest.New(t)
	s, ev := onRedis(t, "redis://"+server.Addr, redisstore.Options{}), newEvent(t)
	old := mustList(t, s, ev, "").Version
	for range 5500 {
		mustLock(t, s, ev, ann, "A1")
		if err := s.Release(t.Context(), ev, []lockstore.SeatID{"A1"}, ann); err != nil {
			t.Fatal(err)
		}
	}
	n, err := admin(t, server.Addr).XLen(t.Context(), "{event}:log").Result()
	if err != nil || n < 10_000 || n > 10_300 {
		t.Errorf("the log has %d entries, %v", n, err)
	}
	if !mustList(t, s, ev, old).Full {
		t.Error("a delta from beyond the log")
	}
	entries, err := admin(t, server.Addr).XRange(t.Context(), "{event}:log", "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	var first string
	for nonce := range entries[0].Values {
		first = entries[0].ID + "-" + nonce
	}
	if snap := mustList(t, s, ev, lockstore.Version(first)); snap.Full || len(snap.Seats) != 1 {
		t.Errorf("over the whole log: full is %v, %v", snap.Full, snap.Seats)
	}
}
