package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"seatlock/lockstore"
)

// MaxRebuilt is the most orders that one comparison rebuilds. More are likely a mistake,
// such as a store that another installation's has taken the place of.
const MaxRebuilt = 500

// errUnfinished is the error of a comparison that did not come to the provider's last
// session.
var errUnfinished = errors.New("payment: not every session of the provider was compared")

// Recover compares the sessions that the provider has opened since then with the
// orders. It rebuilds orders that the store has lost, and gives back money that the
// provider has taken for orders that have ended. A session that cannot be compared does
// not stop it, and is named by the error; so is how many orders are missing after
// [MaxRebuilt] were rebuilt.
func (p *Payments) Recover(ctx context.Context, since time.Time) error {
	var failed OrdersError
	rebuilt, missing := 0, 0
	for found, err := range p.provider.Recent(ctx, since) {
		if err != nil {
			return errors.Join(errUnfinished, err, failed.err())
		}
		err := p.recover(ctx, found)
		if errors.Is(err, lockstore.ErrNoOrder) {
			if found.Nameless {
				continue
			}
			if rebuilt == MaxRebuilt {
				missing++
				continue
			}
			rebuilt++
			err = p.rebuild(ctx, found)
		}
		if err != nil && !errors.Is(err, lockstore.ErrOrderChanged) {
			failed.add(fmt.Errorf("order %s: %w", found.Terms.Order, err))
		}
		if ctx.Err() != nil {
			return errors.Join(errUnfinished, ctx.Err(), failed.err())
		}
	}
	if missing > 0 {
		return errors.Join(failed.err(), fmt.Errorf("payment: the store has lost %d orders; %d were rebuilt, and the others wait for the next comparison: check that this is the store of this installation, since another one's orders must not be taken over", rebuilt+missing, rebuilt))
	}
	return failed.err()
}

