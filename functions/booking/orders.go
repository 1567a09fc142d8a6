package booking

import (
	"context"
	"errors"
	"slices"

	"seatlock/functions/payment"
	"seatlock/functions/problem"
	"seatlock/lockstore"
)

// How the calls that change seats affect orders. From checkout on, seats change only
// through their order.

// closeOrder closes the buyer's payment for any of the seats before they are released.
func closeOrder(ctx context.Context, a *API, c *change) (bool, error) {
	o, err := a.payments.Latest(ctx, c.ev.ID, c.op.User)
	if errors.Is(err, lockstore.ErrNoOrder) || err == nil && (!o.Live() || !overlap(o.Seats, c.op.Seats)) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = a.payments.Close(ctx, o.Order, c.by.By())
	return false, orderRefusal(err, o)
}

// closeOrders closes the payments for locks that an operator ends. A buyer who has paid
// meanwhile gets the seats if they are still free.
func closeOrders(ctx context.Context, a *API, c *change) (bool, error) {
	_, all := a.store.Roster(ctx, c.on, lockstore.Filter{Seats: c.op.Seats})
	var users []lockstore.UserID
	for h, err := range all {
		if err != nil {
			return false, err
		}
		if h.Status == lockstore.Locked && (c.op.User == "" || c.op.User == h.User) && !slices.Contains(users, h.User) {
			users = append(users, h.User)
		}
	}
	for _, user := range users {
		o, err := a.payments.Latest(ctx, c.ev.ID, user)
		if errors.Is(err, lockstore.ErrNoOrder) || err == nil && (!o.Live() || !overlap(o.Seats, c.op.Seats)) {
			continue
		}
		if err != nil {
			return false, err
		}
		if _, err := a.payments.Close(ctx, o.Order, c.by.By()); err != nil {
			return false, orderRefusal(err, o)
		}
	}
	return false, nil
}

// closeOrdersOnBlock is closeOrders for a block that ends locks.
func closeOrdersOnBlock(ctx context.Context, a *API, c *change) (bool, error) {
	if !c.op.Blocked {
		return false, nil
	}
	return closeOrders(ctx, a, c)
}

// cancelNoOrder refuses to cancel seats that an order paid for: they need a refund.
func cancelNoOrder(ctx context.Context, a *API, c *change) (bool, error) {
	orders, err := a.ordersOf(ctx, c)
	if err != nil || len(orders) == 0 {
		return false, err
	}
	return false, problem.Refuse(problem.OrderPaid, "Order %s paid for %s. Use POST /refund, which gives the money back, too.", orders[0].Order, seatList(orders[0].Seats))
}

// moveOrder moves seats that an order paid for, and records that in the order.
func moveOrder(ctx context.Context, a *API, c *change) (bool, error) {
	orders, err := a.ordersOf(ctx, c)
	switch {
	case err != nil || len(orders) == 0:
		return false, err
	case len(orders) > 1:
		return false, problem.Refuse(problem.BadRequest, "The seats belong to orders %s and %s. Move those of one order at a time.", orders[0].Order, orders[1].Order)
	}
	o := orders[0]
	if c.op.User != "" && c.op.User != o.User {
		return false, nil // the store refuses it
	}
	_, err = a.payments.Move(ctx, o.Order, c.op.Seats, c.op.To, c.by.By())
	switch {
	case errors.Is(err, payment.ErrBusy):
		return false, problem.Refuse(problem.OrderChanged, "Seats of order %s are being booked or moved. Try again in a minute.", o.Order)
	case errors.Is(err, payment.ErrStage):
		return false, orderRefusal(err, o)
	}
	return true, a.explain(err, &verb{kind: c.op.Kind}, c)
}

// ordersOf returns the orders to which the bookings of the change belong, by its
// reference or else by its seats.
func (a *API) ordersOf(ctx context.Context, c *change) ([]*payment.Order, error) {
	refs := []lockstore.Ref{c.op.Ref}
	if c.op.Ref == "" {
		refs = nil
		_, all := a.store.Roster(ctx, c.on, lockstore.Filter{Seats: c.op.Seats})
		for h, err := range all {
			if err != nil {
				return nil, err
			}
			if h.Status == lockstore.Booked && h.Ref != "" && !slices.Contains(refs, h.Ref) && (c.op.User == "" || c.op.User == h.User) {
				refs = append(refs, h.Ref)
			}
		}
	}
	var orders []*payment.Order
	for _, ref := range refs {
		o, err := a.payments.Order(ctx, lockstore.OrderID(ref))
		if errors.Is(err, lockstore.ErrNoOrder) || err == nil && o.Event != c.ev.ID {
			continue // the reference belongs to another system
		}
		if err != nil {
			return nil, err
		}
		orders = append(orders, o)
	}
	return orders, nil
}

func overlap(a, b []lockstore.SeatID) bool {
	return slices.ContainsFunc(a, func(s lockstore.SeatID) bool { return slices.Contains(b, s) })
}

// orderRefusal turns an error about an order into a Refusal, and returns other errors
// unchanged.
func orderRefusal(err error, o *payment.Order) error {
	if other, ok := errors.AsType[*payment.OtherOrderError](err); ok {
		return problem.Refuse(problem.OrderChanged, "This user is paying for %s already, in order %s. Pay for that first, or release its seats.", seatList(other.Order.Seats), other.Order.Order)
	}
	switch {
	case errors.Is(err, payment.ErrShortLock):
		return problem.Refuse(problem.OrderChanged, "The seats were locked so long ago that they cannot be kept until they are paid for. Release them and lock them again.")
	case errors.Is(err, payment.ErrBusy):
		return problem.Refuse(problem.OrderChanged, "The order was changed at the same time. Try again.")
	case errors.Is(err, payment.ErrNotCompared):
		return &problem.Refusal{Kind: problem.PaymentUnavailable, Err: err,
			Detail: "The payment provider does not say what was paid back of the order before, so no part of it can be refunded now. Nothing has changed. Send the same request again."}
	case errors.Is(err, payment.ErrStage) && o != nil && o.Stuck == payment.StagePaid:
		return problem.Refuse(problem.OrderChanged, "A part of order %s was paid back, and the store has lost for which seats. Send that refund again first, which pays nothing twice; or retry the order, and the buyer keeps the seats.", o.Order)
	case errors.Is(err, payment.ErrStage) && o != nil:
		switch o.Stage {
		case payment.StageGivingBack, payment.StageNeedsPerson, payment.StageClosed, payment.StageRefunded:
			return problem.Refuse(problem.OrderChanged, "Order %s has the state %s, which does not allow this.", o.Order, o.Stage)
		}
		return problem.Refuse(problem.OrderPaid, "Order %s is paid: %s can be given back with a refund only.", o.Order, seatList(o.Seats))
	}
	return err
}
