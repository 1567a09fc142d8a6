package memstore

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"seatlock/lockstore"
)

// orders are the orders of a [Store].
type orders struct {
	mu    sync.Mutex // guards the fields below
	clock clock      // from the first order on
	byID  map[lockstore.OrderID]*order
	of    map[lockstore.EventID]*eventOrders

	// Orders with a Due are in one of the queues: by Due, or by the end of their lease.
	due, leased queue
}

// An order is a [lockstore.Order] with its place in a queue.
type order struct {
	lockstore.Order
	in  *queue // or nil
	key int64  // its sort key there, in Unix milliseconds
	at  int    // its index there
}

// Put implements [lockstore.OrderStore].
func (s *Store) Put(ctx context.Context, o lockstore.Order) (int64, error) {
	if err := o.Check(); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	all := &s.orders
	all.mu.Lock()
	defer all.mu.Unlock()
	stored := all.byID[o.ID]
	switch {
	case stored == nil && o.Revision != 0:
		return 0, lockstore.ErrOrderChanged
	case stored == nil:
		stored = all.add(o.ID, o.Event)
	case stored.Event != o.Event:
		return 0, &lockstore.InvalidError{Problem: fmt.Sprintf("order %s is of event %s, not %s", o.ID, stored.Event, o.Event)}
	case stored.Revision != o.Revision:
		return 0, lockstore.ErrOrderChanged
	}
	stored.leave()
	stored.Revision++
	stored.Body = bytes.Clone(o.Body)
	stored.Due = time.Time{}
	if !o.Due.IsZero() {
		stored.Due = time.UnixMilli(o.Due.UnixMilli())
		stored.join(&all.due, o.Due.UnixMilli())
	}
	return stored.Revision, nil
}

// add adds an order, which gets its revision later.
func (all *orders) add(id lockstore.OrderID, event lockstore.EventID) *order {
	if all.byID == nil {
		all.clock = newClock()
		all.byID = make(map[lockstore.OrderID]*order)
		all.of = make(map[lockstore.EventID]*eventOrders)
	}
	o := &order{Order: lockstore.Order{ID: id, Event: event}}
	all.byID[id] = o
	if all.of[event] == nil {
		all.of[event] = new(eventOrders)
	}
	all.of[event].fresh = append(all.of[event].fresh, id)
	return o
}

// Order implements [lockstore.OrderStore].
func (s *Store) Order(ctx context.Context, id lockstore.OrderID) (lockstore.Order, error) {
	if err := id.Check(); err != nil {
		return lockstore.Order{}, err
	}
	if err := ctx.Err(); err != nil {
		return lockstore.Order{}, err
	}
	s.orders.mu.Lock()
	defer s.orders.mu.Unlock()
	o := s.orders.byID[id]
	if o == nil {
		return lockstore.Order{}, lockstore.ErrNoOrder
	}
	return o.copy(), nil
}

// copy returns the order for a caller.
func (o *order) copy() lockstore.Order {
	c := o.Order
	c.Body = bytes.Clone(c.Body)
	return c
}

// orderBytes is about how many bytes of orders one call returns at most.
const orderBytes = 4 << 20

// Due implements [lockstore.OrderStore].
func (s *Store) Due(ctx context.Context, limit int, lease time.Duration) ([]lockstore.Order, error) {
	if err := lockstore.CheckDue(limit, lease); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	all := &s.orders
	all.mu.Lock()
	defer all.mu.Unlock()
	now := all.clock.now()
	for all.leased.reached(now) {
		o := all.leased.orders[0]
		o.leave()
		o.join(&all.due, o.Due.UnixMilli())
	}
	var found []lockstore.Order
	for size := 0; len(found) < limit && size < orderBytes && all.due.reached(now); {
		o := all.due.orders[0]
		o.leave()
		o.join(&all.leased, now+lease.Milliseconds())
		found = append(found, o.copy())
		size += len(o.Body)
	}
	return found, nil
}

// Orders implements [lockstore.OrderStore].
func (s *Store) Orders(ctx context.Context, event lockstore.EventID, after lockstore.OrderID) ([]lockstore.Order, error) {
	if err := event.Check(); err != nil {
		return nil, err
	}
	if after != "" {
		if err := after.Check(); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.orders.mu.Lock()
	defer s.orders.mu.Unlock()
	of := s.orders.of[event]
	if of == nil {
		return nil, nil
	}
	var found []lockstore.Order
	size := 0
	for _, id := range of.after(after) {
		o := s.orders.byID[id].copy()
		found = append(found, o)
		if size += len(o.Body); size >= orderBytes {
			break
		}
	}
	return found, nil
}

// eventOrders are the ids of the orders of an event.
type eventOrders struct {
	sorted []lockstore.OrderID
	fresh  []lockstore.OrderID // not yet merged into sorted
}

// after returns the next ids after the given one, up to MaxOrders.
func (of *eventOrders) after(id lockstore.OrderID) []lockstore.OrderID {
	if len(of.fresh) > 0 {
		slices.Sort(of.fresh)
		of.sorted, of.fresh = merge(of.sorted, of.fresh), nil
	}
	from, found := slices.BinarySearch(of.sorted, id)
	if found {
		from++
	}
	rest := of.sorted[from:]
	return rest[:min(len(rest), lockstore.MaxOrders)]
}

// merge returns the ids of both in order.
func merge(a, b []lockstore.OrderID) []lockstore.OrderID {
	all := make([]lockstore.OrderID, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0] < b[0] {
			all, a = append(all, a[0]), a[1:]
		} else {
			all, b = append(all, b[0]), b[1:]
		}
	}
	return append(append(all, a...), b...)
}
