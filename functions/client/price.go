package client

import (
	"context"
	"fmt"

	"seatlock/lockstore"
)

// A Bill is what the seats of a lock or a booking cost, according to the server. The
// Bill of an event without prices is zero.
type Bill struct {
	Total    int64   `json:"total"`    // in the currency's smallest unit
	Currency string  `json:"currency"` // by ISO 4217
	Prices   []Price `json:"prices"`   // in the order of the seats
}

// A Price is what one seat costs.
type Price struct {
	SeatID   lockstore.SeatID `json:"seatId"`
	Category string           `json:"category"`
	Level    string           `json:"level"` // empty if the category has one price
	Price    int64            `json:"price"`
}

// Buy carries out op, which must be a Lock, a Confirm or a Book, as [Client.Do] does,
// and returns what its seats cost. levels are the price levels of the seats in their
// order, such as "child"; without any, each seat has the first level of its category.
// The server keeps no levels: pass them to each call. A lock while the event is not on
// sale fails with a [*Problem] with the code not_on_sale.
func (c *Client) Buy(ctx context.Context, ev *lockstore.Event, op lockstore.Op, levels ...string) (lockstore.Result, Bill, error) {
	switch op.Kind {
	case lockstore.KindLock, lockstore.KindConfirm, lockstore.KindBook:
		return c.change(ctx, ev, op, levels)
	}
	return lockstore.Result{}, Bill{}, fmt.Errorf("client: what the seats of a %s cost is not known: only Lock, Confirm and Book have prices", op.Kind)
}
