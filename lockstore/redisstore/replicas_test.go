package redisstore_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"seatlock/lockstore"
	"seatlock/lockstore/redisstore"
	"seatlock/lockstore/redisstore/redistest"
	"seatlock/lockstore/storetest/history"
)

// replicaOf starts a replica and returns once it follows.
func replicaOf(t *testing.T, master *redistest.Server) *redistest.Server {
	t.Helper()
	host, port, err := net.SplitHostPort(master.Addr)
	if err != nil {
		t.Fatal(err)
	}
	replica := redistest.New(t, "--replicaof", host+" "+port)
	ctl := admin(t, master.Addr)
	for ctl.Wait(t.Context(), 1, 100*time.Millisecond).Val() < 1 {
		if t.Context().Err() != nil {
			t.Fatal("the replica does not follow")
		}
		time.Sleep(10 * time.Millisecond)
	}
	return replica
}

// TestConfirmWaitsForReplicas checks that the outcome of a booking that too few
// replicas have is unknown, no matter how often it is confirmed again.
func TestConfirmWaitsForReplicas(t *testing.T) {
	t.Parallel()
	master := redistest.New(t, "--repl-diskless-sync-delay", "0")
	replica := replicaOf(t, master)
	url := "redis://" + master.Addr
	s, ev := onRedis(t, url, redisstore.Options{Replicas: 1}), newEvent(t)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1", "A2"))
	mustDo(t, s, ev, lockstore.Confirm(ann, "A1"))

	if err := replica.Freeze(); err != nil {
		t.Fatal(err)
	}
	if err := do(t, s, ev, lockstore.Confirm(ann, "A2")); !errors.Is(err, lockstore.ErrOutcomeUnknown) {
		t.Errorf("Confirm with a frozen replica: %v, want ErrOutcomeUnknown", err)
	}
	// Another process must wait too, although its connection has written nothing.
	other := onRedis(t, url, redisstore.Options{Replicas: 1})
	if err := do(t, other, ev, lockstore.Confirm(ann, "A2")); !errors.Is(err, lockstore.ErrOutcomeUnknown) {
		t.Errorf("Confirm again, elsewhere, with a frozen replica: %v, want ErrOutcomeUnknown", err)
	}
	if err := do(t, s, ev, lockstore.Confirm(ann, "A3")); !errors.Is(err, lockstore.LockNotHeld) {
		t.Errorf("Confirm without a lock: %v: a refusal waits for nobody", err)
	}
	mustDo(t, s, ev, lockstore.Lock(ann, "A3")) // and locks do not wait

	if err := replica.Thaw(); err != nil {
		t.Fatal(err)
	}
	mustDo(t, s, ev, lockstore.Confirm(ann, "A2"))
	if v, err := admin(t, replica.Addr).Get(t.Context(), key(ev, "seat:A2")).Result(); err != nil || v[0] != 'b' {
		t.Errorf("the replica has %q, %v for a confirmed booking", v, err)
	}
}

