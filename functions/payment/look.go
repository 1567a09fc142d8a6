package payment

import (
	"context"
	"sync"
	"time"

	"seatlock/lockstore"
)

const (
	lookTime = 2 * time.Second // how long a look lasts at most: the buyer's browser waits
	lookKept = time.Second     // between two looks at an open order
)

// Look is [Payments.Reconcile] for an order that was just read, and for a caller that may
// ask very often, such as a buyer's browser. It takes 2 s at most, and returns the order as
// it knows it last, even if it fails. It asks the provider about an open payment once in a
// second, for all callers together. While one call is asking about an order, the next one
// waits, and further ones get the order as they have read it.
func (p *Payments) Look(ctx context.Context, o *Order) (*Order, error) {
	if o.Stage == StageOpen && p.looked.recently(o.Order) {
		return o, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	newest := o
	err := p.looks.do(ctx, o.Order, func() error {
		read, err := p.Order(ctx, o.Order) // it may have waited for another call
		if err != nil {
			return err
		}
		newest = read
		if read.Stage == StageOpen && !p.looked.begin(o.Order, p.paced(lookKept)) {
			return nil
		}
		advanced, err := p.advance(ctx, read)
		if advanced != nil {
			newest = advanced
		}
		return err
	})
	return newest, err
}

// looked has the orders that were looked at recently. The zero value is ready to use.
type looked struct {
	mu           sync.Mutex
	last, before map[lockstore.OrderID]time.Time // until when a look is recent
	moved        time.Time                       // when last became before
}

// recently reports whether the last look at the order is recent.
func (l *looked) recently(id lockstore.OrderID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.has(id, time.Now())
}

func (l *looked) has(id lockstore.OrderID, now time.Time) bool {
	return now.Before(l.last[id]) || now.Before(l.before[id])
}

// begin notes a look at the order, which is recent for the given time. It reports false if
// the last one still is.
func (l *looked) begin(id lockstore.OrderID, recent time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.has(id, now) {
		return false
	}
	if l.last == nil || now.Sub(l.moved) >= recent { // all in before are no longer recent
		l.last, l.before, l.moved = make(map[lockstore.OrderID]time.Time), l.last, now
	}
	l.last[id] = now.Add(recent)
	return true
}
