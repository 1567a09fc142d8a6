package boltstore

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"seatlock/lockstore"
)

// maxFlightSeats bounds how many seats one transaction changes, and so how long
// it takes.
const maxFlightSeats = 4096

// errSlow is the error of a call that waited too long to be written.
var errSlow = fmt.Errorf("%w: the disk is not keeping up", lockstore.ErrUnavailable)

// An operation is what a call does.
type operation int

const (
	lock operation = iota
	confirm
	release
)

// A call is one Lock, Confirm or Release on its way.
type call struct {
	op   operation
	of   *event
	ev   *lockstore.Event
	at   []int // the positions of its seats
	user lockstore.UserID

	expires time.Time // the answer
	err     error
	done    chan struct{} // closed when there is one
}

// A queue gathers the calls that are made while others are being written, so
// that they share the next wait for the disk. A lone call waits for nobody.
type queue struct {
	fly func([]*call) // answers all calls

	mu      sync.Mutex
	waiting []*call
	flying  bool
	closed  bool
	landed  sync.Cond // nobody is flying
}

func newQueue(fly func([]*call)) *queue {
	q := &queue{fly: fly}
	q.landed.L = &q.mu
	return q
}

// do returns the answer to the call. A call that has gone is worth waiting for
// even when the context ends: nobody can take it back.
func (q *queue) do(ctx context.Context, c *call) (time.Time, error) {
	if err := q.add(c); err != nil {
		return time.Time{}, err
	}
	patience := time.NewTimer(callTime)
	defer patience.Stop()
	gone := ctx.Done()
	for {
		select {
		case <-c.done:
			return c.expires, c.err
		case <-gone:
			if q.withdraw(c) {
				return time.Time{}, ctx.Err()
			}
			gone = nil
		case <-patience.C:
			if q.withdraw(c) {
				return time.Time{}, errSlow
			}
			return time.Time{}, fmt.Errorf("%w: the disk did not answer for %v", lockstore.ErrOutcomeUnknown, callTime)
		}
	}
}

func (q *queue) add(c *call) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed
	}
	q.waiting = append(q.waiting, c)
	if !q.flying {
		q.flying = true
		go q.flights() // ends when nobody waits
	}
	return nil
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

func (q *queue) flights() {
	for {
		q.gather()
		calls := q.board()
		if len(calls) == 0 {
			return
		}
		q.fly(calls)
	}
}

// gather lets whoever is about to call come along, as those do who were just
// answered: it gives way for as long as more arrive, a hundred times at most.
func (q *queue) gather() {
	before := -1
	for range 100 {
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

// board takes who goes next. If nobody does, there are no more flights.
func (q *queue) board() []*call {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, seats := 0, 0
	for n < len(q.waiting) && seats < maxFlightSeats {
		seats += len(q.waiting[n].at)
		n++
	}
	if n == 0 {
		q.flying = false
		q.landed.Broadcast()
		return nil
	}
	calls := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return calls
}

// close takes no more calls, and returns when all are answered.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for q.flying {
		q.landed.Wait()
	}
}
