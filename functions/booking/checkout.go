package booking

import (
	"context"
	"errors"
	"fmt"
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

// checkout is the body of POST /checkout. It extends the locks, so its conflicts are those
// of an extension.
var checkout = verb{kind: lockstore.KindExtend, action: access.Buy, own: true, fields: []string{"userId", "levels", "returnUrl", "name", "email", "lang"},
	more: func(_ context.Context, _ *API, c *change) error { return c.price() },
	also: map[lockstore.Reason]string{lockstore.SeatBooked: " There is nothing to pay."}}

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
