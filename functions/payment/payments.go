package payment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"seatlock/lockstore"
)

// A Config configures Payments. Seats, Orders, Provider, Event, Within and Margin are
// required.
type Config struct {
	Seats    lockstore.LockStore
	Orders   lockstore.OrderStore // of the same backend, so that orders last as long as seats
	Provider Provider

	// Event returns an event that is or was on sale. Orders of unknown events wait
	// until Event returns them.
	Event func(lockstore.EventID) (*lockstore.Event, error)

	// Within is how long a buyer has to pay. Margin is how much longer the seats stay
	// locked. It must exceed the time in which a worker notices the payment, which is a
	// few [Lease].
	Within, Margin time.Duration

	// Pace divides the times of the protocol, so that a proof on real stores need not
	// take days. 0 means 1, the pace for buyers. All processes of a store must have the
	// same Pace.
	Pace int

	// Workers is how many orders a process works on at the same time; 0 means
	// [DefaultWorkers]. Workers mostly wait for the provider.
	Workers int

	Log      *slog.Logger         // gets a line for each move; nil is slog.Default()
	Moved    func(from, to Stage) // called for each move; may be nil
	Rebuilt  func()               // called for each order that the store had lost; may be nil
	Compared func(finished bool)  // called for each comparison with the provider; finished is false if it ran out of time; may be nil
	Counted  func(Counts)         // called with the numbers of orders from time to time; if nil, they are not counted
}

// DefaultWorkers is enough to settle 5,000 orders that are due at once within a minute,
// at a provider that answers within 200 ms.
const DefaultWorkers = 64

// Times of the protocol.
const (
	// Lease is the longest time for which a worker has an order to itself, after which
	// another one tries what it did not finish.
	Lease = 20 * time.Second

	runTime       = 15 * time.Second // how long one worker works on an order; less than Lease
	bookingWindow = 30 * time.Second // from the start of an order's booking until its seats may be given back
	clockSkew     = 5 * time.Second  // how far the store's clock may go back in a failover
	pendingPause  = 10 * time.Minute // between two checks of a payment that takes days
	refundPause   = 10 * time.Minute // between two checks of a refund that takes days
	lookPause     = time.Minute      // between two checks whether a buyer has paid
	failedPause   = time.Minute      // after an unexpected answer
	capturePause  = 5 * time.Second  // after the first attempt to capture; the buyer waits

	// MinMargin is the least Config.Margin.
	MinMargin = 3 * Lease

	maxAttempts = 5 // to capture, and to refund
)

// backoff returns the pause after the nth attempt of a call, if the first pause is
// first.
func backoff(first time.Duration, n int) time.Duration { return first << min(2*(n-1), 8) }

// paced converts a time of the protocol to the pace of p.
func (p *Payments) paced(d time.Duration) time.Duration { return d / p.pace }

// by is the name of this package in the journal of an event.
const by = "payment"

// Payments takes orders through the protocol. It is safe for concurrent use, and any
// number of processes may work on the same orders.
type Payments struct {
	seats          lockstore.LockStore
	orders         lockstore.OrderStore
	provider       Provider
	event          func(lockstore.EventID) (*lockstore.Event, error)
	within, margin time.Duration
	pace           time.Duration
	workers        int
	log            *slog.Logger
	moved          func(from, to Stage)
	rebuilt        func()
	comparedWith   func(finished bool)
	counted        func(Counts) // may be nil
	elsewhere      bool         // other processes call the provider
	clock          clock
	listed         listed
	notices        turns
	looks          turns // apart from notices: a browser may end its look, and then a notice would be lost
	looked         looked
	comparePause   pauseTime    // until this process compares again
	countPause     pauseTime    // until it counts again
	late           atomic.Int64 // how late orders were leased since the last count, at most, in nanoseconds
	dueEvents      dueEvents
	newerCounts    atomic.Bool // whether it was logged that a newer program counts
}

// New returns Payments. It fails if the Config is not valid.
func New(c Config) (*Payments, error) {
	pace := time.Duration(max(c.Pace, 1))
	switch {
	case c.Seats == nil || c.Orders == nil || c.Provider == nil || c.Event == nil:
		return nil, errors.New("payment: Config needs Seats, Orders, Provider and Event")
	case c.Within < time.Second || c.Within > lockstore.MaxLockTTL/2:
		return nil, fmt.Errorf("payment: a buyer must have from 1s to %v to pay, not %v", lockstore.MaxLockTTL/2, c.Within)
	case c.Pace < 0:
		return nil, fmt.Errorf("payment: the pace must be 0 or more, not %d", c.Pace)
	case c.Workers < 0 || c.Workers > lockstore.MaxOrders:
		return nil, fmt.Errorf("payment: a process must work on 1 to %d orders at a time, not %d", lockstore.MaxOrders, c.Workers)
	case c.Margin < MinMargin/pace || c.Margin > lockstore.MaxLockTTL/4:
		return nil, fmt.Errorf("payment: the margin after the time to pay must be from %v to %v, not %v", MinMargin/pace, lockstore.MaxLockTTL/4, c.Margin)
	}
	p := &Payments{seats: c.Seats, orders: c.Orders, provider: c.Provider, event: c.Event, within: c.Within, margin: c.Margin,
		pace: pace, workers: cmp.Or(c.Workers, DefaultWorkers), log: cmp.Or(c.Log, slog.Default()), moved: c.Moved, rebuilt: c.Rebuilt, comparedWith: c.Compared, counted: c.Counted}
	_, p.elsewhere = c.Provider.(elsewhere)
	if p.moved == nil {
		p.moved = func(_, _ Stage) {}
	}
	if p.rebuilt == nil {
		p.rebuilt = func() {}
	}
	if p.comparedWith == nil {
		p.comparedWith = func(bool) {}
	}
	return p, nil
}

