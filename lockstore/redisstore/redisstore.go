// Package redisstore keeps locks and bookings in Redis, for any number of
// processes: one server, one that Sentinel watches over, or a Cluster; Redis
// 7.0 or newer, or Valkey.
//
// The seat's own key is the only truth: a lock is SET NX with an end on it, a
// booking the same key without one. Whatever else is kept can be made again
// from the seats' keys ([Store.Rebuild]). Every call is one Lua script, so it
// is atomic, and takes place by the clock of Redis.
//
// The package knows Redis and the contract, and must not know about HTTP,
// flags or the environment.
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

// callTime bounds every call but Wait: a shopper is told within a second.
const callTime = 950 * time.Millisecond

// Options are what may be different from one store to another.
type Options struct {
	// Replicas is how many replicas must have a booking before Confirm says so.
	// If fewer have it within 0.4 seconds, Confirm fails with
	// [lockstore.ErrOutcomeUnknown]: the booking stands unless the master is
	// lost, and confirming again waits again. 0 waits for none.
	Replicas int

	// AllowEviction has Check put up with a Redis that may evict keys.
	AllowEviction bool
}

// A Store is a [lockstore.LockStore] in Redis. It is made by [New].
//
// Calls that are made at the same time share a script and a trip to Redis; a
// call made alone goes at once.
type Store struct {
	redis   redis.UniversalClient
	options Options

	changes  *queues // of all operations but those that wait for replicas
	confirms *queues // of KindConfirm; the same as changes, or of its own

	logs     *follow.Follower[string, entryID] // by key
	blocking chan struct{}                     // as many elements as connections that Wait may hold
}

var _ lockstore.LockStore = (*Store)(nil)

// New returns a store on the client, which [Client] makes as a store needs it.
// The client stays the caller's: closing it is what ends the store. Nothing is
// dialled before the first call. A [redis.Ring] is refused: it would keep one
// event in several places after a change of its servers.
func New(client redis.UniversalClient, o Options) (*Store, error) {
	if _, ring := client.(*redis.Ring); ring {
		return nil, errors.New("redisstore: a redis.Ring cannot keep seats: use a single server, Sentinel or Cluster")
	}
	if o.Replicas < 0 {
		return nil, fmt.Errorf("redisstore: a booking cannot wait for %d replicas", o.Replicas)
	}
	s := &Store{
		redis:    client,
		options:  o,
		blocking: make(chan struct{}, max(1, poolSize(client)/2)),
	}
	s.logs = follow.Each(0, s.readLog)
	if cluster, ok := client.(*redis.ClusterClient); ok {
		watch(cluster)
	}
	s.changes = newQueues(s.send)
	s.confirms = s.changes
	if o.Replicas > 0 {
		s.confirms = newQueues(s.sendAndWait)
	}
	return s, nil
}

// Open has Redis know the event before the first call does. It fails with
// [lockstore.ErrOtherSeats] if Redis knows it with other seats.
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
	qs := s.changes
	if op.Kind == lockstore.KindConfirm {
		qs = s.confirms
	}
	node, err := s.master(ctx, mapKey(ev))
	if err != nil { // the Cluster is out of reach, as the call will find
		node = s.redis
	}
	return qs.of(node).Do(ctx, work{ev, op, at}, len(at))
}
