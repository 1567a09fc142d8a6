package payment

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"seatlock/lockstore"
)

// A Checkout is what a buyer wants to pay for.
type Checkout struct {
	Event     *lockstore.Event
	Title     string // of the event
	User      lockstore.UserID
	Seats     []lockstore.SeatID // which the user has locked
	Bill      Bill
	ReturnURL string // where the buyer comes back to; the order is added to its query
	Contact   Contact
	Lang      string // of the provider's page, as [Request] has it
}

// A Bill is what seats cost.
type Bill struct {
	Total    int64
	Currency string
	Lines    []Line
}

// An OtherOrderError is returned when a buyer who has begun to pay for some seats
// wants to pay for others of the same event.
type OtherOrderError struct{ Order *Order }

func (e *OtherOrderError) Error() string {
	return fmt.Sprintf("payment: the buyer is paying for %s in order %s", e.Order.Seats, e.Order.Order)
}

var (
	// ErrShortLock is returned when the seats cannot stay locked until they are paid
	// for.
	ErrShortLock = errors.New("payment: the locks cannot be extended until the seats are paid for")

	// ErrBusy is returned when an order was changed again and again meanwhile. The
	// caller may try again.
	ErrBusy = errors.New("payment: the order is being changed; try again")
)

// Checkout begins the payment of seats that the user has locked, and keeps them locked
// for as long as that may take. The same user, event and seats have the same order
// until it has ended. If Checkout returns an order and an error, the order was begun
// and its payment is not open yet: repeat the call.
//
// The error is a [*lockstore.ConflictError] if the user does not have the seats.
func (p *Payments) Checkout(ctx context.Context, c Checkout) (*Order, error) {
	if !p.clock.known() {
		if err := p.learnTime(ctx, c.Event); err != nil {
			return nil, err
		}
	}
	for range 4 {
		o, err := p.checkout(ctx, &c)
		if !errors.Is(err, lockstore.ErrOrderChanged) {
			return o, err
		}
	}
	return nil, ErrBusy
}

func (p *Payments) checkout(ctx context.Context, c *Checkout) (*Order, error) {
	id := pointerID(c.Event.ID, c.User)
	at, last, err := p.pointed(ctx, id)
	if err != nil {
		return nil, err
	}
	if last != "" {
		o, err := p.current(ctx, c.Event.ID, c.User, last)
		if err != nil {
			return nil, err
		}
		if o.Live() || o.Stage == StagePaid {
			same := sameSeats(o.Seats, c.Seats) && o.Amount == c.Bill.Total && o.Currency == c.Bill.Currency
			switch {
			case same && o.Stage == StageOpening:
				return o, fmt.Errorf("payment: order %s is not open yet; try again", o.Order)
			case same:
				return o, nil
			case o.Stage.Live():
				return nil, &OtherOrderError{o}
			}
		}
	}
	o, err := p.draft(ctx, c)
	if err != nil {
		return nil, err
	}
	// The pointer first: two that check out at once must not both open a payment.
	body, err := json.Marshal(pointer{bodyVersion, o.Order})
	if err != nil {
		return nil, err
	}
	if _, err := p.orders.Put(ctx, lockstore.Order{ID: id, Event: c.Event.ID, Revision: at, Body: body}); err != nil {
		return nil, err
	}
	record, err := o.encode(p.due(o, p.clock.now(), 0))
	if err != nil {
		return nil, err
	}
	if o.Revision, err = p.orders.Put(ctx, record); err != nil {
		return nil, err
	}
	p.moved("", o.Stage)
	p.log.Info("order begun", "order", o.Order, "event", o.Event, "seats", len(o.Seats), "amount", o.Amount, "currency", o.Currency)
	o, err = p.advance(ctx, o)
	if err == nil && o.Stage == StageOpening {
		err = fmt.Errorf("payment: order %s is not open yet; try again", o.Order)
	}
	return o, err
}

// draft extends the locks and returns an order that is not stored yet.
func (p *Payments) draft(ctx context.Context, c *Checkout) (*Order, error) {
	now := p.clock.now()
	o := &Order{
		Terms: Terms{
			Order: lockstore.OrderID(rand.Text()), Event: c.Event.ID, User: c.User, Seats: slices.Clone(c.Seats),
			Amount: c.Bill.Total, Currency: c.Bill.Currency,
			Created:   now.UTC().Truncate(time.Second),
			PayBefore: now.Add(p.within + time.Second - 1).UTC().Truncate(time.Second),
		},
		Title: clip(c.Title, maxText), Lines: slices.Clone(c.Bill.Lines), Contact: c.Contact, Lang: c.Lang,
		Stage: StageOpening, Provider: p.provider.Name(),
	}
	if err := o.Terms.Check(); err != nil {
		return nil, err
	}
	var err error
	if o.ReturnURL, err = withOrder(c.ReturnURL, o.Order); err != nil {
		return nil, err
	}
	if err := o.checkSize(); err != nil {
		return nil, err
	}
	until := o.PayBefore.Add(p.margin)
	if o.Amount == 0 {
		until = now.Add(p.paced(bookingWindow))
	}
	op := lockstore.Extend(c.User, until, c.Seats...)
	op.By, op.Cap = "", min(c.Event.MaxLock+p.within+p.margin+time.Second, lockstore.MaxLockTTL)
	asked := time.Now()
	result, err := p.seats.Do(ctx, c.Event, op)
	p.clock.learn(result.Now, asked)
	switch {
	case err != nil:
		return nil, err
	case result.Expires.Before(until.Truncate(time.Millisecond)):
		return nil, ErrShortLock
	}
	if o.Amount == 0 { // nothing to pay: the seats are booked at once
		o.Provider, o.Stage = "", StageBooking
		o.BookBefore = p.clock.now().Add(p.paced(bookingWindow)).Truncate(time.Millisecond)
	}
	o.record(Move{To: o.Stage, Time: now.UTC().Truncate(time.Millisecond)})
	return o, nil
}

