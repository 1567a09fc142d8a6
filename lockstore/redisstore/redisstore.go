// Package redisstore keeps locks and bookings in Redis 7.0 or newer, or Valkey,
// for any number of processes. It works with a single server, a master that Sentinel
// names, or a Cluster.
//
// A seat's own key is the only source of truth: a lock is SET NX with an expiry, a
// booking is the same key without one. [Store.Rebuild] derives everything else from these
// keys. An operation is one run of a Lua script: it is atomic and uses the clock
// of Redis.
//
// The package knows Redis and the contract. It must not know about HTTP, flags or
// the environment.
package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/batch"
	"seatlock/lockstore/internal/follow"
)

// callTime bounds every call but Wait: a buyer gets an answer within a second.
const callTime = 950 * time.Millisecond

// Options say what a [Store] requires of Redis.
type Options struct {
	// Replicas is the number of replicas that must have a booking before a
	// confirm succeeds, and likewise everything else that is in the journal. If fewer
	// have it within 0.4 seconds, the call fails with
	// [lockstore.ErrOutcomeUnknown]: the booking stands unless the master is lost,
	// and the same call waits again if it is repeated. The same holds for
	// Put. An order that too few replicas have is not shown: Order and Due fail with
	// [lockstore.ErrUnavailable]. If Replicas is 0, no call waits.
	Replicas int

	// AllowEviction makes [Store.Check] accept a Redis that may evict keys.
	AllowEviction bool
}

// A Store is a [lockstore.LockStore] and a [lockstore.OrderStore] in Redis. [New] makes one.
//
// Operations that arrive together share a script run and a trip to Redis. A lone
// operation is sent at once.
type Store struct {
	redis   redis.UniversalClient
	options Options

	changes *queues // of all operations except those that wait for replicas
	durable *queues // of operations that have an entry in the journal; the same as changes, or separate

	puts *putQueue // of orders

	admissions admissions
	recorded   recorded

	logs     *follow.Follower[string, entryID] // by key
	blocking chan struct{}                     // as many elements as connections that Wait may hold
}

var _ lockstore.LockStore = (*Store)(nil)

// New returns a store on the client, which [Client] should have made. The caller
// ends the store by closing the client. New does not connect. It refuses a
// [redis.Ring], which would keep one event in several places after a change of its
// servers.
func New(client redis.UniversalClient, o Options) (*Store, error) {
	if _, ring := client.(*redis.Ring); ring {
		return nil, errors.New("redisstore: a redis.Ring cannot keep seats: use a single server, Sentinel or Cluster")
	}
	if o.Replicas < 0 {
		return nil, fmt.Errorf("redisstore: the number of replicas must not be negative, as %d is", o.Replicas)
	}
	s := &Store{
		redis:    client,
		options:  o,
		blocking: make(chan struct{}, max(1, poolSize(client)/2)),
	}
	s.logs = follow.Each(0, s.readLog)
	if cluster, ok := client.(*redis.ClusterClient); ok {
		reloadOnErrors(cluster)
	}
	s.changes = newQueues(s.send)
	s.puts = batch.New(trips, s.sendPuts)
	s.durable = s.changes
	if o.Replicas > 0 {
		s.durable = newQueues(s.sendAndWait)
	}
	return s, nil
}

// Open makes the event known to Redis before the first call does. It replaces the
// layout of a lower revision, which may take a second for each 100,000 seats, and
// takes over an event that a version with format 2 wrote. It fails with
// [lockstore.ErrOtherSeats] if Redis has the event with other seats.
func (s *Store) Open(ctx context.Context, ev *lockstore.Event) error {
	err := s.admit(ctx, ev)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Do implements [lockstore.LockStore].
func (s *Store) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	at, err := ev.Positions(make([]int, 0, 8), &op)
	if err != nil {
		return lockstore.Result{}, err
	}
	qs := s.changes
	if journaled(&op) {
		qs = s.durable
	}
	began, w := time.Now(), work{ev: ev, op: op, at: at}
	if !s.recorded.has(ev) {
		return s.doAgain(ctx, began.Add(callTime), qs, w, &retryError{})
	}
	result, err := s.doOnce(ctx, qs, w)
	if retry, ok := errors.AsType[*retryError](err); ok {
		return s.doAgain(ctx, began.Add(callTime), qs, w, retry)
	}
	return result, err
}

// doOnce sends the work once.
func (s *Store) doOnce(ctx context.Context, qs *queues, w work) (lockstore.Result, error) {
	if _, ok := s.redis.(*redis.ClusterClient); ok {
		return s.doOnCluster(ctx, qs, w)
	}
	return qs.of(s.redis).Do(ctx, w, len(w.at))
}

// journaled reports whether the operation has an entry in the journal if it changes
// anything.
func journaled(op *lockstore.Op) bool {
	switch op.Kind {
	case lockstore.KindLock, lockstore.KindRelease:
		return false
	case lockstore.KindExtend:
		return op.By != ""
	}
	return true
}
