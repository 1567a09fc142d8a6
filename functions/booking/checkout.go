package booking

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"seatlock/functions/access"
	"seatlock/functions/payment"
	"seatlock/functions/problem"
	"seatlock/functions/telemetry"
	"seatlock/lockstore"
)

// The bodies of the calls about orders. A checkout extends the locks, so its conflicts
// are those of an extension.
var (
	checkout = verb{kind: lockstore.KindExtend, action: access.Buy, own: true, fields: []string{"userId", "levels", "returnUrl", "name", "email", "lang"},
		more: func(_ context.Context, _ *API, c *change) error { return c.price() },
		also: map[lockstore.Reason]string{lockstore.SeatBooked: " There is nothing to pay."}}
	refund = verb{kind: lockstore.KindCancel, action: access.Operate, fields: []string{"orderId", "amount", "keepSeats", "requestId", "reason", "retry", "wholeEvent"}}
)

// webhookCall is the name of the provider's webhooks in logs and metrics.
const webhookCall = "webhook"

// orderCalls returns the calls that exist where payments are on.
func (a *API) orderCalls() []route {
	return []route{
		{"POST", "/checkout", "checkout", access.Buy, a.checkout},
		{"GET", "/order", "order", access.Buy, a.order},
		{"GET", "/orders", "orders", access.Operate, a.orders},
		{"POST", "/refund", "refund", access.Operate, a.refund},
	}
}

// checkout answers POST /checkout. A user who has locked seats may pay for them even
// if the sale has closed meanwhile.
func (a *API) checkout(w http.ResponseWriter, r *http.Request, by access.Caller, o *telemetry.Outcome) error {
	c := &change{by: by}
	if err := decode(w, r, &c.req, &checkout); err != nil {
		return err
	}
	err := a.resolve(r.Context(), &checkout, c)
	if c.ev != nil {
		o.Event = c.ev.ID
	}
	if err != nil {
		return err
	}
	o.Seats, o.User = len(c.op.Seats), c.op.User
	want := payment.Checkout{Event: c.ev.Event, Title: c.ev.venue.Name, User: c.op.User, Seats: c.op.Seats, Bill: c.paymentBill()}
	if want.ReturnURL, err = a.returnURL(r, c.req.ReturnURL); err != nil {
		return err
	}
	if want.Contact, err = contact(&c.req); err != nil {
		return err
	}
	if c.req.Lang != nil {
		if want.Lang = *c.req.Lang; !isLanguageTag(want.Lang) {
			return problem.Refuse(problem.BadRequest, "The field lang must be a language tag of up to %d letters, digits and hyphens, such as de or pt-BR.", maxLang)
		}
	}
	began := a.clock.now()
	charge, err := a.chargeCheckout(c, began)
	if err != nil {
		return err
	}
	order, err := a.payments.Checkout(r.Context(), want)
	switch {
	case order != nil && order.Created.Before(began.Truncate(time.Second)), err != nil && order == nil && !errors.Is(err, lockstore.ErrOutcomeUnknown):
		charge.Keep(nil, began) // an earlier checkout has extended the locks, or none has
	default:
		charge.KeepAll()
	}
	switch {
	case err != nil && order != nil: // the order exists, and a repeat continues it
		return &problem.Refusal{Kind: problem.PaymentUnavailable, Err: err}
	case err != nil:
		return a.explain(orderRefusal(err, nil), &checkout, c)
	case order.Stage == payment.StageGivingBack || order.Stage == payment.StageClosed:
		why := order.History[len(order.History)-1].Why // may be about the shop's account
		return &problem.Refusal{Kind: problem.PaymentUnavailable, Detail: "The payment could not be opened, and nothing was charged. Try again, or choose other seats.",
			Err: fmt.Errorf("order %s was not opened: %s", order.Order, why)}
	}
	if order.Stage == payment.StagePaid {
		a.access.Bought(c.ev.ID, c.op.User, c.op.Seats, a.clock.now())
	}
	return a.writeOrder(w, r, order, by.May(access.Operate) == nil)
}

// chargeCheckout charges a checkout to what the user and the address may lock without
// buying. It costs as much as locking each seat once more: charged as an extension, it
// would exceed the budget of a buyer of ten seats.
func (a *API) chargeCheckout(c *change, now time.Time) (*access.Charge, error) {
	keeps := a.payments.Keeps()
	// Even seats that were locked just now are charged for a second lock time.
	until := now.Add(keeps + time.Second)
	return a.access.Afford(c.by, access.Hold{
		Event: c.ev.ID, User: c.op.User, Seats: c.op.Seats, Longer: true,
		Now: now, Until: until, TTL: keeps, Max: c.on.MaxLock + keeps,
	})
}