// TestWhatIsInTheJournalWaits checks that the outcome of every operation with an entry
// in the journal is unknown if too few replicas have it, also when it is repeated, and that
// nothing else waits.
func TestWhatIsInTheJournalWaits(t *testing.T) {
	t.Parallel()
	server := redistest.New(t) // which has no replica
	url := "redis://" + server.Addr
	fast, s := onRedis(t, url, redisstore.Options{}), onRedis(t, url, redisstore.Options{Replicas: 1})
	seats := func(ids ...lockstore.SeatID) []lockstore.SeatID { return ids }
	extend := lockstore.Extend(ann, time.Now().Add(2*time.Minute), "A1")
	extendBy := extend
	extendBy.By = "desk"
	block := lockstore.Block("why", "A1")
	for i, c := range []struct {
		first []lockstore.Op
		op    lockstore.Op
		waits bool
	}{
		{nil, lockstore.Lock(ann, "A1"), false},
		{[]lockstore.Op{lockstore.Lock(ann, "A1")}, extend, false},
		{[]lockstore.Op{lockstore.Lock(ann, "A1")}, extendBy, true},
		{[]lockstore.Op{lockstore.Lock(ann, "A1")}, lockstore.Release(ann, "A1"), false},
		{[]lockstore.Op{lockstore.Lock(ann, "A1")}, lockstore.Confirm(ann, "A1"), true},
		{nil, lockstore.Book(ann, "r", "A1"), true},
		{[]lockstore.Op{lockstore.Book(ann, "r", "A1")}, lockstore.Cancel("", "r", "A1"), true},
		{[]lockstore.Op{lockstore.Book(ann, "r", "A1")}, lockstore.Move("", "r", seats("A1"), seats("A2")), true},
		{nil, block, true},
		{[]lockstore.Op{block}, lockstore.Unblock("A1"), true},
		{[]lockstore.Op{lockstore.Lock(ann, "A1")}, lockstore.Evict("", "A1"), true},
	} {
		ev := numbered(t, i)
		for _, op := range c.first {
			mustDo(t, fast, ev, op)
		}
		for _, repeat := range []bool{false, true} {
			want := error(nil)
			if c.waits {
				want = lockstore.ErrOutcomeUnknown
			}
			if err := do(t, s, ev, c.op); !errors.Is(err, want) {
				t.Errorf("%v by %q, repeated: %v: %v, want %v", c.op.Kind, c.op.By, repeat, err, want)
			}
			// Another process, whose connection has written nothing.
			s = onRedis(t, url, redisstore.Options{Replicas: 1})
		}
		if _, err := fast.Do(t.Context(), ev, c.op); err != nil {
			t.Errorf("%v did not take effect: %v", c.op.Kind, err)
		}
		if result, err := fast.Do(t.Context(), ev, c.op); err != nil || len(result.Changed) > 0 {
			t.Errorf("%v changes %v, %v", c.op.Kind, result.Changed, err)
		}
	}
	if _, err := s.Put(t.Context(), lockstore.Order{ID: "a", Event: "e"}); !errors.Is(err, lockstore.ErrOutcomeUnknown) {
		t.Errorf("Put: %v, want %v", err, lockstore.ErrOutcomeUnknown)
	}
}

// TestOrdersWaitForReplicas checks that nobody learns of an order that too few replicas
// have.
func TestOrdersWaitForReplicas(t *testing.T) {
	t.Parallel()
	master := redistest.New(t, "--repl-diskless-sync-delay", "0")
	replica := replicaOf(t, master)
	url := "redis://" + master.Addr
	s := onRedis(t, url, redisstore.Options{Replicas: 1})
	// A slow server is not a fault here, so calls are repeated as a caller would.
	put := func(o lockstore.Order, while ...error) error {
		return history.Repeat(t.Context(), func() error { _, err := s.Put(t.Context(), o); return err }, while...)
	}
	first := lockstore.Order{ID: "a", Event: "e", Due: time.Now().Add(-time.Second)}
	if err := put(first); err != nil && !errors.Is(err, lockstore.ErrOrderChanged) {
		t.Fatal(err)
	}
	if err := replica.Freeze(); err != nil {
		t.Fatal(err)
	}
	second := first
	second.Revision = 1
	for range 3 { // the first one writes, the others find it changed
		if err := put(second, lockstore.ErrUnavailable); !errors.Is(err, lockstore.ErrOutcomeUnknown) {
			t.Errorf("Put with a frozen replica: %v, want %v", err, lockstore.ErrOutcomeUnknown)
		}
		// Another process, whose connection has written nothing.
		s = onRedis(t, url, redisstore.Options{Replicas: 1})
	}
	// Redis promises to wait only for what a connection wrote, though some versions wait
	// for more.
	if v := admin(t, master.Addr).Get(t.Context(), "{seatlock:orders}:touched").Val(); v == "" {
		t.Error("a Put that finds its order changed has written nothing")
	}
	if o, err := s.Order(t.Context(), "a"); !errors.Is(err, lockstore.ErrUnavailable) {
		t.Errorf("Order with a frozen replica: revision %d, %v, want %v", o.Revision, err, lockstore.ErrUnavailable)
	}
	// Due leases, so its answer can be lost like that of a Put.
	if orders, err := s.Due(t.Context(), 1, 0); !errors.Is(err, lockstore.ErrUnavailable) && !errors.Is(err, lockstore.ErrOutcomeUnknown) {
		t.Errorf("Due with a frozen replica: %v, %v, want %v or %v", orders, err, lockstore.ErrUnavailable, lockstore.ErrOutcomeUnknown)
	}

	if err := replica.Thaw(); err != nil {
		t.Fatal(err)
	}
	if err := put(second); !errors.Is(err, lockstore.ErrOrderChanged) {
		t.Errorf("Put again: %v, want %v", err, lockstore.ErrOrderChanged)
	}
	var o lockstore.Order
	if err := history.Repeat(t.Context(), func() (err error) { o, err = s.Order(t.Context(), "a"); return err }); err != nil || o.Revision != 2 {
		t.Errorf("Order: revision %d, %v, want 2", o.Revision, err)
	}
	var orders []lockstore.Order
	if err := history.Repeat(t.Context(), func() (err error) { orders, err = s.Due(t.Context(), 1, 0); return err }); err != nil || len(orders) != 1 || orders[0].Revision != 2 {
		t.Errorf("Due: %v, %v, want revision 2", orders, err)
	}
}

