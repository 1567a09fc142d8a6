package payment

import (
	"context"
	"errors"
	"sync"
	"time"

	"seatlock/lockstore"
)

const (
	pause    = time.Second // between two looks at what is due
	batch    = 32          // orders that one look takes
	together = 8           // orders that one process works on at a time
)

// Work works on the orders that are due until the context ends. Any number of
// processes may do so. It also compares orders with the provider and the roster from
// time to time, for the events.
func (p *Payments) Work(ctx context.Context, events func() []lockstore.EventID) {
	for ctx.Err() == nil {
		n, err := p.Round(ctx)
		if err != nil && ctx.Err() == nil {
			p.log.Error("orders that are due cannot be read; trying again", "error", err)
		}
		if n == batch {
			continue
		}
		p.compare(ctx, events)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// Round works once on some of the orders that are due, and returns how many. What
// fails is logged, and due again after [Lease].
func (p *Payments) Round(ctx context.Context) (int, error) {
	due, err := p.orders.Due(ctx, batch, Lease)
	if err != nil {
		return 0, err
	}
	var working sync.WaitGroup
	next := make(chan lockstore.Order)
	for range min(together, len(due)) {
		working.Go(func() {
			for r := range next {
				p.attend(ctx, r)
			}
		})
	}
	for _, r := range due {
		next <- r
	}
	close(next)
	working.Wait()
	return len(due), nil
}

// attend works on an order that is due.
func (p *Payments) attend(ctx context.Context, r lockstore.Order) {
	o, err := decode(r)
	if err == nil {
		_, err = p.advance(ctx, o)
	}
	if err != nil && ctx.Err() == nil {
		p.log.Warn("an order could not be advanced; it is tried again", "order", r.ID, "error", err)
	}
}

// Notice reconciles the order that a notice of the provider is about. Failures are
// logged: the order is tried again when it is due.
func (p *Payments) Notice(ctx context.Context, id lockstore.OrderID) {
	_, err := p.Reconcile(ctx, id)
	switch {
	case errors.Is(err, lockstore.ErrNoOrder):
		p.log.Warn("the provider has sent a notice about an order that the store does not have; it is rebuilt from the provider's sessions", "order", id)
	case err != nil:
		p.log.Warn("an order could not be advanced after a notice; it is tried again", "order", id, "error", err)
	}
}
