package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"seatlock/lockstore"
)

// ErrStage is wrapped by the error of a call that an order's stage does not allow.
var ErrStage = errors.New("payment: the order's stage does not allow this")

func wrongStage(o *Order, what string) error {
	return fmt.Errorf("%w: order %s is %s and cannot be %s", ErrStage, o.Order, o.Stage, what)
}

// ask changes an order as somebody asks. The change is made of the newest order and
// again if that was changed meanwhile; it returns where the order is to move, or "" if
// there is nothing to do.
func (p *Payments) ask(ctx context.Context, id lockstore.OrderID, asker string, change func(*Order) (next, error)) (*Order, error) {
	for range 4 {
		o, err := p.Order(ctx, id)
		if err != nil {
			return nil, err
		}
		draft := o.clone()
		n, err := change(draft)
		if err != nil || n.to == "" {
			return o, err
		}
		moved, err := p.put(ctx, o.Stage, draft, n, asker, true)
		if !errors.Is(err, lockstore.ErrOrderChanged) {
			return moved, err
		}
	}
	return nil, ErrBusy
}

// follow goes on with an order that was moved by hand. If it cannot go far now, a
// worker tries again later, so that is no failure.
func (p *Payments) follow(ctx context.Context, o *Order) *Order {
	advanced, err := p.advance(ctx, o)
	if err != nil {
		p.log.Warn("an order could not be advanced at once", "order", o.Order, "error", err)
	}
	if advanced == nil {
		return o
	}
	return advanced
}

// Close gives up an order that its buyer has not paid, so that nobody can pay for it
// any more. It does nothing if the order is being given back or has ended without
// money. It fails with [ErrStage] if the order is paid.
func (p *Payments) Close(ctx context.Context, id lockstore.OrderID, asker string) (*Order, error) {
	o, err := p.ask(ctx, id, asker, func(o *Order) (next, error) {
		switch o.Stage {
		case StageOpening, StageOpen:
			o.startGiving(o.Seats, o.Amount, false)
			return next{to: StageGivingBack, why: "the buyer has given up"}, nil
		case StageGivingBack, StageClosed, StageRefunded:
			return next{}, nil
		case StageNeedsPerson:
			if o.Stuck == StageOpen { // a person might try it again otherwise, and she would pay
				o.Stuck = StageGivingBack
				return next{to: o.tryAgain(), why: "the buyer has given up"}, nil
			}
		}
		return next{}, wrongStage(o, "given up")
	})
	if err != nil {
		return o, err
	}
	return p.follow(ctx, o), nil
}

// Retry tries again what an order that needs a person could not do: to give it back, or
// to go on where the provider refused to answer. After a refund that the store has lost,
// the buyer keeps the seats.
func (p *Payments) Retry(ctx context.Context, id lockstore.OrderID, asker string) (*Order, error) {
	o, err := p.ask(ctx, id, asker, func(o *Order) (next, error) {
		switch o.Stage {
		case StageGivingBack, StageClosed, StageRefunded:
			return next{}, nil
		case StageNeedsPerson:
			return next{to: o.tryAgain(), why: "tried again"}, nil
		}
		return next{}, wrongStage(o, "tried again")
	})
	if err != nil {
		return o, err
	}
	return p.follow(ctx, o), nil
}

// tryAgain returns the stage in which an order that needs a person is tried again. A
// refund gets further keys. An earlier attempt may yet take effect, so it stays one of
// the attempts.
func (o *Order) tryAgain() Stage {
	stuck := o.Stuck
	o.Stuck, o.Refusals, o.AskAgain = "", 0, time.Time{}
	switch stuck {
	case "":
		o.Refunds++
		o.Give.Tried = 0
	case StageGivingBack:
	case StagePaid: // the buyer keeps the seats
		o.Give, o.Lost = nil, 0
		if o.KeepsSeats = o.Refunded >= o.Amount; o.KeepsSeats {
			return StageRefunded
		}
		return stuck
	default:
		o.Give = nil
		return stuck
	}
	return StageGivingBack
}

// CancelEvent begins to give back every order of an event that is not given back yet,
// and returns how many it has moved. An order of which a part is being given back gives
// back the rest afterwards, and one that needs a person is tried again. CancelEvent
// goes through the orders after the given id, and returns the last one that it has
// finished: with that, a call goes on where one that failed has stopped. Orders that
// cannot be read or moved do not stop it, and make the error an [*OrdersError] if it came
// to the end. Take the event off the sale first.
func (p *Payments) CancelEvent(ctx context.Context, event lockstore.EventID, after lockstore.OrderID, asker string) (moved int, last lockstore.OrderID, err error) {
	last = after
	var failed OrdersError
	for more := true; more; {
		var page []*Order
		if page, last, more, err = p.page(ctx, event, last, &failed); err != nil {
			return moved, last, errors.Join(err, failed.err())
		}
		for _, o := range page {
			if !o.Stage.Unsettled() && o.Stage != StagePaid && !o.KeepsSeats {
				continue
			}
			_, began, err := p.refund(ctx, Refunding{Order: o.Order, By: asker, Why: "the event was cancelled"})
			switch {
			case err != nil && ctx.Err() != nil:
				return moved, before(page, o, after), errors.Join(err, failed.err())
			case err != nil:
				failed.add(fmt.Errorf("order %s: %w", o.Order, err))
			case began:
				moved++
			}
			after = o.Order
		}
	}
	return moved, last, failed.err()
}

// before returns the id before an order of a page, or the given one for the first.
func before(page []*Order, o *Order, first lockstore.OrderID) lockstore.OrderID {
	if at := slices.Index(page, o); at > 0 {
		return page[at-1].Order
	}
	return first
}

// Orders returns the next orders of an event by ascending id, after the given one, and
// whether there may be more. It leaves out records that this program cannot read, and
// logs them.
func (p *Payments) Orders(ctx context.Context, event lockstore.EventID, after lockstore.OrderID) ([]*Order, bool, error) {
	for {
		var unread OrdersError
		page, last, more, err := p.page(ctx, event, after, &unread)
		if unread.Count > 0 {
			p.log.Error("some orders are left out of a list", "event", event, "error", &unread)
		}
		if err != nil || len(page) > 0 || !more {
			return page, more, err
		}
		after = last
	}
}

// page is Orders with the last id that it has come to. It adds records that cannot be read
// to failed.
func (p *Payments) page(ctx context.Context, event lockstore.EventID, after lockstore.OrderID, failed *OrdersError) (page []*Order, last lockstore.OrderID, more bool, err error) {
	records, err := p.orders.Orders(ctx, event, after)
	if err != nil {
		return nil, after, false, err
	}
	last = after
	for _, r := range records {
		if !isOrder(r.ID) {
			return page, last, false, nil // pointers come last
		}
		last = r.ID
		if o, err := decode(r); err != nil {
			failed.add(err)
		} else {
			page = append(page, o)
		}
	}
	return page, last, len(records) > 0, nil
}
