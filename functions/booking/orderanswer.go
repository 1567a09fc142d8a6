package booking

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"seatlock/functions/access"
	"seatlock/functions/payment"
	"seatlock/functions/problem"
	"seatlock/functions/telemetry"
	"seatlock/lockstore"
)

// An orderAnswer is an order in JSON. Fields for operators are empty for others.
type orderAnswer struct {
	Message   string             `json:"message"`
	OrderID   lockstore.OrderID  `json:"orderId"`
	EventID   lockstore.EventID  `json:"eventId"`
	UserID    lockstore.UserID   `json:"userId"`
	SeatIDs   []lockstore.SeatID `json:"seatIds"`
	State     payment.Stage      `json:"state"`
	Pending   bool               `json:"pending,omitzero"` // paid, but the money takes days to arrive
	Total     int64              `json:"total"`
	Currency  string             `json:"currency,omitzero"`
	Refunded  int64              `json:"refunded,omitzero"`
	Lines     []payment.Line     `json:"lines,omitempty"`
	Contact   payment.Contact    `json:"contact,omitzero"`
	PayURL    string             `json:"payUrl,omitzero"` // while the order can be paid
	PayBefore string             `json:"payBefore,omitzero"`
	CreatedAt string             `json:"createdAt"`

	Provider string         `json:"provider,omitzero"`
	Session  string         `json:"session,omitzero"`
	Payment  string         `json:"payment,omitzero"`
	History  []payment.Move `json:"history,omitempty"`
}

func (a *API) answerOf(r *http.Request, o *payment.Order, operator bool) orderAnswer {
	answer := orderAnswer{
		Message: message(o), OrderID: o.Order, EventID: o.Event, UserID: o.User, SeatIDs: o.Seats, State: o.Stage, Pending: o.Pending, Total: o.Amount, Currency: o.Currency,
		Refunded: o.Refunded, Lines: o.Lines, Contact: o.Contact, CreatedAt: shownTime(o.Created),
	}
	if o.Stage == payment.StageOpen && !o.Pending {
		answer.PayURL, answer.PayBefore = o.PayURL, shownTime(o.PayBefore)
		if strings.HasPrefix(answer.PayURL, "/") {
			answer.PayURL = a.base(r) + answer.PayURL
		}
	}
	if operator {
		answer.Provider, answer.Session, answer.Payment, answer.History = o.Provider, o.Session, o.Payment, o.History
	}
	return answer
}

// message describes the state of an order, and what to do next.
func message(o *payment.Order) string {
	seats := seatList(o.Seats)
	switch o.Stage {
	case payment.StageOpening:
		return "The payment is being opened. Ask again in a moment."
	case payment.StageOpen:
		stay := "They stay"
		if len(o.Seats) == 1 {
			stay = "It stays"
		}
		if o.Pending {
			return fmt.Sprintf("The payment for %s was made, and the money takes some days. %s locked until then.", seats, stay)
		}
		return fmt.Sprintf("Pay for %s before %s. %s locked until then.", seats, shownTime(o.PayBefore), stay)
	case payment.StageBooking:
		return fmt.Sprintf("The payment has arrived, and %s %s being booked. Ask again in a moment.", seats, is(o.Seats))
	case payment.StageBooked:
		return fmt.Sprintf("%s %s booked, and the payment is being completed. Ask again in a moment.", sentence(seats), is(o.Seats))
	case payment.StagePaid:
		return fmt.Sprintf("%s %s booked and paid for.", sentence(seats), is(o.Seats))
	case payment.StageGivingBack:
		if len(o.Give.Seats) < len(o.Seats) {
			return fmt.Sprintf("%s %s being given back. What they cost is paid back.", sentence(seatList(o.Give.Seats)), is(o.Give.Seats))
		}
		return "The order is being given back. Money that was taken is paid back."
	case payment.StageClosed:
		return "The order has ended, and no money was taken."
	case payment.StageRefunded:
		return "The order has ended, and the money was paid back."
	}
	if o.Stuck == payment.StagePaid {
		return "Money was paid back, and the shop has to say for which seats. Nothing is lost."
	}
	if o.Stuck != "" {
		return "The provider does not say what became of the payment. The shop has to look at it; nothing is lost."
	}
	return "The money could not be paid back yet. The shop has to look at it; nothing is lost."
}

