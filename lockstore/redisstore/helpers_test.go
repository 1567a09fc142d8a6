package redisstore_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest"
	"seatlock/lockstore/storetest/history"
)

const (
	ann lockstore.UserID = "ann"
	ben lockstore.UserID = "ben"
)

// shared has servers for tests that leave a server as it is. They start when
// the first test needs them.
var shared struct {
	server  func() (*redistest.Server, error)
	cluster func() (redistest.Nodes, error)
}

// atOnce is how many tests run at a time. It is not the number of processors,
// because the tests mostly wait.
const atOnce = "4"

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "redisstore-")
	if err == nil {
		err = flag.Set("test.parallel", atOnce)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var started []*redistest.Server
	shared.server = sync.OnceValues(func() (*redistest.Server, error) {
		s, err := redistest.Start(dir)
		if err == nil {
			started = append(started, s)
		}
		return s, err
	})
	shared.cluster = sync.OnceValues(func() (redistest.Nodes, error) {
		nodes, err := redistest.StartCluster(context.Background(), dir, false)
		started = append(started, nodes...)
		return nodes, err
	})
	code := m.Run()
	redistest.Nodes(started).Kill()
	os.RemoveAll(dir)
	os.Exit(code)
}

// sharedServer returns the address of the server that tests share.
func sharedServer(t testing.TB) string {
	t.Helper()
	redistest.Need(t)
	server, err := shared.server()
	if err != nil {
		t.Fatal(err)
	}
	return server.Addr
}

// sharedCluster returns the URL of the Cluster that tests share.
func sharedCluster(t testing.TB) string {
	t.Helper()
	redistest.Need(t)
	nodes, err := shared.cluster()
	if err != nil {
		t.Fatal(err)
	}
	return nodes.URL()
}

// onRedis returns a store with a client of its own.
func onRedis(t testing.TB, url string, o redisstore.Options) *redisstore.Store {
	t.Helper()
	s, _ := storeOn(t, url, o)
	return s
}

// storeOn returns a store and its client.
func storeOn(t testing.TB, url string, o redisstore.Options) (*redisstore.Store, redis.UniversalClient) {
	t.Helper()
	client, err := redisstore.Client(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	s, err := redisstore.New(client, o)
	if err != nil {
		t.Fatal(err)
	}
	return s, client
}

// admin returns a client that does what an operator would.
func admin(t testing.TB, addr string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { c.Close() })
	return c
}

// Tests share a server, and so do the runs of one test with -count: each run has
// an event of its own.
var runs struct {
	sync.Mutex
	of    map[testing.TB]lockstore.EventID
	total int
}

// newEvent returns the event of this run of the test, which has the seats A1 to A3
// unless the test names others.
func newEvent(t testing.TB, seats ...lockstore.SeatID) *lockstore.Event {
	t.Helper()
	if len(seats) == 0 {
		seats = []lockstore.SeatID{"A1", "A2", "A3"}
	}
	runs.Lock()
	defer runs.Unlock()
	id, ok := runs.of[t]
	if !ok {
		runs.total++
		id = lockstore.EventID("test-" + strconv.Itoa(runs.total))
		if runs.of == nil {
			runs.of = make(map[testing.TB]lockstore.EventID)
		}
		runs.of[t] = id
		t.Cleanup(func() {
			runs.Lock()
			defer runs.Unlock()
			delete(runs.of, t)
		})
	}
	return storetest.Event(t, id, time.Minute, 0, seats...)
}

// numbered returns one of several events of the test.
func numbered(t testing.TB, n int) *lockstore.Event {
	t.Helper()
	ev := newEvent(t)
	ev.ID += lockstore.EventID("-" + strconv.Itoa(n))
	return ev
}

// key returns the name of one of the event's keys.
func key(ev *lockstore.Event, name string) string { return "{" + string(ev.ID) + "}:" + name }

// do carries out the operation, but repeats it while Redis cannot be reached.
func do(t testing.TB, s lockstore.LockStore, ev *lockstore.Event, op lockstore.Op) error {
	t.Helper()
	return history.Repeat(t.Context(), func() error {
		_, err := s.Do(t.Context(), ev, op)
		return err
	}, lockstore.ErrUnavailable)
}

// mustDo carries out the operation, which must succeed.
func mustDo(t testing.TB, s lockstore.LockStore, ev *lockstore.Event, op lockstore.Op) {
	t.Helper()
	if err := history.Repeat(t.Context(), func() error { _, err := s.Do(t.Context(), ev, op); return err }); err != nil {
		t.Fatalf("%v of %v for %s: %v", op.Kind, op.Seats, op.User, err)
	}
}

func mustList(t testing.TB, s lockstore.LockStore, ev *lockstore.Event, since lockstore.Version) lockstore.Snapshot {
	t.Helper()
	var snap lockstore.Snapshot
	if err := history.Repeat(t.Context(), func() (err error) {
		snap, err = s.List(t.Context(), ev, since)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return snap
}

// xadd returns the arguments of an XADD of one field.
func xadd(stream, id, field, value string) *redis.XAddArgs {
	return &redis.XAddArgs{Stream: stream, ID: id, Values: []string{field, value}}
}
