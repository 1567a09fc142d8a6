package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
		draft := *o
		n, err := change(&draft)
		if err != nil || n.to == "" {
			return o, err
		}
		moved, err := p.put(ctx, o.Stage, &draft, n, asker, true)
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
		}
		return next{}, wrongStage(o, "given up")
	})
	if err != nil {
		return o, err
	}
	return p.follow(ctx, o), nil
}

// A Refunding is what an operator wants to give back of an order.
type Refunding struct {
	Order  lockstore.OrderID
	Seats  []lockstore.SeatID // empty: the whole order
	Amount int64              // 0: what the seats cost, or all that is left
	Keep   bool               // the buyer keeps the seats
	By     string             // the operator
	Why    string
}

// Refund gives back an order, or some of its seats if it is paid. What was given back
// before is not given back again, so a repeat is safe. The money may take days: the
// order says how far it is. It fails with [ErrStage] if another part is being given
// back.
func (p *Payments) Refund(ctx context.Context, f Refunding) (*Order, error) {
	o, err := p.ask(ctx, f.Order, f.By, func(o *Order) (next, error) {
		n := next{to: StageGivingBack, why: f.Why}
		rest := o.Amount - o.Refunded
		switch o.Stage {
		case StageClosed, StageRefunded:
			return next{}, nil
		case StageGivingBack, StageNeedsPerson:
			if f.Seats == nil || sameSeats(f.Seats, o.Give.Seats) {
				return next{}, nil
			}
			return next{}, wrongStage(o, "refunded in part")
		case StagePaid:
		default:
			if f.Seats != nil || f.Keep {
				return next{}, wrongStage(o, "refunded in part")
			}
			o.startGiving(o.Seats, rest, false)
			return n, nil
		}
		if f.Seats == nil {
			if f.Amount > rest {
				return next{}, tooMuch(o, f.Amount)
			}
			amount := f.Amount
			if amount == 0 {
				amount = rest
			}
			o.startGiving(o.Seats, amount, f.Keep)
			return n, nil
		}
		return o.refundPart(f, n)
	})
	if err != nil {
		return o, err
	}
	return p.follow(ctx, o), nil
}

// refundPart begins to give back some seats of a paid order.
func (o *Order) refundPart(f Refunding, n next) (next, error) {
	var seats []lockstore.SeatID
	for _, seat := range f.Seats { // those that were not refunded yet
		if slices.Contains(o.Seats, seat) && !(f.Keep && slices.Contains(o.Kept, seat)) {
			seats = append(seats, seat)
		}
	}
	if len(seats) == 0 {
		return next{}, nil
	}
	if o.Moving != nil {
		return next{}, wrongStage(o, "refunded while its seats are being moved")
	}
	amount := f.Amount
	if amount == 0 {
		for _, seat := range seats {
			price, known := o.Price(seat)
			switch {
			case !known:
				return next{}, &lockstore.InvalidError{Problem: fmt.Sprintf("the bill of order %s does not say what seat %s costs; give the amount", o.Order, seat)}
			case !slices.Contains(o.Kept, seat): // its money was given back before
				amount += price
			}
		}
	}
	if amount > o.Amount-o.Refunded {
		return next{}, tooMuch(o, amount)
	}
	o.startGiving(seats, amount, f.Keep)
	return n, nil
}

func tooMuch(o *Order, amount int64) error {
	return &lockstore.InvalidError{Problem: fmt.Sprintf("%d cannot be paid back of order %s: of %d, %d were paid back already", amount, o.Order, o.Amount, o.Refunded)}
}

// Retry tries again to give back an order that needs a person.
func (p *Payments) Retry(ctx context.Context, id lockstore.OrderID, asker string) (*Order, error) {
	o, err := p.ask(ctx, id, asker, func(o *Order) (next, error) {
		switch o.Stage {
		case StageGivingBack, StageClosed, StageRefunded:
			return next{}, nil
		case StageNeedsPerson:
			o.startGiving(o.Give.Seats, o.Give.Amount, o.Give.Keep)
			return next{to: StageGivingBack, why: "tried again"}, nil
		}
		return next{}, wrongStage(o, "tried again")
	})
	if err != nil {
		return o, err
	}
	return p.follow(ctx, o), nil
}

