package batch

// A Key is a hash of something that two calls may both need, such as a row.
type Key uint64

// Terms say which calls a call may share a batch with.
type Terms struct {
	// Weight is what the call adds to its batch.
	Weight int

	// Group must be the same, by ==, for all calls of a batch.
	Group any

	// Keys are what the call would wait for in the backend if a batch under way
	// used them. The call is not sent while one does. At most Options.MaxPerKey calls
	// of a batch have a key in common, so that a crowd of such calls leaves room for others.
	Keys []Key
}

// choose takes the calls of the next batch off the queue: those that have waited
// longest, may be sent, and go together. q.mu is held.
func (q *Queue[W, R]) choose() []*Call[W, R] {
	n, weight := 0, 0
	for n < len(q.waiting) && q.follows(n, weight) {
		weight += q.waiting[n].terms.Weight
		n++
	}
	if n == len(q.waiting) || n > 0 && weight+q.waiting[n].terms.Weight > q.options.MaxWeight {
		batch := q.waiting[:n:n]
		q.waiting = q.waiting[n:]
		return batch
	}
	return q.pick()
}

// follows reports whether the call at n can join a batch of the n before it, none
// of which has a key.
func (q *Queue[W, R]) follows(n, weight int) bool {
	c := q.waiting[n]
	return len(c.terms.Keys) == 0 && (n == 0 || c.joins(q.waiting[0]) && weight+c.terms.Weight <= q.options.MaxWeight)
}

// joins reports whether two calls may share a batch.
func (c *Call[W, R]) joins(first *Call[W, R]) bool {
	return !c.alone && !first.alone && c.terms.Group == first.terms.Group
}

// pick is choose for calls with keys or of several groups. It passes over calls
// that have to wait.
func (q *Queue[W, R]) pick() []*Call[W, R] {
	var batch []*Call[W, R]
	weight := 0
	counts := make(map[Key]int) // of the calls of the batch
	stay := q.waiting[:0]
	for i, c := range q.waiting {
		if len(batch) > 0 && weight+c.terms.Weight > q.options.MaxWeight || len(batch) == 1 && batch[0].alone {
			stay = append(stay, q.waiting[i:]...)
			break
		}
		if len(batch) > 0 && !c.joins(batch[0]) || !q.mayShare(c, counts) {
			if i == 0 {
				// The keys of the first call are reserved for it. Otherwise a call with
				// many keys could wait for long.
				for _, k := range c.terms.Keys {
					counts[k] = q.options.MaxPerKey
				}
			}
			stay = append(stay, c)
			continue
		}
		batch = append(batch, c)
		weight += c.terms.Weight
		for _, k := range c.terms.Keys {
			counts[k]++
		}
	}
	clear(q.waiting[len(stay):])
	q.waiting = stay
	for _, c := range batch {
		for _, k := range c.terms.Keys {
			q.busy[k] = true
		}
	}
	return batch
}

// mayShare reports whether no batch under way has a key of the call, and the batch
// that is being made has room for another call with each of them.
func (q *Queue[W, R]) mayShare(c *Call[W, R], counts map[Key]int) bool {
	for _, k := range c.terms.Keys {
		if q.busy[k] || counts[k] >= q.options.MaxPerKey {
			return false
		}
	}
	return true
}
