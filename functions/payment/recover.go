package payment

import (
	"context"
	"errors"
	"slices"
	"time"

	"seatlock/lockstore"
)

const (
	comparePause = 10 * time.Minute // between two comparisons
	recent       = 26 * time.Hour   // what a comparison with the provider looks back: a session lasts a day at most
)

// The record of the last comparison, so that processes share them.
const (
	comparisonID    lockstore.OrderID = "last.comparison"
	comparisonEvent lockstore.EventID = "seatlock.payment"
)

// compare does the comparisons that are due, if no other process does.
func (p *Payments) compare(ctx context.Context, events func() []lockstore.EventID) {
	if !p.mayCompare(ctx) {
		return
	}
	if err := p.Recover(ctx, time.Now().Add(-recent)); err != nil && ctx.Err() == nil {
		p.log.Error("the provider's sessions could not be compared with the orders; trying again later", "error", err)
	}
	for _, id := range events() {
		if err := p.Audit(ctx, id); err != nil && ctx.Err() == nil {
			p.log.Error("paid orders could not be compared with the roster; trying again later", "event", id, "error", err)
		}
	}
}

// mayCompare reports whether this process is the one to compare now. The last time is
// in a record which is compared and set.
func (p *Payments) mayCompare(ctx context.Context) bool {
	if now := time.Now(); now.Before(time.UnixMilli(p.compared.Load())) {
		return false
	}
	p.compared.Store(time.Now().Add(comparePause).UnixMilli())
	r, err := p.orders.Order(ctx, comparisonID)
	if errors.Is(err, lockstore.ErrNoOrder) {
		r, err = lockstore.Order{ID: comparisonID, Event: comparisonEvent}, nil
	}
	if err != nil {
		return false
	}
	now := p.clock.now()
	if last, err := time.Parse(time.RFC3339, string(r.Body)); err == nil && now.Sub(last).Abs() < comparePause-pause {
		return false
	}
	r.Body = now.UTC().AppendFormat(nil, time.RFC3339)
	_, err = p.orders.Put(ctx, r)
	return err == nil
}

// Recover compares the sessions that the provider has opened since then with the
// orders. It rebuilds orders that the store has lost, and gives back money that the
// provider has taken for orders that have ended.
func (p *Payments) Recover(ctx context.Context, since time.Time) error {
	for found, err := range p.provider.Recent(ctx, since) {
		if err != nil {
			return err
		}
		if err := p.recover(ctx, found); err != nil && !errors.Is(err, lockstore.ErrOrderChanged) {
			return err
		}
	}
	return nil
}