// Move moves booked seats of a paid order to others. It is safe to repeat. The error
// is that of [lockstore.KindMove], or [ErrStage].
func (p *Payments) Move(ctx context.Context, id lockstore.OrderID, seats, to []lockstore.SeatID, asker string) (*Order, error) {
	done := false
	o, err := p.ask(ctx, id, asker, func(o *Order) (next, error) {
		done = false
		switch {
		case o.Stage != StagePaid:
			return next{}, wrongStage(o, "moved")
		case o.Moving != nil && slices.Equal(o.Moving.Seats, seats) && slices.Equal(o.Moving.To, to):
			return next{}, nil
		case o.Moving != nil:
			return next{}, wrongStage(o, "moved while it is being moved")
		case len(without(to, o.Seats)) == 0 && len(without(seats, o.Seats)) == len(seats):
			done = true
			return next{}, nil
		case len(without(seats, o.Seats)) > 0:
			conflict := &lockstore.ConflictError{Reason: lockstore.NotBooked}
			for _, seat := range without(seats, o.Seats) {
				conflict.Seats = append(conflict.Seats, lockstore.Seat{ID: seat})
			}
			return next{}, conflict
		}
		o.Moving = &Moving{Seats: slices.Clone(seats), To: slices.Clone(to), By: asker}
		return next{to: StagePaid}, nil
	})
	if err != nil || done {
		return o, err
	}
	ev, err := p.event(o.Event)
	if err != nil {
		return o, err
	}
	draft := *o
	moving := draft.Moving
	moveErr := (&run{p, ctx, &draft}).moveSeats(ev)
	if unknown(moveErr) {
		return o, moveErr // a worker finishes it
	}
	moved, err := p.put(ctx, StagePaid, &draft, next{to: StagePaid, why: movedWhy(moving, moveErr)}, asker, true)
	if moveErr != nil {
		return o, moveErr
	}
	if errors.Is(err, lockstore.ErrOrderChanged) {
		return p.Order(ctx, id) // a worker was faster
	}
	return moved, err
}

// CancelEvent begins to give back every order of an event that is not given back yet,
// and returns how many it has moved. It goes through the orders after the given id,
// and returns the last one that it has finished: with that, a call goes on where one
// that failed has stopped. Take the event off the sale first.
func (p *Payments) CancelEvent(ctx context.Context, event lockstore.EventID, after lockstore.OrderID, asker string) (moved int, last lockstore.OrderID, err error) {
	last = after
	for {
		page, more, err := p.Orders(ctx, event, last)
		if err != nil {
			return moved, last, err
		}
		for _, o := range page {
			if o.Stage.Live() || o.Stage == StagePaid {
				if _, err := p.Refund(ctx, Refunding{Order: o.Order, By: asker, Why: "the event was cancelled"}); err != nil {
					return moved, last, err
				}
				moved++
			}
			last = o.Order
		}
		if !more {
			return moved, last, nil
		}
	}
}

// Orders returns the next orders of an event by ascending id, after the given one, and
// whether there may be more.
func (p *Payments) Orders(ctx context.Context, event lockstore.EventID, after lockstore.OrderID) ([]*Order, bool, error) {
	records, err := p.orders.Orders(ctx, event, after)
	if err != nil {
		return nil, false, err
	}
	var page []*Order
	for _, r := range records {
		if !isOrder(r.ID) {
			return page, false, nil // pointers come last
		}
		o, err := decode(r)
		if err != nil {
			return page, false, err
		}
		page = append(page, o)
	}
	return page, len(records) > 0, nil
}
