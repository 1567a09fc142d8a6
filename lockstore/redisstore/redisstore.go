// Package redisstore keeps locks and bookings in Redis 7.0 or newer, or Valkey,
// for any number of processes. It takes a single server, a master that Sentinel
// names, or a Cluster.
//
// A seat's own key is the only truth: a lock is SET NX with an expiry, a booking
// is the same key without one. [Store.Rebuild] makes everything else from these
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
	"seatlock/lockstore/internal/follow"
)

// callTime bounds every call but Wait: a buyer gets an answer within a second.
const callTime = 950 * time.Millisecond

// Options say what a [Store] requires of Redis.
type Options struct {
	// Replicas is the number of replicas that must have a booking before a
	// confirm succeeds. If fewer have it within 0.4 seconds, the confirm fails
	// with [lockstore.ErrOutcomeUnknown]: the booking stands unless the master is
	// lost, and the next confirm waits again. 0 waits for none.
	Replicas int

	// AllowEviction makes [Store.Check] accept a Redis that may evict keys.
	AllowEviction bool
}

// A Store is a [lockstore.LockStore] in Redis. [New] makes one.
//
// Operations that arrive together share a script run and a trip to Redis. A lone
// operation goes at once.
type Store struct {
	redis   redis.UniversalClient
	options Options

	changes  *queues // of all operations but those that wait for replicas
	confirms *queues // of KindConfirm; the same as changes, or of its own

	logs     *follow.Follower[string, entryID] // by key
	blocking chan struct{}                     // as many elements as connections that Wait may hold
}

var _ lockstore.LockStore = (*Store)(nil)

// New returns a store on the client, which [Client] should have made. The caller
// ends the store by closing the client. New connects to nothing. It refuses a
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
	s.confirms = s.changes
	if o.Replicas > 0 {
		s.confirms = newQueues(s.sendAndWait)
	}
	return s, nil
}

// Open makes the event known to Redis before the first call does. It fails with
// [lockstore.ErrOtherSeats] if Redis knows the event with other seats.
func (s *Store) Open(ctx context.Context, ev *lockstore.Event) error {
	_, err := s.newest(ctx, ev)
	return err
}

// Do implements [lockstore.LockStore].
func (s *Store) Do(ctx context.Context, ev *lockstore.Event, op lockstore.Op) (lockstore.Result, error) {
	at, err := ev.Positions(make([]int, 0, 8), op)
	if err != nil {
		return lockstore.Result{}, err
	}
	if op.Kind > lockstore.KindRelease {
		return lockstore.Result{}, errors.ErrUnsupported
	}
	qs := s.changes
	if op.Kind == lockstore.KindConfirm {
		qs = s.confirms
	}
	w := work{ev, op, at}
	if _, ok := s.redis.(*redis.ClusterClient); ok {
		return s.doOnCluster(ctx, qs, w)
	}
	return qs.of(s.redis).Do(ctx, w, len(at))
}
