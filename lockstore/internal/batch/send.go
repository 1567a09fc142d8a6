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
// sends the batch that goes next: its answers may come one after the other.
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
// caller is to send further batches.
func (q *Queue[W, R]) sendBatch(batch []*Call[W, R]) bool {
	defer clear(batch) // so that q.waiting's array does not keep the calls
	if q.options.Late > 0 {
		return q.sendOrBeLate(batch)
	}
	q.send(batch)
	q.free(batch)
	return true
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

// sendOrBeLate sends the batch. If that takes longer than Options.Late, another
// goroutine takes the place of this one. It reports whether this one is to send
// further batches.
func (q *Queue[W, R]) sendOrBeLate(batch []*Call[W, R]) bool {
	late, ended := false, false
	timer := time.AfterFunc(q.options.Late, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if !ended && q.late < q.options.MaxLate {
			late = true
			q.late++
			q.running--
			q.start()
		}
	})
	defer timer.Stop()
	q.send(batch)
	q.mu.Lock()
	defer q.mu.Unlock()
	ended = true
	q.freeKeys(batch)
	if !late {
		return true
	}
	q.late--
	if q.running < q.options.Parallel {
		q.running++
		return true
	}
	q.ended()
	return false
}

// free releases the keys of a batch that has ended.
func (q *Queue[W, R]) free(batch []*Call[W, R]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.freeKeys(batch)
}

func (q *Queue[W, R]) freeKeys(batch []*Call[W, R]) {
	for _, c := range batch {
		for _, k := range c.terms.Keys {
			delete(q.busy, k)
		}
	}
}