// TestConfirmWaitsInCluster checks that a confirm waits at the master that has the
// event.
func TestConfirmWaitsInCluster(t *testing.T) {
	t.Parallel()
	s, ev := onRedis(t, sharedCluster(t), redisstore.Options{Replicas: 1}), newEvent(t)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	if err := do(t, s, ev, lockstore.Confirm(ann, "A1")); !errors.Is(err, lockstore.ErrOutcomeUnknown) {
		t.Errorf("Confirm where there is no replica: %v, want ErrOutcomeUnknown", err)
	}
	if snap := mustList(t, s, ev, ""); snap.Seats[0].Status != lockstore.Booked {
		t.Errorf("the seat is %v", snap.Seats)
	}
}

// TestSentinel checks that one URL finds the master, and the new master after a
// failover.
func TestSentinel(t *testing.T) {
	t.Parallel()
	master := redistest.New(t, "--repl-diskless-sync-delay", "0")
	replicaOf(t, master)
	sentinel := redistest.Sentinel(t, master, "seats")
	s, ev := onRedis(t, "redis://"+sentinel.Addr+"?master_name=seats", redisstore.Options{Replicas: 1}), newEvent(t)
	mustDo(t, s, ev, lockstore.Lock(ann, "A1"))
	mustDo(t, s, ev, lockstore.Confirm(ann, "A1"))
	before := mustList(t, s, ev, "").Version

	ctl := admin(t, sentinel.Addr)
	for ctl.Do(t.Context(), "sentinel", "failover", "seats").Err() != nil { // until it has found the replica
		if t.Context().Err() != nil {
			t.Fatal("Sentinel does not find the replica")
		}
		time.Sleep(100 * time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		_, err := s.Do(ctx, ev, lockstore.Lock(ben, "A2"))
		role, _ := admin(t, master.Addr).Do(ctx, "role").Slice()
		if err == nil && len(role) > 0 && role[0] == "slave" {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("the store does not find the new master: %v, the old one is %v", err, role)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := do(t, s, ev, lockstore.Lock(ben, "A1")); !errors.Is(err, lockstore.SeatBooked) {
		t.Errorf("the booking that a replica had is lost: %v", err)
	}
	if snap := mustList(t, s, ev, before); len(snap.Seats) == 0 {
		t.Errorf("after the failover: %+v", snap)
	}
}

// TestElection checks that the events of a master that is gone are sold again soon
// after the others have elected its replica.
func TestElection(t *testing.T) {
	for name, o := range map[string]redisstore.Options{"": {}, "with -redis-wait": {Replicas: 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nodes := redistest.ClusterWithReplicas(t, "--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0")
			s := onRedis(t, nodes.URL(), o)
			events := make([]*lockstore.Event, 8) // some of them are on each master
			for i := range events {
				events[i] = numbered(t, i)
				mustDo(t, s, events[i], lockstore.Lock(ann, "A1", "A2"))
				mustDo(t, s, events[i], lockstore.Confirm(ann, "A1"))
			}
			nodes[0].Kill()
			if err := nodes.Await(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second) // the client by itself takes ten or more
			defer cancel()
			for _, ev := range events {
				for {
					_, err := s.Do(ctx, ev, lockstore.Lock(ben, "A3"))
					if err == nil {
						break
					}
					if ctx.Err() != nil {
						t.Fatalf("event %s: %v", ev.ID, err)
					}
					time.Sleep(10 * time.Millisecond)
				}
				snap, err := s.List(t.Context(), ev, "")
				if err != nil {
					t.Fatal(err)
				}
				if o.Replicas > 0 && (len(snap.Seats) == 0 || snap.Seats[0].Status != lockstore.Booked) {
					t.Errorf("event %s: the booking of A1 is gone: %v", ev.ID, snap.Seats)
				}
			}
		})
	}
}