// checkSize refuses an order with texts that are so long that its record could become
// longer than a store takes.
func (o *Order) checkSize() error {
	for i := range o.Lines {
		o.Lines[i].Text = clip(o.Lines[i].Text, maxText)
		if foreign := without(o.Lines[i].Seats, o.Seats); len(foreign) > 0 {
			return &lockstore.InvalidError{Problem: fmt.Sprintf("the bill names seat %s, which is not to be paid for", foreign[0])}
		}
	}
	for name, text := range map[string]string{"name": o.Contact.Name, "e-mail address": o.Contact.Email} {
		if clip(text, maxText) != text {
			return &lockstore.InvalidError{Problem: fmt.Sprintf("the buyer's %s must be up to %d bytes of text in one line", name, maxText)}
		}
	}
	record, err := o.encode(time.Time{})
	if err == nil && len(record.Body) > maxDraft {
		err = &lockstore.InvalidError{Problem: fmt.Sprintf("the order has %d bytes and must have at most %d: pay for fewer seats at once", len(record.Body), maxDraft)}
	}
	return err
}

// withOrder adds the order to the address to which its buyer comes back. A provider
// sends browsers there, so it must be a page, and the caller knows whose.
func withOrder(address string, id lockstore.OrderID) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(address) > maxURL/2 {
		return "", &lockstore.InvalidError{Problem: fmt.Sprintf("the address to come back to must be an http or https URL of up to %d bytes", maxURL/2)}
	}
	q := u.Query()
	q.Set("order", string(id))
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// current returns the order to which a buyer's pointer points, as far as it can go.
// One that a checkout has not written, and perhaps never will, is closed: if it is
// written later, that fails. One of which the provider refuses to say whether it was paid
// is given up.
func (p *Payments) current(ctx context.Context, event lockstore.EventID, user lockstore.UserID, id lockstore.OrderID) (*Order, error) {
	o, err := p.Order(ctx, id)
	if errors.Is(err, lockstore.ErrNoOrder) {
		o = &Order{Terms: Terms{Order: id, Event: event, User: user}, Stage: StageClosed}
		o.record(Move{To: StageClosed, Time: p.clock.now().UTC().Truncate(time.Millisecond), Why: "the checkout did not go on"})
		record, err := o.encode(time.Time{})
		if err != nil {
			return nil, err
		}
		o.Revision, err = p.orders.Put(ctx, record)
		return o, err
	}
	if err != nil {
		return nil, err
	}
	if o.Stage.Live() {
		if o, err = p.Look(ctx, o); err != nil {
			p.log.Warn("an order could not be advanced at a checkout", "order", id, "error", err)
		}
	}
	if o.Stuck != StageOpen {
		return o, nil
	}
	// A person may try it again, and a buyer must not have two to pay for.
	closed, err := p.Close(ctx, id, "")
	if errors.Is(err, ErrStage) { // it was tried again meanwhile, and is paid
		err = nil
	}
	return closed, err
}

// Latest returns the order that a buyer began last for an event, or
// [lockstore.ErrNoOrder].
func (p *Payments) Latest(ctx context.Context, event lockstore.EventID, user lockstore.UserID) (*Order, error) {
	_, id, err := p.pointed(ctx, pointerID(event, user))
	if err != nil {
		return nil, err
	}
	if id == "" {
		return nil, lockstore.ErrNoOrder
	}
	return p.Order(ctx, id)
}

// A pointer is the record which says what order a buyer has begun last for an event.
// It is compared and set, so that there is one that is open.
type pointer struct {
	Version int               `json:"v"`
	Order   lockstore.OrderID `json:"order"`
}

// pointerPrefix is before the ids of pointers. Ids of orders have no small letters, so
// they come first in a list.
const pointerPrefix = "buyer."

// isOrder reports whether a record is an order: the ids of all others have a dot.
func isOrder(id lockstore.OrderID) bool { return !strings.Contains(string(id), ".") }

func pointerID(event lockstore.EventID, user lockstore.UserID) lockstore.OrderID {
	sum := sha256.Sum256([]byte(string(event) + "\x00" + string(user)))
	return lockstore.OrderID(pointerPrefix + hex.EncodeToString(sum[:20]))
}

// pointed returns the revision of a pointer and its order; nothing if there is none.
func (p *Payments) pointed(ctx context.Context, id lockstore.OrderID) (int64, lockstore.OrderID, error) {
	r, err := p.orders.Order(ctx, id)
	if errors.Is(err, lockstore.ErrNoOrder) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", err
	}
	var to pointer
	if err := json.Unmarshal(r.Body, &to); err != nil || to.Version != bodyVersion {
		return 0, "", fmt.Errorf("payment: the record %s cannot be read by this program: version %d, %w", id, to.Version, err)
	}
	return r.Revision, to.Order, nil
}
