// Package batch lets callers that arrive together share one trip to a backend.
//
// A lone call is sent at once. Calls that arrive while trips are under way wait,
// and the next trip takes them together. The package must not know about seats
// or any backend.
package batch

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"seatlock/lockstore"
)

// ErrClosed is returned for calls after [Queue.Close].
var ErrClosed = fmt.Errorf("%w: the store is closed", lockstore.ErrUnavailable)

// Options say how a [Queue] sends calls. All but AbandonSent must be set.
type Options struct {
	// Backend names the backend in errors, such as "Redis".
	Backend string

	// Parallel is how many batches may be under way at a time.
	Parallel int

	// MaxWeight bounds the sum of the weights in a batch. A call that weighs more
	// goes alone.
	MaxWeight int

	// Yields is how often a batch yields the processor before it is sent: at most
	// so many times, and only while more calls arrive. Callers that were just
	// answered and are about to call again can then join it.
	Yields int

	// Patience is how long a call waits to be sent.
	Patience time.Duration

	// Bound is how long a call takes in all, its wait included. It is not less
	// than Patience.
	Bound time.Duration

	// AbandonSent makes a call that was sent fail with ErrOutcomeUnknown as soon
	// as its context ends. Otherwise it waits for its answer, up to Bound.
	AbandonSent bool
}

// A Queue gathers calls and sends them in batches. W is the work of a call and R
// its result. [New] makes one. It is safe for concurrent use.
//
// A Queue has goroutines only while calls wait or are under way: each ends when
// its send has returned and no call waits.
type Queue[W, R any] struct {
	options Options
	send    func([]*Call[W, R])

	mu      sync.Mutex
	waiting []*Call[W, R] // in the order of arrival
	running int           // goroutines that send batches
	closed  bool
	idle    sync.Cond // running is 0
}

// A Call is the work of one caller until it is answered. The function that sends
// it must answer it.
type Call[W, R any] struct {
	Work W // as it was passed to [Queue.Do]

	weight   int
	result   R
	err      error
	answered chan struct{} // closed once result and err are set
}

// Answer ends the call. It must be called exactly once.
func (c *Call[W, R]) Answer(result R, err error) {
	c.result, c.err = result, err
	close(c.answered)
}

// New returns a queue that passes its batches to send. A batch holds its calls in
// the order of their arrival. When send returns, it must have answered all of
// them.
func New[W, R any](o Options, send func([]*Call[W, R])) *Queue[W, R] {
	q := &Queue[W, R]{options: o, send: send}
	q.idle.L = &q.mu
	return q
}

// Do passes the work to the queue's send function, in a batch, and returns the
// answer.
//
// A call that was not sent fails with the error of its context if that ends, with
// [lockstore.ErrUnavailable] after Options.Patience, and with [ErrClosed] if the
// queue is closed. A call that was sent and not answered fails with
// [lockstore.ErrOutcomeUnknown] after Options.Bound, or earlier if
// Options.AbandonSent is set. The work may still be in use then.
func (q *Queue[W, R]) Do(ctx context.Context, work W, weight int) (R, error) {
	var none R
	if err := ctx.Err(); err != nil {
		return none, err
	}
	c := &Call[W, R]{Work: work, weight: weight, answered: make(chan struct{})}
	if err := q.add(c); err != nil {
		return none, err
	}
	timer := time.NewTimer(q.options.Patience)
	defer timer.Stop()
	rest := q.options.Bound - q.options.Patience
	ended := ctx.Done()
	for {
		select {
		case <-c.answered:
			return c.result, c.err
		case <-ended:
			if q.withdraw(c) {
				return none, ctx.Err()
			}
			if q.options.AbandonSent {
				return c.abandon(fmt.Errorf("%w: %s had not answered: %w", lockstore.ErrOutcomeUnknown, q.options.Backend, ctx.Err()))
			}
			ended = nil
		case <-timer.C:
			if q.withdraw(c) {
				return none, fmt.Errorf("%w: %s is not keeping up", lockstore.ErrUnavailable, q.options.Backend)
			}
			if rest <= 0 {
				return c.abandon(fmt.Errorf("%w: %s did not answer within %v", lockstore.ErrOutcomeUnknown, q.options.Backend, q.options.Bound))
			}
			timer.Reset(rest)
			rest = 0
		}
	}
}

// abandon returns the call's answer if it has just arrived, and else the error.
func (c *Call[W, R]) abandon(err error) (R, error) {
	select {
	case <-c.answered:
		return c.result, c.err
	default:
		var none R
		return none, err
	}
}

// Close refuses further calls and returns once all others are answered.
func (q *Queue[W, R]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for q.running > 0 {
		q.idle.Wait()
	}
}

func (q *Queue[W, R]) add(c *Call[W, R]) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	q.waiting = append(q.waiting, c)
	if q.running < q.options.Parallel {
		q.running++
		go q.run()
	}
	return nil
}

// withdraw takes back the call and reports whether it could: a call that was
// sent stays sent.
func (q *Queue[W, R]) withdraw(c *Call[W, R]) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, c)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// run sends batches until no call waits.
func (q *Queue[W, R]) run() {
	for {
		q.gather()
		batch := q.next()
		if len(batch) == 0 {
			return
		}
		q.send(batch)
		clear(batch) // q.waiting keeps its array
	}
}

// gather yields to callers that are about to call.
func (q *Queue[W, R]) gather() {
	before := -1
	for range q.options.Yields {
		q.mu.Lock()
		n := len(q.waiting)
		q.mu.Unlock()
		if n == before {
			return
		}
		before = n
		runtime.Gosched()
	}
}

// next takes the calls that have waited longest. If there are none, it counts
// the caller as ended.
func (q *Queue[W, R]) next() []*Call[W, R] {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, weight := 0, 0
	for n < len(q.waiting) && (n == 0 || weight+q.waiting[n].weight <= q.options.MaxWeight) {
		weight += q.waiting[n].weight
		n++
	}
	if n == 0 {
		if q.running--; q.running == 0 {
			q.idle.Broadcast()
		}
		return nil
	}
	batch := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return batch
}
