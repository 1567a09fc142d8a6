package redisstore

import (
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
	"seatlock/lockstore/internal/batch"
)

// tripTime bounds a trip to Redis. A call is sent within sendTime or not at all.
// Together they are less than callTime, so that every call that was sent learns
// its outcome.
const (
	tripTime = 650 * time.Millisecond
	sendTime = 250 * time.Millisecond
)

// trips says how calls share trips to one master. go-redis has an AutoPipeline,
// marked experimental; it shares trips, but not the script run, which is the
// greater part of the cost here.
var trips = batch.Options{
	Backend:     "Redis",
	Parallel:    4,
	MaxWeight:   256, // seats, and so how long Redis is busy with them
	Yields:      1,
	Patience:    sendTime,
	Bound:       callTime,
	AbandonSent: true,
}

// work is an operation that is to be carried out.
type work struct {
	ev *lockstore.Event
	op lockstore.Op // whose Seats the caller may change once its context has ended
	at []int        // the positions of the seats, and of the new ones of a move

	// owners are the users who have the seats, as Redis last said, or none if the
	// operation goes by its own user.
	owners []lockstore.UserID
}

type (
	call  = batch.Call[work, lockstore.Result]
	queue = batch.Queue[work, lockstore.Result]
)

// maxMasters bounds the queues that are kept for a Cluster whose masters change.
// It is the largest number of servers that Redis recommends for a Cluster.
const maxMasters = 1000

// queues has a queue for each master, so that a master that does not answer
// delays no calls to the others.
type queues struct {
	send func([]*call)

	mu     sync.Mutex
	byNode map[redis.Cmdable]*queue
}

func newQueues(send func([]*call)) *queues {
	return &queues{send: send, byNode: make(map[redis.Cmdable]*queue)}
}

func (qs *queues) of(node redis.Cmdable) *queue {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	q := qs.byNode[node]
	if q == nil {
		if len(qs.byNode) == maxMasters { // most of them were replaced
			clear(qs.byNode) // a queue that is still in use is dropped after its calls
		}
		q = batch.New(trips, qs.send)
		qs.byNode[node] = q
	}
	return q
}