// paymentBill returns what the seats cost, with a line for each category and level.
func (c *change) paymentBill() payment.Bill {
	b := payment.Bill{Total: c.bill.total, Currency: c.ev.venue.Currency}
	for i, p := range c.bill.prices {
		seat := c.op.Seats[i]
		text := p.category
		if at, ok := c.ev.Position(seat); ok {
			text = c.ev.venue.CategoryOf(at).Name
		}
		if p.level.Name != "" {
			text += ", " + p.level.Name
		}
		at := slices.IndexFunc(b.Lines, func(l payment.Line) bool { return l.Text == text && l.Amount == p.level.Price*int64(l.Count) })
		if at < 0 {
			b.Lines = append(b.Lines, payment.Line{Text: text})
			at = len(b.Lines) - 1
		}
		l := &b.Lines[at]
		l.Count++
		l.Amount += p.level.Price
		l.Seats = append(l.Seats, seat)
	}
	return b
}

// base returns the address at which browsers find this server.
func (a *API) base(r *http.Request) string {
	if a.publicURL != "" {
		return strings.TrimSuffix(a.publicURL, "/")
	}
	if r.TLS != nil || a.access.Gateway {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// returnURL returns where a buyer comes back to. It must be on this server or at a
// listed origin, so that nobody is sent elsewhere in the shop's name.
func (a *API) returnURL(r *http.Request, given *string) (string, error) {
	if given == nil {
		return a.base(r) + "/", nil
	}
	u, err := url.Parse(*given)
	if err != nil || len(*given) > 1000 || !utf8.ValidString(*given) {
		return "", problem.Refuse(problem.BadRequest, "The field returnUrl must be a URL of up to 1000 bytes.")
	}
	base, err := url.Parse(a.base(r))
	if err != nil {
		return "", problem.Refuse(problem.BadRequest, "The Host of the request is not a host.")
	}
	u = base.ResolveReference(u)
	origin := u.Scheme + "://" + u.Host
	if (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.Host != base.Host && !slices.Contains(a.returnTo, origin) {
		return "", problem.Refuse(problem.BadRequest, "The field returnUrl must lead to this server, or to an origin that it lists.")
	}
	return u.String(), nil
}

// maxLang is the length in bytes of the longest language tag: see RFC 5646, 4.4.1.
const maxLang = 35

// isLanguageTag reports whether the text has the form of a language tag. No language is
// refused: a provider that does not speak it goes by the browser.
func isLanguageTag(text string) bool {
	for part := range strings.SplitSeq(text, "-") {
		if part == "" || len(part) > 8 || strings.ContainsFunc(part, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			return false
		}
	}
	return len(text) <= maxLang
}

// contact returns how the shop reaches the buyer.
func contact(req *seatsRequest) (c payment.Contact, err error) {
	if req.Name != nil {
		c.Name = strings.TrimSpace(*req.Name)
		if len(c.Name) > 200 || strings.ContainsFunc(c.Name, unicode.IsControl) {
			return c, problem.Refuse(problem.BadRequest, "The field name must be up to 200 bytes of text in one line.")
		}
	}
	if req.Email != nil && *req.Email != "" {
		at, err := mail.ParseAddress(*req.Email)
		if err != nil || at.Address != *req.Email || len(at.Address) > 254 {
			return c, problem.Refuse(problem.BadRequest, "The field email must be an e-mail address, such as ann@example.org.")
		}
		c.Email = at.Address
	}
	return c, nil
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

// webhook receives a notice of the provider, which signs it and needs no token. It
// answers 200 whatever becomes of the order, so that the provider does not send the
// notice again.
func (a *API) webhook(w http.ResponseWriter, r *http.Request) (o telemetry.Outcome) {
	o.Call = webhookCall
	refuse := func(kind problem.Kind, detail string) telemetry.Outcome {
		refusal := &problem.Refusal{Kind: kind, Detail: detail}
		refusal.Write(w)
		o.Code = string(kind)
		return o
	}
	if r.Method != "POST" {
		w.Header().Set("Allow", "POST")
		return refuse(problem.MethodNotAllowed, "This call takes POST.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(innermost(w), r.Body, maxWebhook))
	if err != nil {
		return refuse(problem.BadRequest, "The body could not be read to its end.")
	}
	id, err := a.payments.Provider().Verify(body, r.Header, time.Now())
	if err != nil {
		return refuse(problem.BadRequest, "The notice is not signed as it must be, or too old.")
	}
	if id != "" {
		a.payments.Notice(r.Context(), id)
	}
	w.Header()["Cache-Control"] = noStore
	return o
}

// maxWebhook is the size in bytes of the largest notice accepted.
const maxWebhook = 256 << 10