func (p *Payments) recover(ctx context.Context, found Payment) error {
	o, err := p.Order(ctx, found.Terms.Order)
	switch {
	case errors.Is(err, lockstore.ErrNoOrder):
		return p.rebuild(ctx, found)
	case err != nil:
		return err
	case o.Stage != StageClosed && o.Stage != StageRefunded || found.State == Void || found.State == Pending:
		return nil
	}
	if o.Stage == StageRefunded || found.State == Captured {
		back, err := p.provider.Refunds(ctx, found.ID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(back, func(f Refund) bool { return f.State != RefundFailed }) {
			return nil
		}
	}
	moved, err := p.ask(ctx, o.Order, by, func(o *Order) (next, error) {
		if o.Stage != StageClosed && o.Stage != StageRefunded {
			return next{}, nil
		}
		o.Provider, o.Session, o.Payment = p.provider.Name(), found.Session, found.ID
		o.Amount, o.Currency, o.Refunded = found.Terms.Amount, found.Terms.Currency, 0
		if len(o.Seats) == 0 {
			o.Seats = found.Terms.Seats
		}
		o.startGiving(o.Seats, o.Amount, len(o.Kept) > 0)
		return next{to: StageGivingBack, why: "the order has ended, but the payment is " + string(found.State)}, nil
	})
	if err != nil {
		return err
	}
	p.follow(ctx, moved)
	return nil
}

// rebuild stores an order that only the provider has. If anything of it was paid back,
// the order was given up before it was lost, and must not book.
func (p *Payments) rebuild(ctx context.Context, found Payment) error {
	o := &Order{Terms: found.Terms, Stage: StageOpen, Provider: p.provider.Name(), Session: found.Session, Payment: found.ID}
	why := "rebuilt from the provider's session"
	if found.State == Captured {
		back, err := p.provider.Refunds(ctx, found.ID)
		if err != nil {
			return err
		}
		for _, f := range back {
			if f.State != RefundFailed {
				o.Refunded += f.Amount
			}
		}
		if len(back) > 0 {
			o.Stage = StageGivingBack
			why += "; it was being given back"
		}
		if o.Refunded > 0 && o.Refunded < o.Amount {
			o.Stage = StageNeedsPerson
			why += " in part, and which seats that was for is not known"
		}
		if len(back) > 0 {
			o.Refunds = maxAttempts * 2 // which keys were used is not known
			o.startGiving(o.Seats, o.Amount-o.Refunded, false)
			o.Give.First = 1
		}
	}
	// A booking window of the lost order may still be open.
	o.BookBefore = p.clock.now().Add(bookingWindow).Truncate(time.Millisecond)
	o.record(Move{To: o.Stage, Time: p.clock.now().UTC().Truncate(time.Millisecond), Why: why, By: by})
	record, err := o.encode(p.clock.now())
	if err != nil {
		return err
	}
	if o.Revision, err = p.orders.Put(ctx, record); err != nil {
		return err
	}
	p.moved("", o.Stage)
	p.log.Warn("an order that the store had lost was rebuilt", "order", o.Order, "event", o.Event, "stage", o.Stage)
	p.follow(ctx, o)
	return nil
}

// Audit compares the paid orders of an event with the roster. Seats that the store has
// lost are booked again; if others have them, the order needs a person.
func (p *Payments) Audit(ctx context.Context, event lockstore.EventID) error {
	ev, err := p.event(event)
	if err != nil {
		return err
	}
	var lost []lockstore.OrderID
	refs := make(map[lockstore.SeatID]lockstore.Ref)
	_, all := p.seats.Roster(ctx, ev, lockstore.Filter{})
	for h, err := range all {
		if err != nil {
			return err
		}
		if h.Status == lockstore.Booked {
			refs[h.Seat] = h.Ref
		}
	}
	for last, more := lockstore.OrderID(""), true; more; {
		var page []*Order
		if page, more, err = p.Orders(ctx, event, last); err != nil {
			return err
		}
		for _, o := range page {
			last = o.Order
			missing := func(s lockstore.SeatID) bool { return refs[s] != o.ref() }
			if o.Stage == StagePaid && o.Moving == nil && slices.ContainsFunc(o.Seats, missing) {
				lost = append(lost, o.Order)
			}
		}
	}
	for _, id := range lost {
		if err := p.retake(ctx, ev, id); err != nil {
			return err
		}
	}
	return nil
}

// retake books the seats of a paid order again if they are not booked. The roster was
// read before the order, so an order that was paid meanwhile is looked at again.
func (p *Payments) retake(ctx context.Context, ev *lockstore.Event, id lockstore.OrderID) error {
	o, err := p.ask(ctx, id, by, func(o *Order) (next, error) {
		if o.Stage != StagePaid || o.Moving != nil {
			return next{}, nil
		}
		r := &run{p, ctx, o}
		there, err := r.booked(ev)
		if err != nil || there == len(o.Seats) {
			return next{}, err
		}
		o.Retake = true
		r.openWindow()
		return next{to: StageBooking, why: "the store has lost the seats, which are booked again"}, nil
	})
	if err != nil {
		return err
	}
	p.follow(ctx, o)
	return nil
}