func (a *API) writeOrder(w http.ResponseWriter, r *http.Request, o *payment.Order, operator bool) error {
	return writeJSON(w, a.answerOf(r, o, operator))
}

func writeJSON(w http.ResponseWriter, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header()["Content-Type"] = mediaJSON
	w.Write(append(text, '\n')) // a client that has gone needs no answer
	return nil
}

// order answers GET /order: the order with that id, or the user's latest of the event.
// It asks the provider whether an open order was paid, since the buyer may have just
// come back from paying.
func (a *API) order(w http.ResponseWriter, r *http.Request, by access.Caller, o *telemetry.Outcome) error {
	q, err := query(r, "eventId", "userId", "orderId")
	if err != nil {
		return err
	}
	operator := by.May(access.Operate) == nil
	user := lockstore.UserID(q.Get("userId"))
	if !operator || user != "" || !q.Has("orderId") {
		if user, err = by.As(user); err != nil {
			return err
		}
	}
	o.User = user
	var order *payment.Order
	if q.Has("orderId") {
		order, err = a.payments.Order(r.Context(), lockstore.OrderID(q.Get("orderId")))
	} else {
		var ev *event
		if ev, err = a.event(lockstore.EventID(q.Get("eventId"))); err != nil {
			return err
		}
		order, err = a.payments.Latest(r.Context(), ev.ID, user)
	}
	if errors.Is(err, lockstore.ErrNoOrder) || err == nil && user != "" && order.User != user ||
		err == nil && q.Has("eventId") && q.Get("eventId") != string(order.Event) {
		return &problem.Refusal{Kind: problem.UnknownOrder}
	}
	if err != nil {
		return err
	}
	o.Event, o.Seats = order.Event, len(order.Seats)
	if order.Stage.Live() {
		order, _ = a.payments.Look(r.Context(), order) // what fails is tried again by a worker, and logged
	}
	if order.Stage == payment.StagePaid {
		a.access.Bought(order.Event, order.User, order.Seats, a.clock.now())
	}
	return a.writeOrder(w, r, order, operator)
}

// orders answers GET /orders: the orders of an event, by id.
func (a *API) orders(w http.ResponseWriter, r *http.Request, _ access.Caller, o *telemetry.Outcome) error {
	q, err := query(r, "eventId", "after", "state")
	if err != nil {
		return err
	}
	state := payment.Stage(q.Get("state"))
	if q.Has("state") && !slices.Contains(payment.Stages(), state) {
		return problem.Refuse(problem.BadRequest, "There is no state %q; there are %v.", state, payment.Stages())
	}
	ev, err := a.event(lockstore.EventID(q.Get("eventId")))
	if err != nil {
		return err
	}
	o.Event = ev.ID
	page, more, err := a.payments.Orders(r.Context(), ev.ID, lockstore.OrderID(q.Get("after")))
	if err != nil {
		return err
	}
	answer := struct {
		EventID lockstore.EventID `json:"eventId"`
		Orders  []orderAnswer     `json:"orders"`
		Next    lockstore.OrderID `json:"next,omitzero"`
	}{EventID: ev.ID, Orders: []orderAnswer{}}
	for _, order := range page {
		if state == "" || order.Stage == state {
			answer.Orders = append(answer.Orders, a.answerOf(r, order, true))
		}
	}
	if more && len(page) > 0 {
		answer.Next = page[len(page)-1].Order
	}
	return writeJSON(w, answer)
}
