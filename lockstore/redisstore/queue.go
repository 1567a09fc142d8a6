package redisstore

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"seatlock/lockstore"
)

const (
	// maxFlights is how many trips to Redis a queue makes at the same time. A
	// lone call finds one free; many share those that come back.
	maxFlights = 4

	// maxFlightSeats bounds how many seats go along on one trip, and so how long
	// Redis is busy with it.
	maxFlightSeats = 256

	// flightTime bounds a trip. patience is how long a call may wait for one to
	// begin: together they are less than callTime, so that whoever was on a trip
	// learns what came of it.
	flightTime = 650 * time.Millisecond
	patience   = 250 * time.Millisecond
)

// errBusy is the error of a call that waited too long to be sent.
var errBusy = fmt.Errorf("%w: Redis is not keeping up with the calls before this one", lockstore.ErrUnavailable)

// A call is an operation on its way.
type call struct {
	ev    *lockstore.Event
	op    lockstore.Op // its Seats are the caller's, who may go before the answer comes
	at    []int        // the positions of the seats
	began time.Time
	done  chan answer // takes the one answer
}

type answer struct {
	result lockstore.Result
	err    error
}

// A queue gathers the calls that are made while others are under way, so that
// they go together. go-redis has an AutoPipeline, marked experimental; it
// shares trips, but not the script run, which is the greater part here.
type queue struct {
	send func([]*call) // answers all calls

	mu      sync.Mutex
	waiting []*call
	flights int
}

func newQueue(send func([]*call)) *queue { return &queue{send: send} }

// queues are one queue for each master, so that one which does not answer
// delays no calls to the others.
type queues struct {
	send func([]*call)

	mu     sync.Mutex
	byNode map[redis.Cmdable]*queue
}

func (qs *queues) of(node redis.Cmdable) *queue {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	q := qs.byNode[node]
	if q == nil {
		if qs.byNode == nil {
			qs.byNode = make(map[redis.Cmdable]*queue)
		}
		q = newQueue(qs.send)
		qs.byNode[node] = q
	}
	return q
}

// do returns the answer to the call, or an error once the context ends.
func (q *queue) do(ctx context.Context, c *call) (lockstore.Result, error) {
	bounded, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	q.add(c)
	select {
	case a := <-c.done:
		return a.result, a.err
	case <-bounded.Done():
	}
	if !q.withdraw(c) {
		select {
		case a := <-c.done: // just now
			return a.result, a.err
		default:
		}
		return lockstore.Result{}, fmt.Errorf("%w: Redis did not answer: %w", lockstore.ErrOutcomeUnknown, bounded.Err())
	}
	if err := ctx.Err(); err != nil {
		return lockstore.Result{}, err
	}
	return lockstore.Result{}, errBusy
}

func (q *queue) add(c *call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, c)
	if q.flights < maxFlights {
		q.flights++
		go q.fly() // ends when nobody waits
	}
}

// withdraw takes back a call that has not gone.
func (q *queue) withdraw(c *call) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, c)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// fly makes trips until nobody waits for one.
func (q *queue) fly() {
	for {
		runtime.Gosched() // whoever is about to call comes along
		calls := q.board()
		if len(calls) == 0 {
			return
		}
		q.send(calls)
	}
}

// board takes who goes on the next trip. If nobody does, the flight is over.
func (q *queue) board() []*call {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) > 0 && time.Since(q.waiting[0].began) > patience {
		q.waiting[0].done <- answer{err: errBusy}
		q.waiting = q.waiting[1:]
	}
	n, seats := 0, 0
	for n < len(q.waiting) && seats < maxFlightSeats {
		seats += len(q.waiting[n].at)
		n++
	}
	if n == 0 {
		q.flights--
		return nil
	}
	calls := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return calls
}
