package memstore

import (
	"cmp"
	"container/heap"
)

// A queue holds orders, the one with the least key first. It implements
// [heap.Interface].
type queue struct{ orders []*order }

func (q *queue) Len() int { return len(q.orders) }

func (q *queue) Less(i, j int) bool {
	a, b := q.orders[i], q.orders[j]
	return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.ID, b.ID)) < 0
}

func (q *queue) Swap(i, j int) {
	q.orders[i], q.orders[j] = q.orders[j], q.orders[i]
	q.orders[i].at, q.orders[j].at = i, j
}

// Push implements [heap.Interface].
func (q *queue) Push(x any) {
	o := x.(*order)
	o.at = len(q.orders)
	q.orders = append(q.orders, o)
}

// Pop implements [heap.Interface].
func (q *queue) Pop() any {
	last := len(q.orders) - 1
	o := q.orders[last]
	q.orders[last] = nil
	q.orders = q.orders[:last]
	return o
}

// reached reports whether the first order's key is not after now.
func (q *queue) reached(now int64) bool { return len(q.orders) > 0 && q.orders[0].key <= now }

// join puts the order, which is in no queue, into q.
func (o *order) join(q *queue, key int64) {
	o.in, o.key = q, key
	heap.Push(q, o)
}

// leave takes the order out of its queue, if it is in one.
func (o *order) leave() {
	if o.in != nil {
		heap.Remove(o.in, o.at)
		o.in = nil
	}
}
