package booking

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/payment"
	"seatlock/functions/problem"
	"seatlock/functions/telemetry"
	"seatlock/lockstore"
)

// refund is the body of POST /refund.
var refund = verb{kind: lockstore.KindCancel, action: access.Operate, fields: []string{"orderId", "amount", "keepSeats", "requestId", "reason", "retry", "wholeEvent"}}

// refund answers POST /refund.
func (a *API) refund(w http.ResponseWriter, r *http.Request, by access.Caller, o *telemetry.Outcome) error {
	var req seatsRequest
	if err := decode(w, r, &req, &refund); err != nil {
		return err
	}
	if err := refund.checkFields(&req); err != nil {
		return err
	}
	if isSet(req.WholeEvent) {
		return a.refundEvent(w, r, by, o, &req)
	}
	if req.OrderID == nil {
		return problem.Refuse(problem.BadRequest, "Which order is it? Give its orderId.")
	}
	seats, err := req.seats(true)
	if err != nil {
		return err
	}
	f := payment.Refunding{Order: *req.OrderID, Seats: seats, Keep: isSet(req.KeepSeats), By: by.By()}
	if req.Reason != nil {
		if err := req.Reason.Check(); err != nil {
			return err
		}
		f.Why = string(*req.Reason)
	}
	if req.RequestID != nil {
		f.Request = *req.RequestID
	}
	if req.Amount != nil {
		if f.Amount = *req.Amount; f.Amount <= 0 {
			return problem.Refuse(problem.BadRequest, "The field amount must be more than 0; leave it out for what the seats cost.")
		}
	}
	var order *payment.Order
	if isSet(req.Retry) {
		order, err = a.payments.Retry(r.Context(), f.Order, f.By)
	} else {
		order, err = a.payments.Refund(r.Context(), f)
	}
	switch {
	case errors.Is(err, lockstore.ErrNoOrder):
		return &problem.Refusal{Kind: problem.UnknownOrder}
	case err != nil:
		return orderRefusal(err, order)
	}
	o.Event, o.User, o.Seats = order.Event, order.User, len(order.Seats)
	return a.writeOrder(w, r, order, true)
}

// refundEvent gives back every order of an event. A repeat goes on where time ran out.
func (a *API) refundEvent(w http.ResponseWriter, r *http.Request, by access.Caller, o *telemetry.Outcome, req *seatsRequest) error {
	if req.EventID == "" {
		return problem.Refuse(problem.BadRequest, "Which event is it? Give its eventId.")
	}
	ev, err := a.event(req.EventID)
	if err != nil {
		return err
	}
	o.Event = ev.ID
	ctx, cancel := context.WithTimeout(r.Context(), eventTime)
	defer cancel()
	moved, last, err := a.payments.CancelEvent(ctx, ev.ID, "", by.By())
	answer := struct {
		Message string            `json:"message"`
		EventID lockstore.EventID `json:"eventId"`
		Moved   int               `json:"moved"`
		Failed  int               `json:"failed,omitzero"`
		Done    bool              `json:"done"`
	}{"Every order of the event is being given back.", ev.ID, moved, 0, err == nil}
	some, failed := errors.AsType[*payment.OrdersError](err)
	if failed {
		a.log.ErrorContext(r.Context(), "some orders of an event could not be given back", "event", ev.ID, "error", err)
		answer.Failed = some.Count
	}
	_, all := err.(*payment.OrdersError) // alone: every other order was reached
	switch {
	case all:
		answer.Message = fmt.Sprintf("Not given back: %d of the event's orders. The first failed with: %s. Send the same request again; if that does not help, the log says more.", some.Count, some.First[0])
	case err != nil && ctx.Err() == nil:
		return err
	case err != nil:
		answer.Message = fmt.Sprintf("Not every order was reached in time, only those up to %q. Send the same request again to go on.", last)
	}
	return writeJSON(w, answer)
}

// eventTime bounds how long one request gives back the orders of an event.
const eventTime = 5 * time.Second
