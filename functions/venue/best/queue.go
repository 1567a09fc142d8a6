package best

// A try is one caller's attempt to lock what it has picked.
type try struct {
	number   uint64
	slots    []int32
	together bool
	ended    bool
}

// A queue holds the tries that are under way, and the callers who found nothing and
// wait for them. The zero value is empty.
type queue struct {
	last    uint64 // the number of the newest try
	tries   []*try // oldest first; some have ended
	waiters []waiter
}

// A waiter waits for the tries up to a number.
type waiter struct {
	until uint64
	wake  chan struct{}
}

func (q *queue) begin(t *try) {
	q.last++
	t.number = q.last
	q.tries = append(q.tries, t)
}

// end ends a try. If it failed, its seats may be free again, so all waiters are woken.
// Otherwise only those are woken whose tries have all ended: waking all for each seat
// sold would let every party look at the same few seats.
func (q *queue) end(t *try, won bool) {
	t.ended = true
	for len(q.tries) > 0 && q.tries[0].ended {
		q.tries = q.tries[1:]
	}
	for len(q.waiters) > 0 {
		w := q.waiters[0]
		if won && len(q.tries) > 0 && q.tries[0].number <= w.until {
			return // later waiters wait for later tries
		}
		close(w.wake)
		q.waiters = q.waiters[1:]
	}
}

// wait returns a channel that is closed when all tries that are under way have ended or
// one has failed, or nil if none is under way.
func (q *queue) wait() <-chan struct{} {
	if len(q.tries) == 0 {
		return nil
	}
	w := waiter{q.last, make(chan struct{})}
	q.waiters = append(q.waiters, w)
	return w.wake
}
