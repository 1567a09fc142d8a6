// Package batch lets callers that arrive together share one trip to a backend.
//
// A lone call is sent at once. Calls that arrive while trips are under way wait,
// and the next trip takes them together. The package must not know about seats
// or any backend.
package batch

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"seatlock/lockstore"
)

// ErrClosed is returned for calls after [Queue.Close].
var ErrClosed = fmt.Errorf("%w: the store is closed", lockstore.ErrUnavailable)

// Options say how a [Queue] sends calls. Backend to Bound must be set.
type Options struct {
	// Backend names the backend in errors, such as "Redis".
	Backend string

	// Parallel is how many batches may be under way at a time.
	Parallel int

	// MaxWeight bounds the sum of the weights in a batch. A call that weighs more
	// goes alone.
	MaxWeight int

	// Yields is the most times that the processor is yielded before a batch is sent.
	// It is yielded only while more calls arrive, so that callers that were just
	// answered and are about to call again can join the batch.
	Yields int

	// Patience is how long a call waits to be sent.
	Patience time.Duration

	// Bound is how long a call may take in all, including the wait to be sent. It is
	// not less than Patience.
	Bound time.Duration

	// AbandonSent makes a call that was sent fail with ErrOutcomeUnknown as soon
	// as its context ends. Otherwise it waits for its answer, up to Bound.
	AbandonSent bool

	// Late is how long a batch may be under way before it no longer counts toward
	// Parallel, so that a slow one does not hold up the next. At most MaxLate batches
	// are late at a time. If Late is zero, no batch is ever late.
	Late    time.Duration
	MaxLate int

	// CallerSends lets a caller that finds nobody waiting send its call by itself, which
	// saves it two changes of goroutine. The caller then waits until send returns, so
	// send must return within Bound, whatever happens. AbandonSent must not be set.
	CallerSends bool

	// MaxPerKey bounds the calls of a batch that share a key. It must be set if
	// calls have keys.
	MaxPerKey int
}

// A Queue gathers calls and sends them in batches. W is the work of a call and R
// its result. [New] makes one. It is safe for concurrent use.
//
// A Queue has goroutines only while calls wait or are under way: each ends when
// its send has returned and no call can be sent. A caller that sends its own call counts
// as one meanwhile.
type Queue[W, R any] struct {
	options Options
	send    func([]*Call[W, R])

	mu      sync.Mutex
	waiting []*Call[W, R] // in the order of arrival
	running int           // goroutines that send batches, callers too, without those that are late
	late    int           // goroutines whose batches are late
	busy    map[Key]bool  // the keys of the batches under way
	closed  bool
	idle    sync.Cond // no goroutine is left
}

// A Call is the work of one caller until it is answered. The function that sends
// it must answer it or pass it to [Queue.SendAgain].
type Call[W, R any] struct {
	Work W // as it was passed to [Queue.Do]

	terms    Terms
	alone    bool
	sendBy   time.Time
	result   R
	err      error
	answered chan struct{} // closed once result and err are set
}

// SendBy returns when the patience of the call's caller ends.
func (c *Call[W, R]) SendBy() time.Time { return c.sendBy }

// Alone reports whether the call goes in a batch by itself because an earlier
// batch failed.
func (c *Call[W, R]) Alone() bool { return c.alone }

// Answer ends the call. It must be called exactly once.
func (c *Call[W, R]) Answer(result R, err error) {
	c.result, c.err = result, err
	close(c.answered)
}

// New returns a queue that passes its batches to send. A batch holds its calls in
// the order of their arrival. When send returns, it must have answered all of
// them or passed them to [Queue.SendAgain].
func New[W, R any](o Options, send func([]*Call[W, R])) *Queue[W, R] {
	q := &Queue[W, R]{options: o, send: send, busy: make(map[Key]bool)}
	q.idle.L = &q.mu
	return q
}

// Do is [Queue.DoOn] for calls that may share a batch with any other.
func (q *Queue[W, R]) Do(ctx context.Context, work W, weight int) (R, error) {
	return q.DoOn(ctx, work, Terms{Weight: weight})
}

// DoOn passes the work to the queue's send function, in a batch, and returns the
// answer.
//
// A call that was not sent fails with the error of its context if that ends, with
// [lockstore.ErrUnavailable] after Options.Patience, and with [ErrClosed] if the
// queue is closed. A call that was sent and not answered fails with
// [lockstore.ErrOutcomeUnknown] after Options.Bound, or earlier if
// Options.AbandonSent is set. The work may still be in use then.
func (q *Queue[W, R]) DoOn(ctx context.Context, work W, terms Terms) (R, error) {
	var none R
	if err := ctx.Err(); err != nil {
		return none, err
	}
	c := &Call[W, R]{Work: work, terms: terms, sendBy: time.Now().Add(q.options.Patience), answered: make(chan struct{})}
	sends, err := q.add(c)
	if err != nil {
		return none, err
	}
	if sends && q.sendOwn(c) {
		select {
		case <-c.answered:
			return c.result, c.err
		default: // it is to be sent again
		}
	}
	timer := time.NewTimer(time.Until(c.sendBy)) // a call that its caller sent has used some of it
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

// SendAgain puts calls of a batch back, before all others, because the backend did
// nothing for them. If alone is set, each then goes in a batch by itself. A call
// whose patience is over is answered with err.
func (q *Queue[W, R]) SendAgain(calls []*Call[W, R], alone bool, err error) {
	now := time.Now()
	var none R
	again := make([]*Call[W, R], 0, len(calls))
	for _, c := range calls {
		if !now.Before(c.sendBy) {
			c.Answer(none, err)
			continue
		}
		c.alone = c.alone || alone
		again = append(again, c)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.Insert(q.waiting, 0, again...)
	q.start()
}

// Close refuses further calls and returns once all others are answered.
func (q *Queue[W, R]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for q.running+q.late > 0 {
		q.idle.Wait()
	}
}

// add adds the call to those that wait. It reports whether the caller is to send it, and
// then counts the caller as a goroutine that sends batches.
func (q *Queue[W, R]) add(c *Call[W, R]) (sends bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false, ErrClosed
	}
	sends = q.options.CallerSends && len(q.waiting) == 0 && q.running < q.options.Parallel
	q.waiting = append(q.waiting, c)
	if sends {
		q.running++
	} else {
		q.start()
	}
	return sends, nil
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
