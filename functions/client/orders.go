package client

import (
	"context"
	"net/url"
	"time"

	"seatlock/lockstore"
)

// An Order is what a buyer pays for.
type Order struct {
	Message   string             `json:"message"` // what has become of it, for a person
	ID        lockstore.OrderID  `json:"orderId"`
	Event     lockstore.EventID  `json:"eventId"`
	User      lockstore.UserID   `json:"userId"`
	Seats     []lockstore.SeatID `json:"seatIds"`
	State     string             `json:"state"`    // such as open, paid or refunded
	Pending   bool               `json:"pending"`  // the buyer has paid, and the money takes days
	Total     int64              `json:"total"`    // in the currency's smallest unit
	Currency  string             `json:"currency"` // empty if there is nothing to pay
	Refunded  int64              `json:"refunded"`
	Contact   Contact            `json:"contact"`
	PayURL    string             `json:"payUrl"` // where the buyer pays; empty if nobody can
	PayBefore time.Time          `json:"payBefore"`
	CreatedAt time.Time          `json:"createdAt"`
}

// A Contact is how the shop reaches a buyer, as far as the buyer has said so.
type Contact struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// A Checkout is what a user wants to pay for.
type Checkout struct {
	Event     lockstore.EventID  `json:"eventId,omitempty"` // empty: the server's first
	User      lockstore.UserID   `json:"userId,omitempty"`  // empty: the user of the token
	Seats     []lockstore.SeatID `json:"seatIds"`           // which the user has locked
	Levels    []string           `json:"levels,omitempty"`  // of the prices, one for each seat; none for the first of each
	ReturnURL string             `json:"returnUrl,omitempty"`
	Name      string             `json:"name,omitempty"`
	Email     string             `json:"email,omitempty"`
	Lang      string             `json:"lang,omitempty"` // of the page to pay on, such as pt-BR; empty: the browser's
}

// Checkout begins the payment of locked seats with POST /checkout. The same seats have
// the same order, so it is safe to repeat.
func (c *Client) Checkout(ctx context.Context, what Checkout) (Order, error) {
	var o Order
	err := c.post(ctx, "checkout", what, &o)
	return o, err
}

// Order returns an order of the user with GET /order. With the token of an operator,
// the user may be empty.
func (c *Client) Order(ctx context.Context, user lockstore.UserID, id lockstore.OrderID) (Order, error) {
	query := url.Values{"orderId": {string(id)}}
	if user != "" {
		query.Set("userId", string(user))
	}
	var o Order
	err := c.get(ctx, "order?"+query.Encode(), &o)
	return o, err
}

// Orders returns the next orders of an event by ascending id with GET /orders, which
// needs the token of an operator, and where to go on; "" if there are no more. The
// state is empty for all.
func (c *Client) Orders(ctx context.Context, event lockstore.EventID, state string, after lockstore.OrderID) ([]Order, lockstore.OrderID, error) {
	query := url.Values{"eventId": {string(event)}}
	if state != "" {
		query.Set("state", state)
	}
	if after != "" {
		query.Set("after", string(after))
	}
	var answer struct {
		Orders []Order           `json:"orders"`
		Next   lockstore.OrderID `json:"next"`
	}
	err := c.get(ctx, "orders?"+query.Encode(), &answer)
	return answer.Orders, answer.Next, err
}

// A Refund is what an operator gives back of an order.
type Refund struct {
	Order     lockstore.OrderID  `json:"orderId"`
	Seats     []lockstore.SeatID `json:"seatIds,omitempty"`   // none: the whole order
	Amount    int64              `json:"amount,omitempty"`    // 0: what the seats cost
	KeepSeats bool               `json:"keepSeats,omitempty"` // the buyer keeps them
	Request   string             `json:"requestId,omitempty"` // names the request; an Amount of seats that the buyer keeps needs it
	Retry     bool               `json:"retry,omitempty"`     // tries again what needs a person
	Reason    lockstore.Ref      `json:"reason,omitempty"`
}

// Refund gives back an order, or a part of it, with POST /refund, which needs the
// token of an operator. It is safe to repeat.
func (c *Client) Refund(ctx context.Context, what Refund) (Order, error) {
	var o Order
	err := c.post(ctx, "refund", what, &o)
	return o, err
}
