package paymenttest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"seatlock/functions/payment"
	"seatlock/lockstore"
)

// Errors that [World.Check] finds.
var (
	ErrCharged  = errors.New("money is kept without every seat")
	ErrNotPaid  = errors.New("seats are booked without money")
	ErrTwice    = errors.New("it was charged or paid back twice")
	ErrNotEnded = errors.New("it has not ended, or not as it says")
)

// Check returns all orders and an error for each wrong one, joined, that wraps one of
// those above. All faults must have ended, and every order must have had time to end.
func (w *World) Check(ctx context.Context) (all []*payment.Order, wrong error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	money := w.Bank.Balances()
	for _, ev := range w.events() {
		orders, booked, err := w.read(ctx, ev)
		if err != nil {
			return all, err
		}
		all = append(all, orders...)
		for _, o := range orders {
			if err := checkOrder(o, money[o.Order], booked[o.Order]); err != nil {
				bad("order %s (%s): %w; its history is %+v, its money %+v", o.Order, o.Stage, err, o.History, money[o.Order])
			}
			delete(money, o.Order)
			delete(booked, o.Order)
		}
		for id, seats := range booked {
			bad("%w: %s, for %s, which is no order", ErrNotPaid, seats, id)
		}
	}
	for id, m := range money {
		if m.State != payment.Void && m.Kept() != 0 {
			bad("%w: the store does not have order %s, and its money is %+v", ErrCharged, id, m)
		}
	}
	return all, errors.Join(errs...)
}

// read returns the orders of an event, and the seats that are booked for each.
func (w *World) read(ctx context.Context, ev *lockstore.Event) (all []*payment.Order, booked map[lockstore.OrderID][]lockstore.SeatID, err error) {
	reader, err := payment.New(payment.Config{Seats: w.Seats, Orders: w.Orders, Provider: w.Bank, Within: Within, Margin: Margin, Event: w.event})
	if err != nil {
		return nil, nil, err
	}
	booked = make(map[lockstore.OrderID][]lockstore.SeatID)
	_, roster := w.Seats.Roster(ctx, ev, lockstore.Filter{})
	for h, err := range roster {
		if err != nil {
			return nil, nil, err
		}
		if h.Status == lockstore.Booked && h.Ref != "" {
			id := lockstore.OrderID(h.Ref)
			booked[id] = append(booked[id], h.Seat)
		}
	}
	for last, more := lockstore.OrderID(""), true; more; {
		var page []*payment.Order
		if page, more, err = reader.Orders(ctx, ev.ID, last); err != nil {
			return nil, nil, err
		}
		for _, o := range page {
			last = o.Order
			all = append(all, o)
		}
	}
	return all, booked, nil
}

// checkOrder checks one order against its money and the seats that are booked for it.
func checkOrder(o *payment.Order, m Balance, booked []lockstore.SeatID) error {
	free := o.Amount == 0
	all := !slices.ContainsFunc(o.Seats, func(s lockstore.SeatID) bool { return !slices.Contains(booked, s) })
	switch {
	case m.Sessions > 1 || m.Captures > 1 || m.Back+m.Coming > m.Taken:
		return ErrTwice
	case m.Kept() < 0 || m.Kept() > 0 && !all && o.Stage != payment.StageNeedsPerson:
		return ErrCharged
	case len(booked) > 0 && m.Kept() == 0 && !free && !o.KeepsSeats && o.Stage != payment.StageNeedsPerson:
		return ErrNotPaid
	}
	ok := false
	switch o.Stage {
	case payment.StagePaid:
		ok = all && len(booked) == len(o.Seats) && (free || m.Kept() == o.Amount-o.Refunded)
	case payment.StageClosed:
		ok = len(booked) == 0 && m.Taken == 0 && (m.Sessions == 0 || m.State == payment.Void)
	case payment.StageRefunded:
		ok = m.Back == o.Refunded && (len(booked) == 0 || o.KeepsSeats && all && len(booked) == len(o.Seats))
	case payment.StageNeedsPerson:
		ok = m.Kept() > 0 || len(booked) > 0
	}
	if !ok {
		return fmt.Errorf("%w: it has %s, and %s are booked", ErrNotEnded, o.Seats, booked)
	}
	return nil
}
