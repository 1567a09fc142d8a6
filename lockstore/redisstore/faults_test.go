package redisstore_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/faults"
)

// TestFaults runs the suite of faults on a server that forgets everything in a
// crash. It has the processors to itself: a bubble is busy.
func TestFaults(t *testing.T) {
	b := backend(t)
	b.Silent = silent
	faults.Run(t, b)
}

// TestFaultsOfDurableServer runs the suite on a server that keeps what was acknowledged.
func TestFaultsOfDurableServer(t *testing.T) {
	t.Parallel()
	b := backend(t, "--appendonly", "yes", "--appendfsync", "always")
	b.Keeps = true
	faults.Run(t, b)
}

// backend starts a server for the suite.
func backend(t *testing.T, args ...string) faults.Backend {
	redistest.Need(t)
	dir := t.TempDir()
	server, err := redistest.Start(dir, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Kill() })
	_, port, err := net.SplitHostPort(server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	return faults.Backend{
		Addr: server.Addr,
		Store: func(t *testing.T, addr string) lockstore.LockStore {
			return onRedis(t, "redis://"+addr, redisstore.Options{})
		},
		Kill: func() { server.Kill() },
		Restart: func() (err error) {
			server, err = redistest.Start(dir, append(args, "--port", port)...)
			return err
		},
		Notices: true,
	}
}

// silent returns a store on a Redis that never answers.
func silent(t *testing.T) lockstore.LockStore {
	return silentStore(t, redis.NewClient(&redis.Options{
		Addr: "127.0.0.1:1", PoolSize: 2000, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		Dialer: neverAnswers,
	}))
}

// silentCluster returns a store on a Cluster whose servers never answer.
func silentCluster(t *testing.T) lockstore.LockStore {
	return silentStore(t, redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"}, PoolSize: 4000, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		Dialer: neverAnswers,
	}))
}

func silentStore(t *testing.T, client redis.UniversalClient) lockstore.LockStore {
	t.Cleanup(func() { client.Close() })
	s, err := redisstore.New(client, redisstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// neverAnswers connects to a server that reads everything and writes nothing.
func neverAnswers(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, there) }()
	return here, nil
}

// TestRedisRefusesWrites checks that calls fail with ErrUnavailable, and change
// nothing, if Redis is out of memory or has too few replicas.
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

// TestOneMasterIsFrozen checks that the events of the other masters are sold as before.
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
	if failed > 60 { // some may, on a busy machine; if they shared the trips, all would
		t.Errorf("of 600 calls about events of other masters %d failed", failed)
	}
	cancel()
	stuck.Wait()
	if err := nodes[2].Thaw(); err != nil {
		t.Fatal(err)
	}
}

// TestScriptsAreForgotten checks that calls succeed after Redis has lost its scripts.
func TestScriptsAreForgotten(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	s, ev := onRedis(t, "redis://"+server.Addr, redisstore.Options{}), newEvent(t)
	for range 3 {
		for _, op := range []lockstore.Op{lockstore.Lock(ann, "A1"), lockstore.Release(ann, "A1")} {
			if err := admin(t, server.Addr).ScriptFlush(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Do(t.Context(), ev, op); err != nil {
				t.Errorf("%s: %v", op.Kind, err)
			}
		}
	}
	if err := admin(t, server.Addr).ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	for _, ev := range []*lockstore.Event{ev, numbered(t, 1)} { // one that is open, and one that is not
		if _, err := s.List(t.Context(), ev, ""); err != nil {
			t.Errorf("list: %v", err)
		}
	}
}

// TestFullListAgain checks that a list is full after the log was trimmed, and after
// a flush.
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

// TestTheLogIsTrimmed checks that the log keeps about 1,000 entries, and that a
// list from before them is full.
func TestTheLogIsTrimmed(t *testing.T) {
	t.Parallel()
	addr := sharedServer(t)
	s, ev := onRedis(t, "redis://"+addr, redisstore.Options{}), newEvent(t)
	old := mustList(t, s, ev, "").Version
	for range 700 {
		mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
		mustDo(t, s, ev, lockstore.Release(ann, "A1"))
	}
	n, err := admin(t, addr).XLen(t.Context(), key(ev, "log")).Result()
	if err != nil || n < 1000 || n > 1200 {
		t.Errorf("the log has %d entries, %v, want about 1000", n, err)
	}
	if !mustList(t, s, ev, old).Full {
		t.Error("the list since before the log is a delta")
	}
}
