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
	Revision int64 `json:"-"` // of the record in the store; 0 before it is there

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

	// BookBefore is the end of the booking window, on the store's clock: no booking
	// for the order takes effect then or later, so that from then on its seats can be
	// given back. Zero while nobody may book for it.
	BookBefore time.Time `json:"bookBefore,omitzero"`

	Captures int   `json:"captures,omitzero"` // the number of the current attempt to capture; 0 is the first
	Refunds  int   `json:"refunds,omitzero"`  // the number of the current attempt to refund; 0 before the first
	Refunded int64 `json:"refunded,omitzero"` // what was paid back of Amount
	Give     *Give `json:"give,omitzero"`     // what is being given back, in StageGivingBack and StageNeedsPerson

	// PaidBack is what was paid back for seats that the buyer has nevertheless.
	PaidBack []SeatAmount `json:"paidBack,omitempty"`

	// KeepsSeats reports that the order was refunded and the buyer has Seats.
	KeepsSeats bool `json:"keepsSeats,omitzero"`

	// Outside is what was paid back of Refunded without this program, such as by hand
	// at the provider.
	Outside int64 `json:"outside,omitzero"`

	// Lost is the part of Refunded of which the store has lost for which seats it was. It
	// counts for those that are given back next.
	Lost int64 `json:"lost,omitzero"`

	// GiveAll reports that everything is to be given back, and not only what Give says.
	GiveAll bool `json:"giveAll,omitzero"`

	// Requests are the latest requests to refund, with what they asked for.
	Requests []string `json:"requests,omitempty"`

	// LookAt is when a worker looks at the order though nobody has heard of a change,
	// on the store's clock: whether it was paid, or whether a refund has failed after
	// all. Looks counts how often one did since the last refund.
	LookAt time.Time `json:"lookAt,omitzero"`
	Looks  int       `json:"looks,omitzero"`

	// Pending says that the buyer has paid in a way that takes days. It is set in
	// StageOpen alone.
	Pending bool `json:"pending,omitzero"`

	// Refusals counts how often in a row the provider refused to say what became of the payment,
	// and AskAgain is when it is asked again, on the store's clock. Stuck is the stage in
	// which it was asked in vain, if the order needs a person for that reason; or StagePaid
	// if the store has lost a refund.
	Refusals int       `json:"refusals,omitzero"`
	AskAgain time.Time `json:"askAgain,omitzero"`
	Stuck    Stage     `json:"stuck,omitzero"`

	// Retake says that the order was paid and the store has lost its seats, which are
	// booked again. If others have them, a person decides.
	Retake bool `json:"retake,omitzero"`

	// Moving is a move of booked seats that is perhaps not carried out yet.
	Moving *Moving `json:"moving,omitzero"`

	History []Move `json:"history,omitempty"` // the latest last; of a long one, the middle is left out

	// expired is set by the run that has just closed the session. That is for good, so it
	// need not fetch the session again. It is not stored.
	expired bool

	// reserved is set by the run that has just fetched the payment as [Authorised], before it
	// books the seats. Once they are booked it need not fetch it again to take the money: if
	// it is no longer authorised, the capture is refused, and then it is fetched. It is not
	// stored.
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

// Give is what is given back of an order.
type Give struct {
	Seats  []lockstore.SeatID `json:"seats"`
	Amount int64              `json:"amount"`
	Keep   bool               `json:"keep,omitzero"`  // the money is given back, the seats are not
	Ended  bool               `json:"ended,omitzero"` // the order had ended, and ends as it was
	First  int                `json:"first"`          // the first of its attempts to refund
	Tried  int                `json:"tried,omitzero"` // how many attempts have failed since a person asked
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
	Time time.Time `json:"time"` // on the store's clock, about
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

// startGiving makes the order give back these seats and that amount.
func (o *Order) startGiving(seats []lockstore.SeatID, amount int64, keep bool) {
	o.Refunds++
	o.Give = &Give{Seats: slices.Clone(seats), Amount: amount, Keep: keep, First: o.Refunds}
}

// clone returns a copy that can be changed: what both share is replaced, not changed.
func (o *Order) clone() *Order {
	c := *o
	if o.Give != nil {
		give := *o.Give
		c.Give = &give
	}
	return &c
}

// Live reports whether the order may still book seats, perhaps after a person has tried
// it again.
func (o *Order) Live() bool { return o.Stage.Live() || o.Stuck.Live() }

// ref is the reference of the order's bookings.
func (o *Order) ref() lockstore.Ref { return lockstore.Ref(o.Order) }

// request returns what the order's session is opened with.
func (o *Order) request() Request {
	return Request{Terms: o.Terms, Title: o.Title, Lines: o.Lines, Email: o.Contact.Email, ReturnURL: o.ReturnURL, Lang: o.Lang}
}

// Price returns what a seat of the order costs, if the bill says so.
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
