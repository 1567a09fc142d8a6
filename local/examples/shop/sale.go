package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"seatlock/functions/client"
	"seatlock/lockstore"
)

// A basket is what a buyer wants to pay for.
type basket struct {
	EventID lockstore.EventID `json:"eventId"`
	Seats   []struct {
		SeatID lockstore.SeatID `json:"seatId"`
		Level  string           `json:"level"` // the price level; empty for the first of the seat's category
	} `json:"seats"`
	Total int64 `json:"total"` // what the button showed, in the currency's smallest unit
}

// An order is a basket for which the buyer has paid, or is about to.
type order struct {
	event *lockstore.Event
	ref   lockstore.Ref // names the payment and the bookings, so that neither is made twice
	bill  client.Bill
	sold  bool // the seats are booked
}

// A refusal is the error of a sale that did not succeed. The sentence says what happened to
// the buyer's money.
type refusal struct {
	status   int // HTTP status; 202 if the page must send the same basket again
	sentence string
	err      error
}

func (r *refusal) Error() string { return fmt.Sprintf("%s %v", r.sentence, r.err) }

// Unwrap returns the reason.
func (r *refusal) Unwrap() error { return r.err }

// sell charges the user for the locked seats and books them. Two windows with one basket
// share one sale, which continues even if the browser disconnects.
func (d *desk) sell(ctx context.Context, user lockstore.UserID, b basket) (*order, error) {
	key := fmt.Sprintf("%q %q %q", b.EventID, user, slices.Sorted(slices.Values(b.seatIDs())))
	o, err, _ := d.sales.Do(key, func() (any, error) { return d.sellOnce(context.WithoutCancel(ctx), key, user, b) })
	if err != nil {
		return nil, err
	}
	return o.(*order), nil
}

// sellOnce is sell for one request of a basket at a time. The basket's order has the key.
func (d *desk) sellOnce(ctx context.Context, key string, user lockstore.UserID, b basket) (*order, error) {
	kept, _ := d.orders.Load(key)
	o, _ := kept.(*order)
	if o == nil || o.sold {
		made, err := d.reserve(ctx, user, b)
		if o != nil && errors.Is(err, lockstore.SeatBooked) {
			return o, nil // the answer to an earlier request was lost
		}
		if err != nil {
			return nil, err
		}
		o = made
		d.orders.Store(key, o) // before the charge, so that a repeat finds it
	}
	// Here a shop charges the card with o.bill.Total. With o.ref as the idempotency key, a
	// repeat charges nothing more.
	ctx, cancel := context.WithTimeout(ctx, d.finishTime)
	defer cancel()
	err := d.confirm(ctx, user, b, o)
	if err == nil {
		o.sold = true
		return o, nil
	}
	if _, ok := errors.AsType[*lockstore.ConflictError](err); ok {
		// Here a shop refunds the money.
		d.orders.Delete(key)
		return nil, &refusal{http.StatusConflict, "The seats are not yours any more. Your money is returned.", err}
	}
	// The seats may be booked, so the shop keeps the money until it knows. A real shop would
	// keep asking after the buyer has left.
	return nil, &refusal{http.StatusAccepted, "You have paid. We are still booking your seats.", err}
}

// reserve extends the locks so that they last until the money is taken, and returns an
// order with the price of the seats. It fails if that is not the total that the buyer saw.
func (d *desk) reserve(ctx context.Context, user lockstore.UserID, b basket) (*order, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	ev, err := d.event(ctx, b.EventID)
	if err != nil {
		return nil, err
	}
	ids := b.seatIDs()
	_, err = d.seats.Do(ctx, ev, lockstore.Extend(user, time.Now().Add(2*time.Minute), ids...))
	var bill client.Bill
	if err == nil {
		// Locking the user's own seats again changes nothing, and the answer has the prices.
		_, bill, err = d.seats.Buy(ctx, ev, lockstore.Lock(user, ids...), b.levels()...)
	}
	if _, ok := errors.AsType[*lockstore.ConflictError](err); ok {
		return nil, &refusal{http.StatusConflict, "The seats are not yours any more. You have not paid for them now.", err}
	}
	if err != nil {
		return nil, err
	}
	if bill.Total != b.Total {
		return nil, &refusal{http.StatusConflict, "The price has changed. You have paid nothing. Check the price and pay again.",
			fmt.Errorf("the seats cost %d, and the page showed %d", bill.Total, b.Total)}
	}
	return &order{event: ev, ref: lockstore.Ref("SHOP-" + rand.Text()[:8]), bill: bill}, nil
}

// confirm books the seats of an order. It repeats the call until its outcome is known or
// the context ends. Only a [lockstore.ConflictError] says that the seats are not booked.
func (d *desk) confirm(ctx context.Context, user lockstore.UserID, b basket, o *order) error {
	op := lockstore.Confirm(user, b.seatIDs()...)
	op.Ref = o.ref
	for {
		_, err := d.seats.Do(ctx, o.event, op)
		if !errors.Is(err, lockstore.ErrOutcomeUnknown) && !errors.Is(err, lockstore.ErrUnavailable) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// event returns an event of the server.
func (d *desk) event(ctx context.Context, id lockstore.EventID) (*lockstore.Event, error) {
	events, err := d.seats.Events(ctx)
	if err != nil {
		return nil, err
	}
	for _, ev := range events {
		if ev.ID == id {
			return ev, nil
		}
	}
	return nil, fmt.Errorf("there is no event %q", id)
}

func (b basket) seatIDs() []lockstore.SeatID {
	var ids []lockstore.SeatID
	for _, s := range b.Seats {
		ids = append(ids, s.SeatID)
	}
	return ids
}

// levels returns the price levels of the seats, or none if the event has none.
func (b basket) levels() []string {
	var levels []string
	named := false
	for _, s := range b.Seats {
		levels = append(levels, s.Level)
		named = named || s.Level != ""
	}
	if !named {
		return nil
	}
	return levels
}
