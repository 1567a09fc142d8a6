package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/faults"
	"seatlock/lockstore/storetest/history"
)

// TestFaultsOnCluster runs the suite of faults on a Cluster, whose client follows
// redirects and could repeat calls. The Cluster is one master, because the suite
// kills all of it.
func TestFaultsOnCluster(t *testing.T) {
	b := backend(t, "--cluster-enabled", "yes")
	ownAllSlots(t, b.Addr)
	b.Store = func(t *testing.T, addr string) lockstore.LockStore {
		return onClusterThrough(t, addr, redisstore.Options{})
	}
	b.Silent = silentCluster
	faults.Run(t, b)
}

// onClusterThrough returns a store on a Cluster of one master that is reached
// through a proxy.
func onClusterThrough(t *testing.T, proxy string, o redisstore.Options) *redisstore.Store {
	t.Helper()
	s, client := storeOn(t, "redis://"+proxy+"?cluster=true", o)
	client.(*redis.ClusterClient).OnNewNode(func(node *redis.Client) { node.AddHook(dialer(proxy)) })
	return s
}

// A dialer makes a client dial its address instead of the one that the Cluster
// names.
type dialer string

func (d dialer) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, _ string) (net.Conn, error) { return next(ctx, network, string(d)) }
}

func (dialer) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (dialer) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// TestNoScriptIsRepeated checks that a script whose answer is lost runs once on a
// Cluster, where go-redis by itself would repeat it.
func TestNoScriptIsRepeated(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, "--cluster-enabled", "yes")
	ownAllSlots(t, server.Addr)
	ctl, proxy := admin(t, server.Addr), faults.NewProxy(t, server.Addr)
	s := onClusterThrough(t, proxy.Addr, redisstore.Options{})
	waits := onClusterThrough(t, proxy.Addr, redisstore.Options{Replicas: 1})
	doing := func(s *redisstore.Store, op lockstore.Op) func(*lockstore.Event) error {
		return func(ev *lockstore.Event) error { _, err := s.Do(t.Context(), ev, op); return err }
	}
	for name, call := range map[string]struct {
		make func(*lockstore.Event) error
		want error
	}{
		"lock":               {doing(s, lockstore.Lock(ann, "A2")), lockstore.ErrOutcomeUnknown},
		"confirm":            {doing(s, lockstore.Confirm(ann, "A1")), lockstore.ErrOutcomeUnknown},
		"confirm that waits": {doing(waits, lockstore.Confirm(ann, "A1")), lockstore.ErrOutcomeUnknown},
		"release":            {doing(s, lockstore.Release(ann, "A1")), lockstore.ErrOutcomeUnknown},
		"audit":              {func(ev *lockstore.Event) error { _, err := s.Audit(t.Context(), ev); return err }, lockstore.ErrUnavailable},
		"list of an event without log": {func(ev *lockstore.Event) error {
			ctl.Del(t.Context(), key(ev, "log"))
			_, err := s.List(t.Context(), ev, "")
			return err
		}, lockstore.ErrUnavailable},
	} {
		ev := newEvent(t)
		ev.ID += lockstore.EventID("-" + strings.ReplaceAll(name, " ", "-"))
		// So that Redis has the script, and the client a connection.
		_ = history.Repeat(t.Context(), func() error { return call.make(ev) }, lockstore.ErrUnavailable)
		_ = do(t, s, ev, lockstore.Release(ann, "A2"))
		mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
		before := scriptRuns(t, ctl)
		proxy.Inject(func() faults.Fault { return faults.Fault{Cut: scriptRuns(t, ctl) > before} })
		err := call.make(ev)
		proxy.Inject(nil)
		if runs := scriptRuns(t, ctl) - before; runs != 1 || !errors.Is(err, call.want) {
			t.Errorf("%s whose answer was cut ran %d scripts and ended with %v, want 1 and %v", name, runs, err, call.want)
		}
	}
}

// scriptRuns returns how many scripts the server has run.
func scriptRuns(t *testing.T, ctl *redis.Client) int {
	info, err := ctl.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Error(err)
	}
	total := 0
	for _, command := range []string{"eval", "evalsha"} {
		var n int
		_, line, found := strings.Cut(info, "cmdstat_"+command+":calls=")
		if _, err := fmt.Sscan(strings.Split(line, ",")[0], &n); found && err != nil {
			t.Error(err)
		}
		total += n
	}
	return total
}

// ownAllSlots makes a server a Cluster of one master.
func ownAllSlots(t *testing.T, addr string) {
	t.Helper()
	if err := admin(t, addr).ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
}

// TestHalfMovedSlot checks that an event whose slot is on its way to another
// master refuses calls and loses nothing, and that other events of
// the same master sell as before.
func TestHalfMovedSlot(t *testing.T) {
	t.Parallel()
	nodes := redistest.Cluster(t)
	s, ev := onRedis(t, nodes.URL(), redisstore.Options{}), newEvent(t)
	neighbour := numbered(t, 0)
	for i := 1; ownerOf(t, nodes, neighbour) != ownerOf(t, nodes, ev); i++ {
		neighbour = numbered(t, i)
	}
	mustDo(t, s, ev, lockstore.Lock(ann, "A1", "A2"))
	mustDo(t, s, ev, lockstore.Confirm(ann, "A1"))
	mustDo(t, s, neighbour, lockstore.Lock(ann, "A1"))

	mover, err := nodes.NewMover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer mover.Close()
	for _, carried := range [][]string{nil, {key(ev, "map")}, {key(ev, "view"), key(ev, "log"), key(ev, "user:ann")}} {
		if err := mover.Begin(t.Context(), key(ev, "map"), carried...); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := s.Do(t.Context(), ev, lockstore.Lock(ben, "A3")); !errors.Is(err, lockstore.ErrUnavailable) {
					t.Errorf("Lock while the slot is on its way: %v, want ErrUnavailable", err)
				}
			})
			all.Go(func() {
				_, err := s.Do(t.Context(), neighbour, lockstore.Lock(ann, "A1"))
				if err != nil {
					t.Errorf("Lock in another event: %v", err)
				}
			})
		}
		all.Wait()
	}
	if err := mover.Move(t.Context(), key(ev, "map")); err != nil {
		t.Fatal(err)
	}
	if err := do(t, s, ev, lockstore.Lock(ben, "A2", "A3")); !errors.Is(err, lockstore.SeatLocked) {
		t.Errorf("Lock of a locked seat after the move: %v, want SeatLocked", err)
	}
	if err := history.Repeat(t.Context(), func() error { _, err := s.Do(t.Context(), ev, lockstore.Lock(ben, "A1")); return err }); !errors.Is(err, lockstore.SeatBooked) {
		t.Errorf("Lock of a booked seat after the move: %v, want SeatBooked", err)
	}
	mustDo(t, s, ev, lockstore.Lock(ben, "A3"))
}

// ownerOf returns the address of the master that has the event.
func ownerOf(t *testing.T, nodes redistest.Nodes, ev *lockstore.Event) string {
	t.Helper()
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{nodes[0].Addr}})
	defer client.Close()
	node, err := client.MasterForKey(t.Context(), key(ev, "map"))
	if err != nil {
		t.Fatal(err)
	}
	return node.Options().Addr
}
