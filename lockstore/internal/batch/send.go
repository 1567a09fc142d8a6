package batch

import (
	"runtime"
	"time"
)

// start starts a goroutine that sends a batch, if there may be one. q.mu is held.
func (q *Queue[W, R]) start() {
	if q.running < q.options.Parallel && len(q.waiting) > 0 {
		q.running++
		go q.run()
	}
}

// sendOwn sends the call and reports that, if it still goes alone. Otherwise a goroutine
// sends the batch that goes next: the caller must not wait for the answers of others.
func (q *Queue[W, R]) sendOwn(c *Call[W, R]) bool {
	q.gather()
	batch := q.next()
	if len(batch) != 1 || batch[0] != c {
		if len(batch) > 0 {
			go q.runFrom(batch)
		}
		return false
	}
	if q.sendBatch(batch) {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.running--
		q.start()
		q.ended()
	}
	return true
}

// run sends batches until no call can be sent.
func (q *Queue[W, R]) run() { q.runFrom(nil) }

// runFrom is run for a goroutine that has the first batch already.
func (q *Queue[W, R]) runFrom(batch []*Call[W, R]) {
	for {
		if batch == nil {
			q.gather()
			if batch = q.next(); len(batch) == 0 {
				return
			}
		}
		if !q.sendBatch(batch) {
			return
		}
		batch = nil
	}
}

// sendBatch sends the batch, lets other calls have its keys, and reports whether the
// caller is to send further batches. If the batch takes longer than Options.Late, another
// goroutine takes the place of this one.
//
// If send panics, the caller of a call may recover from that. So the keys and the place
// are free then, too.
func (q *Queue[W, R]) sendBatch(batch []*Call[W, R]) (goesOn bool) {
	var late, over, returned bool
	if q.options.Late > 0 {
		timer := time.AfterFunc(q.options.Late, func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			if !over && q.late < q.options.MaxLate {
				late = true
				q.late++
				q.running--
				q.start()
			}
		})
		defer timer.Stop()
	}
	defer func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		over = true
		q.freeKeys(batch)
		clear(batch) // so that q.waiting's array does not keep the calls
		if late {
			q.late--
		} else {
			q.running--
		}
		if goesOn = returned && q.running < q.options.Parallel; goesOn {
			q.running++
			return
		}
		q.start()
		q.ended()
	}()
	q.send(batch)
	returned = true
	return // as the deferred function says
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

// next removes the calls of the next batch from the queue. If there are none, it
// counts the calling goroutine as ended.
func (q *Queue[W, R]) next() []*Call[W, R] {
	q.mu.Lock()
	defer q.mu.Unlock()
	batch := q.choose()
	if len(batch) == 0 {
		q.running--
		q.ended()
	}
	return batch
}

// ended wakes Close if no goroutine is left. q.mu is held.
func (q *Queue[W, R]) ended() {
	if q.running+q.late == 0 {
		q.idle.Broadcast()
	}
}

// freeKeys releases the keys of a batch that has ended. q.mu is held.
func (q *Queue[W, R]) freeKeys(batch []*Call[W, R]) {
	for _, c := range batch {
		for _, k := range c.terms.Keys {
			delete(q.busy, k)
		}
	}
}