// CheckEvent fails if locks of the event cannot last until the seats are paid for.
func (p *Payments) CheckEvent(ev *lockstore.Event) error {
	if ev.MaxLock < p.Keeps() {
		return fmt.Errorf("event %s: a lock may last %v at most, but buyers have %v to pay and the seats are kept for %v more; give the event a longer maximum, or buyers less time", ev.ID, ev.MaxLock, p.within, p.margin)
	}
	return nil
}

// Keeps returns how long a checkout keeps seats locked.
func (p *Payments) Keeps() time.Duration { return p.within + p.margin }

// Elsewhere reports whether other processes take the payments. See [Elsewhere].
func (p *Payments) Elsewhere() bool { return p.elsewhere }

// Provider returns the provider of new orders.
func (p *Payments) Provider() Provider { return p.provider }

// Order returns an order, or [lockstore.ErrNoOrder].
func (p *Payments) Order(ctx context.Context, id lockstore.OrderID) (*Order, error) {
	if !isOrder(id) {
		return nil, lockstore.ErrNoOrder
	}
	r, err := p.orders.Order(ctx, id)
	if err != nil {
		return nil, err
	}
	return decode(r)
}

// Reconcile moves an order on as far as possible, and returns it. Call it on any notice
// that something may have changed. If it fails, the order is tried again when it is
// due.
func (p *Payments) Reconcile(ctx context.Context, id lockstore.OrderID) (*Order, error) {
	o, err := p.Order(ctx, id)
	if err != nil {
		return nil, err
	}
	return p.advance(ctx, o)
}

// advance is Reconcile for an order that was just read. It returns the latest known
// state of the order, even if it fails.
func (p *Payments) advance(ctx context.Context, o *Order) (*Order, error) {
	if p.elsewhere {
		return o, nil
	}
	if o.Provider != "" && o.Provider != p.provider.Name() {
		return o, fmt.Errorf("payment: order %s was opened at the provider %s, and this program uses %s; run one that uses %s until its orders have ended", o.Order, o.Provider, p.provider.Name(), o.Provider)
	}
	ctx, cancel := context.WithTimeout(ctx, p.paced(runTime))
	defer cancel()
	if err := p.keepTime(ctx, o.Event); err != nil {
		return o, fmt.Errorf("order %s, %s: the store's time is not known: %w", o.Order, o.Stage, err)
	}
	for range 20 { // no order moves that often; a bug must not occupy a worker forever
		work := row(o.Stage).work
		if work == nil {
			return o, nil
		}
		draft := o.clone()
		n, err := work(&run{p, ctx, draft})
		if errors.Is(err, ErrRefused) {
			draft = o.clone()
			n, err = (&run{p, ctx, draft}).refused(err)
		} else if err == nil {
			draft.Refusals, draft.AskAgain = 0, time.Time{} // the provider answers again
		}
		if err != nil {
			return o, fmt.Errorf("order %s, %s: %w", o.Order, o.Stage, err)
		}
		if n.to == "" {
			return o, nil
		}
		moved, err := p.put(ctx, o.Stage, draft, n, "", false)
		if errors.Is(err, lockstore.ErrOrderChanged) {
			return p.Order(ctx, o.Order) // another worker has changed it
		}
		if err != nil {
			return o, fmt.Errorf("order %s, from %s to %s: %w", o.Order, o.Stage, n.to, err)
		}
		o = moved
		if n.after > 0 || n.rest {
			return o, nil
		}
	}
	return o, fmt.Errorf("payment: order %s moves in a circle: %v", o.Order, o.History)
}

// put moves an order, unless it was changed meanwhile. The draft has the revision that
// was read, and otherwise the new state.
func (p *Payments) put(ctx context.Context, from Stage, draft *Order, n next, asker string, asked bool) (*Order, error) {
	if !allowed(from, n.to, asked) {
		return nil, fmt.Errorf("payment: order %s must not move from %s to %s", draft.Order, from, n.to)
	}
	now := p.clock.now()
	draft.Stage = n.to
	if from == StageOpen && n.to != StageOpen {
		draft.LookAt, draft.Pending = time.Time{}, false
	}
	if from != n.to {
		draft.Refusals, draft.AskAgain = 0, time.Time{}
	}
	if from != n.to || n.why != "" {
		draft.History = append([]Move(nil), draft.History...)
		draft.record(Move{To: n.to, Time: now.UTC().Truncate(time.Millisecond), Why: n.why, By: asker})
	}
	record, err := draft.encode(p.due(draft, now, n.after))
	if err != nil {
		return nil, err
	}
	revision, err := p.orders.Put(ctx, record)
	if err != nil {
		return nil, err
	}
	draft.Revision = revision
	if from != n.to {
		p.moved(from, n.to)
		p.log.Info("order moved", "order", draft.Order, "event", draft.Event, "from", from, "to", n.to, "why", n.why, "by", asker)
	}
	return draft, nil
}

// due returns when a worker next has to look at the order.
func (p *Payments) due(o *Order, now time.Time, after time.Duration) time.Time {
	switch {
	case after > 0:
		return now.Add(after)
	case o.Stage == StageOpen && !o.LookAt.IsZero(): // zero once the order was retried
		if o.PayBefore.Before(o.LookAt) {
			return o.PayBefore
		}
		return o.LookAt
	case o.Stage == StagePaid && o.Moving == nil, o.Stage == StageRefunded:
		return o.LookAt
	case row(o.Stage).work == nil:
		return time.Time{}
	case p.elsewhere:
		return now
	}
	return now.Add(p.paced(Lease / 2)) // the worker that moved it continues at once
}