// recover compares one session with its order. It fails with [lockstore.ErrNoOrder] if
// the store does not have that.
func (p *Payments) recover(ctx context.Context, found Payment) error {
	o, err := p.Order(ctx, found.Terms.Order)
	switch {
	case err != nil:
		return err
	case o.Session == found.Session && (o.Stage == StageRefunded || o.Stage == StagePaid && found.Back > o.Refunded):
		_, err := p.advance(ctx, o) // compares what was paid back
		return err
	case o.Stage != StageClosed && o.Stage != StageRefunded || found.State == Void || found.State == Pending:
		return nil
	}
	var back []Refund
	if found.State == Captured {
		if back, err = p.provider.Refunds(ctx, found.ID); err != nil {
			return err
		}
	}
	moved, err := p.ask(ctx, o.Order, by, func(o *Order) (next, error) {
		if o.Stage != StageClosed && o.Stage != StageRefunded {
			return next{}, nil
		}
		sum, outside := o.paidBack(back)
		if found.State == Captured && sum >= found.Terms.Amount {
			return next{}, nil
		}
		o.Provider, o.Session, o.Payment = p.provider.Name(), found.Session, found.ID
		o.Amount, o.Currency, o.Refunded, o.Outside = found.Terms.Amount, found.Terms.Currency, sum, outside
		if len(o.Seats) == 0 {
			o.Seats = found.Terms.Seats
		}
		// The store may have forgotten a booking that is still on its way.
		(&run{p, ctx, o}).openWindow(p.paced(bookingWindow))
		o.startGiving(o.Seats, o.Amount-sum, o.KeepsSeats)
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
		o.Refunds = maxAttempts * 2 // which keys were used is not known
		o.Refunded, o.Outside = o.paidBack(back)
		if len(back) > 0 {
			o.Stage = StageGivingBack
			why += "; it was being given back"
		}
		if o.Refunded > 0 && o.Refunded < o.Amount {
			o.Stage = StageNeedsPerson
			why += " in part, and which seats that was for is not known"
		}
		if len(back) > 0 {
			o.startGiving(o.Seats, o.Amount-o.Refunded, false)
		}
	}
	if err := p.keepTime(ctx, o.Event); err != nil {
		return err
	}
	// A booking window of the lost order may still be open.
	o.BookBefore = p.clock.now().Add(p.paced(bookingWindow)).Truncate(time.Millisecond)
	o.record(Move{To: o.Stage, Time: p.clock.now().UTC().Truncate(time.Millisecond), Why: why, By: by})
	record, err := o.encode(p.clock.now())
	if err != nil {
		return err
	}
	if o.Revision, err = p.orders.Put(ctx, record); err != nil {
		return err
	}
	p.moved("", o.Stage)
	p.rebuilt()
	p.log.Warn("an order that the store had lost was rebuilt", "order", o.Order, "event", o.Event, "stage", o.Stage)
	p.follow(ctx, o)
	return nil
}

// Audit compares the orders of an event with the roster. Seats of a paid order that the
// store has lost are booked again; if others have them, the order needs a person. Seats
// that are booked for an order which does not have them are given back. An order that
// cannot be compared does not stop Audit, and is named by the error.
func (p *Payments) Audit(ctx context.Context, event lockstore.EventID) error {
	ev, err := p.event(event)
	if err != nil {
		return err
	}
	booked := make(map[lockstore.Ref][]lockstore.SeatID)
	_, all := p.seats.Roster(ctx, ev, lockstore.Filter{})
	for h, err := range all {
		if err != nil {
			return err
		}
		if h.Status == lockstore.Booked && h.Ref != "" {
			booked[h.Ref] = append(booked[h.Ref], h.Seat)
		}
	}
	var failed OrdersError
	for last, more := lockstore.OrderID(""), true; more; {
		var page []*Order
		var err error
		if page, last, more, err = p.page(ctx, event, last, &failed); err != nil {
			return errors.Join(err, failed.err())
		}
		for _, o := range page {
			has := booked[o.ref()]
			if o.Moving == nil && o.Stage == StagePaid && len(without(o.Seats, has)) > 0 {
				failed.add(p.retake(ctx, ev, o.Order))
			}
			if len(o.stray(has)) > 0 {
				failed.add(p.giveStray(ctx, ev, o.Order, has))
			}
		}
	}
	return failed.err()
}

// stray returns those of the seats booked for the order that it does not have. There
// are none while that may still change.
func (o *Order) stray(booked []lockstore.SeatID) []lockstore.SeatID {
	switch {
	case o.Moving != nil:
		return nil
	case o.Stage == StagePaid, o.Stage == StageRefunded && o.KeepsSeats:
		return without(booked, o.Seats)
	case o.Stage == StageClosed, o.Stage == StageRefunded:
		return booked
	}
	return nil
}

// giveStray gives back those of the seats that are booked for the order and are not
// its own. The roster was read before the order, so both are read again.
func (p *Payments) giveStray(ctx context.Context, ev *lockstore.Event, id lockstore.OrderID, seats []lockstore.SeatID) error {
	o, err := p.ask(ctx, id, by, func(o *Order) (next, error) {
		r := &run{p, ctx, o}
		var stray []lockstore.SeatID
		for _, seat := range o.stray(seats) {
			there, err := r.booked(ev, []lockstore.SeatID{seat})
			if err != nil {
				return next{}, err
			}
			if there > 0 {
				stray = append(stray, seat)
			}
		}
		if len(stray) == 0 {
			return next{}, nil
		}
		ended := o.Stage != StagePaid
		o.startGiving(stray, 0, false)
		o.Give.Ended = ended
		return next{to: StageGivingBack, why: fmt.Sprintf("seats were booked for the order that are not its own: %s", stray)}, nil
	})
	if err != nil {
		return fmt.Errorf("order %s: %w", id, err)
	}
	p.follow(ctx, o)
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
		there, err := r.booked(ev, o.Seats)
		if err != nil || there == len(o.Seats) {
			return next{}, err
		}
		o.Retake = true
		r.openWindow(p.paced(bookingWindow))
		return next{to: StageBooking, why: "the store has lost the seats, which are booked again"}, nil
	})
	if err != nil {
		return fmt.Errorf("order %s: %w", id, err)
	}
	p.follow(ctx, o)
	return nil
}
