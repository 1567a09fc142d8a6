package payment

import (
	"cmp"
	"slices"
	"time"

	"seatlock/lockstore"
)

// An Order is what a buyer pays for. Its [Terms] are fixed at checkout, apart from
// Seats, which are fewer after a part was refunded and others after a move.
type Order struct {
	Terms
	Revision int64 `json:"-"` // of the record in the store; 0 before it is stored

	Title     string  `json:"title,omitzero"`
	Lines     []Line  `json:"lines,omitempty"`
	Contact   Contact `json:"contact,omitzero"`
	ReturnURL string  `json:"returnUrl,omitzero"`
	Lang      string  `json:"lang,omitzero"` // of the provider's page; empty: the browser's

	Stage    Stage  `json:"stage"`
	Provider string `json:"provider,omitzero"` // empty if the amount is 0
	Session  string `json:"session,omitzero"`  // at the provider
	PayURL   string `json:"payUrl,omitzero"`
	Payment  string `json:"payment,omitzero"` // at the provider

	// BookBefore is the end of the booking window, on the store's clock. From then on,
	// no booking for the order takes effect, so its seats can be given back. It is zero
	// until seats may be booked for the order.
	BookBefore time.Time `json:"bookBefore,omitzero"`

	Captures int   `json:"captures,omitzero"` // the number of the current attempt to capture; 0 is the first
	Refunds  int   `json:"refunds,omitzero"`  // the number of the current attempt to refund; 0 before the first
	Refunded int64 `json:"refunded,omitzero"` // the part of Amount that was paid back
	Give     *Give `json:"give,omitzero"`     // what is being given back, in StageGivingBack and StageNeedsPerson

	// PaidBack is what was paid back for seats that the buyer still has.
	PaidBack []SeatAmount `json:"paidBack,omitempty"`

	// KeepsSeats is set if the order was refunded and the buyer still has Seats.
	KeepsSeats bool `json:"keepsSeats,omitzero"`

	// Outside is the part of Refunded that was paid back without this program, such as
	// by hand at the provider.
	Outside int64 `json:"outside,omitzero"`

	// Lost is the part of Refunded for which the store has lost the seats. It counts
	// towards the next refund.
	Lost int64 `json:"lost,omitzero"`

	// GiveAll is set if everything is to be given back after what Give says.
	GiveAll bool `json:"giveAll,omitzero"`

	// Requests are the latest refund requests, with hashes of their contents.
	Requests []string `json:"requests,omitempty"`

	// LookAt is when a worker next checks the order without a notice, on the store's
	// clock: whether it was paid, or whether a refund has failed after all. Looks is
	// the number of such checks since the last refund.
	LookAt time.Time `json:"lookAt,omitzero"`
	Looks  int       `json:"looks,omitzero"`

	// Pending is set if the buyer has paid in a way that takes days. It is used only in
	// StageOpen.
	Pending bool `json:"pending,omitzero"`

	// Refusals is how many times in a row the provider refused to give the state of the
	// payment, and AskAgain is when it is asked again, on the store's clock. If the
	// order needs a person for that reason, Stuck is the stage in which it got stuck;
	// it is StagePaid if the store has lost a refund.
	Refusals int       `json:"refusals,omitzero"`
	AskAgain time.Time `json:"askAgain,omitzero"`
	Stuck    Stage     `json:"stuck,omitzero"`

	// Retake is set if the order was paid and the store has lost its seats, which are
	// being booked again. If others have them, a person decides.
	Retake bool `json:"retake,omitzero"`

	// Moving is a move of booked seats that may not have been carried out yet.
	Moving *Moving `json:"moving,omitzero"`

	History []Move `json:"history,omitempty"` // latest last; a long one lacks its middle

	// expired is set by the run that has just closed the session. A closed session
	// stays closed, so the run need not fetch it again. It is not stored.
	expired bool

	// reserved is set by the run that has just fetched the payment as [Authorised],
	// before it books the seats. It then need not fetch the payment again before it
	// takes the money: if the payment is no longer authorised, the capture is refused,
	// and the payment is fetched then. It is not stored.
	reserved bool
}

// A SeatAmount is an amount for one seat, in the smallest unit of the currency.
type SeatAmount struct {
	Seat   lockstore.SeatID `json:"seat"`
	Amount int64            `json:"amount"`
}

// A Contact is how a shop reaches a buyer.
type Contact struct {
	Name  string `json:"name,omitzero"`
	Email string `json:"email,omitzero"`
}

// Give describes what is being given back of an order.
type Give struct {
	Seats  []lockstore.SeatID `json:"seats"`
	Amount int64              `json:"amount"`
	Keep   bool               `json:"keep,omitzero"`  // give back the money but not the seats
	Ended  bool               `json:"ended,omitzero"` // the order had ended, and ends in the same way
	First  int                `json:"first"`          // the first of its attempts to refund
	Tried  int                `json:"tried,omitzero"` // failed attempts since a person asked
}

// Moving is a move of some of an order's seats. It takes effect before
// Order.BookBefore or not at all.
type Moving struct {
	Seats []lockstore.SeatID `json:"seats"`
	To    []lockstore.SeatID `json:"to"`
	By    string             `json:"by,omitzero"`
}

// A Move is one change of an order.
type Move struct {
	To   Stage     `json:"to"`
	Time time.Time `json:"time"` // on the store's clock, approximately
	Why  string    `json:"why,omitzero"`
	By   string    `json:"by,omitzero"` // who asked for it; empty if nobody did
}

// maxHistory is the most moves that an order keeps: the first half and the latest.
const maxHistory = 40

func (o *Order) record(m Move) {
	m.Why, m.By = clip(m.Why, maxText), clip(m.By, lockstore.MaxUserLen)
	if len(o.History) >= maxHistory {
		o.History = slices.Delete(o.History, maxHistory/2, len(o.History)-maxHistory/2+1)
	}
	o.History = append(o.History, m)
}

// startGiving makes the order give back the seats and the amount.
func (o *Order) startGiving(seats []lockstore.SeatID, amount int64, keep bool) {
	o.Refunds++
	o.Give = &Give{Seats: slices.Clone(seats), Amount: amount, Keep: keep, First: o.Refunds}
}

// clone returns a copy that can be changed. Shared values are replaced, never changed.
func (o *Order) clone() *Order {
	c := *o
	if o.Give != nil {
		give := *o.Give
		c.Give = &give
	}
	return &c
}

// Live reports whether the order may still book seats, perhaps after a person has
// retried it.
func (o *Order) Live() bool { return o.Stage.Live() || o.Stuck.Live() }

// ref returns the reference of the order's bookings.
func (o *Order) ref() lockstore.Ref { return lockstore.Ref(o.Order) }

// request returns the Request with which the order's session is opened.
func (o *Order) request() Request {
	return Request{Terms: o.Terms, Title: o.Title, Lines: o.Lines, Email: o.Contact.Email, ReturnURL: o.ReturnURL, Lang: o.Lang}
}

// Price returns the price of a seat of the order, if the bill has it.
func (o *Order) Price(seat lockstore.SeatID) (int64, bool) {
	for _, l := range o.Lines {
		if l.Count > 0 && slices.Contains(l.Seats, seat) {
			return l.Amount / int64(l.Count), true
		}
	}
	return 0, o.Amount == 0
}

// sameSeats reports whether both have the same seats, in any order.
func sameSeats(a, b []lockstore.SeatID) bool {
	sorted := func(s []lockstore.SeatID) []lockstore.SeatID { return slices.SortedFunc(slices.Values(s), cmp.Compare) }
	return slices.Equal(sorted(a), sorted(b))
}
