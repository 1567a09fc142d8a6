package payment

import (
	"context"
	"errors"
	"sync"
	"time"

	"seatlock/lockstore"
)

const pause = time.Second // between two checks for due orders

// Work works on the orders that are due until the context ends. Any number of processes
// may do so. From time to time, it also compares orders with the provider and with the
// roster of the events, and counts them.
func (p *Payments) Work(ctx context.Context, events func() []lockstore.EventID) {
	var working sync.WaitGroup
	defer working.Wait()
	working.Go(func() { p.compareEvery(ctx, events) })
	working.Go(func() { p.countEvery(ctx, events) })
	p.work(ctx, ctx, &working)
}

// WorkUntil is Work for a process that runs only for a short time. It starts no work on
// an order from that time on, and returns when the work that it has started is done,
// after 15 s at most. It compares and counts once, if that is due, and continues until
// the context ends if there is much to do. Allow it one more second to record where it
// stopped.
func (p *Payments) WorkUntil(ctx context.Context, until time.Time, events func() []lockstore.EventID) {
	var working sync.WaitGroup
	defer working.Wait()
	working.Go(func() { p.countIfDue(ctx, events()) })
	working.Go(func() { p.compareIfDue(ctx, events()) })
	begin, stop := context.WithDeadline(ctx, until)
	defer stop()
	p.work(ctx, begin, &working)
}

// work works on the orders that are due. It starts no more work once begin has ended.
func (p *Payments) work(ctx, begin context.Context, working *sync.WaitGroup) {
	free := make(chan struct{}, p.workers)
	for range p.workers {
		free <- struct{}{}
	}
	for begin.Err() == nil {
		select { // wait for one worker, not for all of them
		case <-begin.Done():
			return
		case <-free:
			free <- struct{}{}
		}
		if p.startDue(ctx, begin, free, working) {
			continue
		}
		select {
		case <-begin.Done():
		case <-time.After(p.paced(pause)):
		}
	}
}

// startDue starts a goroutine for each due order while there are free workers, and
// reports whether more orders may be due.
func (p *Payments) startDue(ctx, begin context.Context, free chan struct{}, working *sync.WaitGroup) bool {
	limit := len(free) // only this goroutine takes from free
	due, err := p.lease(begin, limit)
	if err != nil && begin.Err() == nil {
		p.log.Error("orders that are due cannot be read; trying again", "error", err)
	}
	for _, r := range due {
		<-free
		working.Go(func() {
			defer func() { free <- struct{}{} }()
			p.attend(ctx, r)
		})
	}
	return len(due) == limit
}

// lease returns orders that are due, and records the greatest delay. A lease does not
// change an order's due time, so the delay of an order that cannot be settled keeps
// growing, such as when its event has left the event file.
func (p *Payments) lease(ctx context.Context, limit int) ([]lockstore.Order, error) {
	due, err := p.orders.Due(ctx, limit, p.paced(Lease))
	now, late := p.clock.now(), time.Duration(p.late.Load())
	for _, r := range due {
		late = max(late, now.Sub(r.Due))
		p.noteDue(r.Event)
	}
	p.late.Store(int64(late)) // a count meanwhile may count it twice, which is harmless
	return due, err
}

// Round works once on some of the orders that are due, and returns their number.
// Failures are logged, and the orders are due again after [Lease].
func (p *Payments) Round(ctx context.Context) (int, error) {
	// Take no more than can start at once: the leases of the others would expire while
	// they wait.
	due, err := p.lease(ctx, p.workers)
	if err != nil {
		return 0, err
	}
	var working sync.WaitGroup
	for _, r := range due {
		working.Go(func() { p.attend(ctx, r) })
	}
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

// Notice reconciles the order that a notice of the provider is about, which
// [Provider.Verify] has checked. Failures are logged: the order is tried again when it
// is due. Notices of the same order that come at the same time share one run.
func (p *Payments) Notice(ctx context.Context, id lockstore.OrderID) {
	err := p.notices.do(ctx, id, func() error {
		_, err := p.Reconcile(ctx, id)
		return err
	})
	switch {
	case errors.Is(err, lockstore.ErrNoOrder):
		p.log.Warn("the provider has sent a notice about an order that the store does not have; it is rebuilt from the provider's sessions", "order", id)
	case err != nil:
		p.log.Warn("an order could not be advanced after a notice; it is tried again", "order", id, "error", err)
	}
}
