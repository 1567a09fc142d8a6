package booking

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"seatlock/functions/payment"
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
