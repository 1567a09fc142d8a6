package redisstore_test

import (
	"context"
	"errors"
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

// TestLostReply: Redis did what was asked and its answer was lost. Nobody may
// be told "taken" of what they have.
func TestLostReply(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	proxy := faults.NewProxy(t, server.Addr)
	s := onRedis(t, "redis://"+proxy.Addr, redisstore.Options{})
	ctx, ev := t.Context(), newEvent(t)
	mustDo(t, s, ev, lockstore.Lock(ben, "A3")) // so that there is a connection

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
	lose("Lock", func() error { _, err := s.Do(ctx, ev, lockstore.Lock(ann, "A1", "A2")); return err })
	if _, err := s.Do(ctx, ev, lockstore.Lock(ben, "A1")); !errors.Is(err, lockstore.SeatLocked) {
		t.Errorf("the seat of a lost reply is ben's: %v", err)
	}
	lose("Confirm", func() error { _, err := s.Do(ctx, ev, lockstore.Confirm(ann, "A1")); return err })
	lose("Release", func() error { _, err := s.Do(ctx, ev, lockstore.Release(ann, "A2")); return err })
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
	calls := map[string]error{"wait": s.Wait(ctx, ev, "")}
	_, calls["list"] = s.List(ctx, ev, "")
	for _, kind := range lockstore.Kinds() {
		_, calls[kind.String()] = s.Do(ctx, ev, lockstore.Op{Kind: kind, Seats: []lockstore.SeatID{"A1"}, User: ann})
	}
	return calls
}

// TestRedisGoesAway: what cannot have been done is said to be, and the store
// goes on by itself once Redis is back.
func TestRedisGoesAway(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	_, port, _ := strings.Cut(server.Addr, ":")
	s := onRedis(t, "redis://"+server.Addr, redisstore.Options{})
	ev := newEvent(t)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
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
	mustDo(t, s, ev, lockstore.Lock(ben, "A1")) // all is forgotten, as this Redis saves nothing
	if snap := mustList(t, s, ev, old); !snap.Full || len(snap.Seats) != 1 {
		t.Errorf("since a version that Redis forgot: %+v, want a full list", snap)
	}
}

// TestRedisIsFrozen: it takes what is sent and says nothing. A call that it may
// do yet is of unknown outcome; one that found no connection was not made.
func TestRedisIsFrozen(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	s := onRedis(t, "redis://"+server.Addr, redisstore.Options{})
	ev := newEvent(t)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Do(t.Context(), ev, lockstore.Confirm(ann, "A1")); !errors.Is(err, lockstore.ErrOutcomeUnknown) {
		t.Errorf("Confirm on a frozen Redis: %v, want ErrOutcomeUnknown", err)
	}
	if _, err := s.Do(t.Context(), ev, lockstore.Confirm(ann, "A1")); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("Confirm without a connection: %v, want ErrUnavailable", err)
	}
	if err := server.Thaw(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Do(t.Context(), ev, lockstore.Confirm(ann, "A1")); err != nil {
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
				var err error
				if kinds := lockstore.Kinds(); i%4 < len(kinds) {
					_, err = s.Do(context.Background(), ev, lockstore.Op{Kind: kinds[i%4], Seats: []lockstore.SeatID{"A1"}, User: ann})
				} else {
					_, err = s.List(context.Background(), ev, "")
				}
				ended <- err
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
	t.Parallel()
	server := redistest.New(t)
	s, ev, ctl := onRedis(t, "redis://"+server.Addr, redisstore.Options{}), newEvent(t), admin(t, server.Addr)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	for setting, values := range map[string][2]string{"maxmemory": {"1", "0"}, "min-replicas-to-write": {"1", "0"}} {
		before := mustList(t, s, ev, "")
		if err := ctl.ConfigSet(t.Context(), setting, values[0]).Err(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Do(t.Context(), ev, lockstore.Lock(ann, "A2", "A3")); !errors.Is(err, lockstore.ErrUnavailable) {
			t.Errorf("Lock with %s %s: %v, want ErrUnavailable", setting, values[0], err)
		}
		if _, err := s.Do(t.Context(), ev, lockstore.Confirm(ann, "A1")); !errors.Is(err, lockstore.ErrUnavailable) {
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
	t.Parallel()
	nodes := redistest.Cluster(t)
	s := onRedis(t, "redis://"+nodes[0].Addr+"?cluster=true", redisstore.Options{})
	events := make(map[int]*lockstore.Event) // by number of the master
	for i := 0; len(events) < len(nodes); i++ {
		ev := numbered(t, i)
		mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
		for n, node := range nodes {
			if admin(t, node.Addr).Exists(t.Context(), key(ev, "map")).Val() == 1 {
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
				if _, err := s.Do(ctx, events[2], lockstore.Lock(ann, "A1")); err == nil {
					t.Error("a frozen master answers")
				}
			}
		})
	}
	failed := 0
	for range 300 {
		for _, n := range []int{0, 1} {
			if _, err := s.Do(ctx, events[n], lockstore.Lock(ann, "A1")); err != nil {
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
	t.Parallel()
	server := redistest.New(t)
	s, ev := onRedis(t, "redis://"+server.Addr, redisstore.Options{}), newEvent(t)
	for range 3 {
		mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
		if err := admin(t, server.Addr).ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		mustDo(t, s, ev, lockstore.Release(ann, "A1"))
	}
	if err := admin(t, server.Addr).ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	mustList(t, s, ev, "")
}

// TestFullListAgain after the log was trimmed, and after a flush.
func TestFullListAgain(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	s, ev, ctl := onRedis(t, "redis://"+server.Addr, redisstore.Options{}), newEvent(t), admin(t, server.Addr)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	old := mustList(t, s, ev, "").Version
	mustDo(t, s, ev, lockstore.Lock(ann, "A2"))
	mustDo(t, s, ev, lockstore.Lock(ann, "A3"))
	if snap := mustList(t, s, ev, old); snap.Full || len(snap.Seats) != 2 {
		t.Fatalf("before: %+v", snap)
	}
	if err := ctl.XTrimMaxLen(t.Context(), key(ev, "log"), 1).Err(); err != nil {
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
	t.Parallel()
	server := redistest.New(t)
	s, ev := onRedis(t, "redis://"+server.Addr, redisstore.Options{}), newEvent(t)
	old := mustList(t, s, ev, "").Version
	for range 5500 {
		mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
		mustDo(t, s, ev, lockstore.Release(ann, "A1"))
	}
	n, err := admin(t, server.Addr).XLen(t.Context(), key(ev, "log")).Result()
	if err != nil || n < 10_000 || n > 10_300 {
		t.Errorf("the log has %d entries, %v", n, err)
	}
	if !mustList(t, s, ev, old).Full {
		t.Error("a delta from beyond the log")
	}
	entries, err := admin(t, server.Addr).XRange(t.Context(), key(ev, "log"), "-", "+").Result()
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
