package lockstore

import (
	"context"
	"time"
)

// An OrderID names an order: 1 to [MaxIDLen] letters, digits, '_', '.' and '-'.
type OrderID string

// Check returns an [*InvalidError] unless the id is valid.
func (id OrderID) Check() error {
	if !plain(string(id), "_.-") {
		return invalid("an order id is 1 to %d letters, digits, '_', '.' and '-', not %s", MaxIDLen, quote(string(id)))
	}
	return nil
}

// MaxOrderBody is the length in bytes of the longest body of an [Order].
const MaxOrderBody = 64 << 10

// MaxOrders is the most orders that one call of Due or Orders returns.
const MaxOrders = 1000

// An Order is a record of what is being paid for. A store keeps it and does not
// read its body.
type Order struct {
	ID    OrderID
	Event EventID

	// Revision counts the changes of the order. A Put of it expects the order to
	// have this Revision, 0 if there is no such order yet.
	Revision int64

	Due  time.Time // when work on the order is due, in whole milliseconds of the store's clock; zero if there is none
	Body []byte    // up to [MaxOrderBody] bytes
}

// Check returns an [*InvalidError] unless the order is valid.
func (o *Order) Check() error {
	if err := o.ID.Check(); err != nil {
		return err
	}
	if err := o.Event.Check(); err != nil {
		return err
	}
	switch {
	case o.Revision < 0:
		return invalid("order %s: a revision is 0 or more, not %d", o.ID, o.Revision)
	case len(o.Body) > MaxOrderBody:
		return invalid("order %s: the body has %d bytes; it must have at most %d", o.ID, len(o.Body), MaxOrderBody)
	case !o.Due.IsZero() && (o.Due.UnixMilli() < 0 || o.Due.UnixMilli() > maxMillis):
		return invalid("order %s: the due time must be in the years 1970 to 2255, not %v", o.ID, o.Due.UTC())
	}
	return nil
}

// CheckDue returns an [*InvalidError] unless a call of Due may have these arguments.
func CheckDue(limit int, lease time.Duration) error {
	switch {
	case limit < 1 || limit > MaxOrders:
		return invalid("a call returns 1 to %d orders that are due, not %d", MaxOrders, limit)
	case lease < 0:
		return invalid("a lease must not be negative, and is %v", lease)
	}
	return nil
}

// An OrderStore keeps orders, as durably as the store of the same backend keeps
// seats. No transaction covers both orders and seats.
//
// An OrderStore is safe for concurrent use, and across processes where they share
// the backend. Its errors and bounds are those of [LockStore]: an error that leaves
// open whether a call took effect is [ErrOutcomeUnknown]. It keeps no slice that is
// passed to it, and what it returns belongs to the caller.
type OrderStore interface {
	// Put stores the order with the next Revision, which it returns, if the stored
	// order has o.Revision. Otherwise it does nothing and fails with
	// [ErrOrderChanged]. The event of an order never changes; a Put with another is
	// an [*InvalidError].
	//
	// A Put that is repeated after an unknown outcome may fail with ErrOrderChanged
	// although the first one took effect. Read the order to find out.
	Put(ctx context.Context, o Order) (revision int64, err error)

	// Order returns the order, or [ErrNoOrder]. It sees every Put that was
	// acknowledged before the call began.
	Order(ctx context.Context, id OrderID) (Order, error)

	// Due returns up to limit orders of all events whose Due has passed, the
	// earliest first, and leases them: until lease has passed, or a Put has set
	// Due again, no other call returns them. A lease does not change an order or its
	// Revision, and it may be lost in a crash: it only saves work. The limit is 1
	// to [MaxOrders].
	Due(ctx context.Context, limit int, lease time.Duration) ([]Order, error)

	// Orders returns the orders of an event by ascending id, from the first one
	// after the given id, which need not exist. It returns up to [MaxOrders], and
	// none if there are no more.
	Orders(ctx context.Context, event EventID, after OrderID) ([]Order, error)
}
