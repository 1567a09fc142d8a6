// Package till is the provider of payments at home: it behaves as a real one, and no
// money moves.
package till

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"seatlock/functions/payment"
	"seatlock/lockstore"
)

// A Till is the provider at home: it behaves as a real one, and no money moves. Its
// page, [Till.ServeHTTP], lets anybody with the address of a session decide what
// happens there.
//
// A Till keeps its sessions in the store of the orders, so they last as long as
// orders do, and processes that share the store share the till. It is safe for
// concurrent use.
type Till struct {
	orders  lockstore.OrderStore
	events  func() []lockstore.EventID
	late    time.Duration
	secret  []byte
	deliver func(ctx context.Context, body []byte, header http.Header)
}

var _ payment.Provider = (*Till)(nil)

// A Config configures a [Till]. All fields are required.
type Config struct {
	Orders lockstore.OrderStore
	Events func() []lockstore.EventID // whose sessions Recent returns

	// Late is how long after the deadline a payment is made that comes too late. It is
	// more than Config.Margin, so that the seats are gone by then.
	Late time.Duration

	// Deliver takes a signed notice to where the provider's webhooks arrive. It must
	// not wait for longer than a request may take.
	Deliver func(ctx context.Context, body []byte, header http.Header)
}

// New returns a Till. Notices are signed with a key that no other Till has.
func New(c Config) *Till {
	return &Till{c.Orders, c.Events, c.Late, []byte(rand.Text()), c.Deliver}
}

// A session is the record of a session.
type session struct {
	Version int `json:"v"`
	payment.Request
	Paid     bool             `json:"paid,omitzero"` // there is a payment
	State    payment.State    `json:"state"`
	Decided  time.Time        `json:"decided,omitzero"` // when a pending payment becomes an authorised one
	Refunds  []payment.Refund `json:"refunds,omitempty"`
	revision int64
}

// version is the format of the records.
const version = 1

// prefix is before the order in the ids of records, sessions and payments.
const prefix = "till."

// Name implements [payment.Provider].
func (t *Till) Name() string { return "till" }

// payment.Open implements [payment.Provider].
func (t *Till) Open(ctx context.Context, r payment.Request) (payment.Session, error) {
	if err := errors.Join(r.Terms.Check(), ctx.Err()); err != nil {
		return payment.Session{}, err
	}
	if r.Amount == 0 {
		return payment.Session{}, fmt.Errorf("%w: there is nothing to pay for order %s", payment.ErrRefused, r.Order)
	}
	id := prefix + string(r.Order)
	_, err := t.read(ctx, id)
	if errors.Is(err, lockstore.ErrNoOrder) {
		if time.Since(r.PayBefore) > time.Hour {
			return payment.Session{}, fmt.Errorf("%w: the time to pay for order %s is long over", payment.ErrRefused, r.Order)
		}
		if err = t.put(ctx, id, &session{Version: version, Request: r, State: payment.Open}); errors.Is(err, lockstore.ErrOrderChanged) {
			err = nil // opened by another call meanwhile
		}
	}
	if err != nil {
		return payment.Session{}, err
	}
	query := url.Values{"session": {id}}
	if r.Lang != "" {
		query.Set("lang", r.Lang)
	}
	return payment.Session{ID: id, URL: "/till?" + query.Encode()}, nil
}

func (t *Till) put(ctx context.Context, id string, s *session) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = t.orders.Put(ctx, lockstore.Order{ID: lockstore.OrderID(id), Event: s.Event, Revision: s.revision, Body: body})
	return err
}

// session reads a session.
func (t *Till) read(ctx context.Context, id string) (*session, error) {
	if !strings.HasPrefix(id, prefix) {
		return nil, fmt.Errorf("%w: %q is no session", payment.ErrRefused, id)
	}
	r, err := t.orders.Order(ctx, lockstore.OrderID(id))
	if err != nil {
		return nil, err
	}
	return decode(r)
}

func decode(r lockstore.Order) (*session, error) {
	s := &session{revision: r.Revision}
	if err := json.Unmarshal(r.Body, s); err != nil {
		return nil, fmt.Errorf("payment: the record %s cannot be read: %w", r.ID, err)
	}
	if s.State == payment.Pending && !time.Now().Before(s.Decided) {
		s.State = payment.Authorised
	}
	return s, nil
}

// change changes a session, unless f fails.
func (t *Till) change(ctx context.Context, id string, f func(*session) error) error {
	for range 8 {
		s, err := t.read(ctx, id)
		if errors.Is(err, lockstore.ErrNoOrder) {
			return fmt.Errorf("%w: there is no session %s", payment.ErrRefused, id)
		}
		if err != nil {
			return err
		}
		if err := f(s); err != nil {
			return err
		}
		if err := t.put(ctx, id, s); !errors.Is(err, lockstore.ErrOrderChanged) {
			return err
		}
	}
	return payment.ErrBusy
}

func (s *session) payment(id string) payment.Payment {
	p := payment.Payment{Session: id, State: s.State, Terms: s.Terms, Until: s.Decided}
	if s.Paid {
		p.ID = id
	}
	for _, r := range s.Refunds {
		if r.State != payment.RefundFailed {
			p.Back += r.Amount
		}
	}
	return p
}

// Fetch implements [payment.Provider].
func (t *Till) Fetch(ctx context.Context, id string) (payment.Payment, error) {
	s, err := t.read(ctx, id)
	if errors.Is(err, lockstore.ErrNoOrder) {
		err = fmt.Errorf("%w: there is no session %s", payment.ErrRefused, id)
	}
	if err != nil {
		return payment.Payment{}, err
	}
	return s.payment(id), nil
}

// Expire implements [payment.Provider].
func (t *Till) Expire(ctx context.Context, id string) error {
	return t.change(ctx, id, func(s *session) error {
		if s.Paid {
			return payment.ErrComplete
		}
		s.State = payment.Void
		return nil
	})
}

// Capture implements [payment.Provider].
func (t *Till) Capture(ctx context.Context, id, _ string) error {
	return t.change(ctx, id, func(s *session) error {
		if s.State != payment.Authorised && s.State != payment.Captured {
			return fmt.Errorf("%w: the payment is %s", payment.ErrRefused, s.State)
		}
		s.State = payment.Captured
		return nil
	})
}

// payment.Void implements [payment.Provider].
func (t *Till) Void(ctx context.Context, id string) error {
	return t.change(ctx, id, func(s *session) error {
		if s.State != payment.Authorised && s.State != payment.Void {
			return fmt.Errorf("%w: the payment is %s", payment.ErrRefused, s.State)
		}
		s.State = payment.Void
		return nil
	})
}

// payment.Refund implements [payment.Provider].
func (t *Till) Refund(ctx context.Context, id string, amount int64, key string) (made payment.Refund, err error) {
	err = t.change(ctx, id, func(s *session) error {
		left := s.Amount
		for _, r := range s.Refunds {
			if r.Key == key && r.Amount != amount {
				return fmt.Errorf("%w: %d were paid back with the key %s, not %d", payment.ErrRefused, r.Amount, key, amount)
			}
			if r.Key == key {
				made = r
				return nil
			}
			left -= r.Amount
		}
		if s.State != payment.Captured || amount <= 0 || amount > left {
			return fmt.Errorf("%w: %d of %d cannot be paid back", payment.ErrRefused, amount, left)
		}
		made = payment.Refund{ID: fmt.Sprintf("%s.refund.%d", id, len(s.Refunds)+1), Key: key, Amount: amount, State: payment.RefundDone}
		s.Refunds = append(s.Refunds, made)
		return nil
	})
	if err != nil {
		return payment.Refund{}, err
	}
	return made, nil
}

// Refunds implements [payment.Provider].
func (t *Till) Refunds(ctx context.Context, id string) ([]payment.Refund, error) {
	s, err := t.read(ctx, id)
	if errors.Is(err, lockstore.ErrNoOrder) {
		err = fmt.Errorf("%w: there is no session %s", payment.ErrRefused, id)
	}
	if err != nil {
		return nil, err
	}
	return s.Refunds, nil
}

// Recent implements [payment.Provider].
func (t *Till) Recent(ctx context.Context, since time.Time) iter.Seq2[payment.Payment, error] {
	return func(yield func(payment.Payment, error) bool) {
		for _, event := range t.events() {
			for last := lockstore.OrderID(prefix); ; {
				page, err := t.orders.Orders(ctx, event, last)
				if err != nil {
					yield(payment.Payment{}, err)
					return
				}
				for _, r := range page {
					last = r.ID
					if !strings.HasPrefix(string(last), prefix) {
						break
					}
					s, err := decode(r)
					if err != nil {
						yield(payment.Payment{}, err)
						return
					}
					if s.Created.After(since.Add(-time.Second)) && !yield(s.payment(string(r.ID)), nil) {
						return
					}
				}
				if len(page) == 0 || !strings.HasPrefix(string(last), prefix) {
					break
				}
			}
		}
	}
}

// The signature of a notice is in a header, with the time in Unix seconds: the
// HMAC-SHA256 of that, a dot and the body.
const (
	signature = "Till-Signature"
	oldest    = 5 * time.Minute
)

func (t *Till) sign(body []byte, seconds string) string {
	h := hmac.New(sha256.New, t.secret)
	h.Write([]byte(seconds + "."))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// notify delivers a signed notice about an order.
func (t *Till) notify(ctx context.Context, id lockstore.OrderID) {
	body := []byte(id)
	seconds := strconv.FormatInt(time.Now().Unix(), 10)
	t.deliver(ctx, body, http.Header{signature: {"t=" + seconds + ",v1=" + t.sign(body, seconds)}})
}

// Verify implements [payment.Provider].
func (t *Till) Verify(body []byte, header http.Header, now time.Time) (lockstore.OrderID, error) {
	var seconds, given string
	for part := range strings.SplitSeq(header.Get(signature), ",") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "t":
			seconds = value
		case "v1":
			given = value
		}
	}
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || !hmac.Equal([]byte(given), []byte(t.sign(body, seconds))) || now.Sub(time.Unix(at, 0)).Abs() > oldest {
		return "", payment.ErrBadNotice
	}
	id := lockstore.OrderID(body)
	return id, id.Check()
}

// pay is what the buyer does at the till. It reports false if nobody can pay there any
// more.
func (t *Till) pay(ctx context.Context, id string, late bool) (bool, error) {
	paid := false
	err := t.change(ctx, id, func(s *session) error {
		paid = s.State == payment.Open
		if !paid {
			return nil
		}
		s.Paid = true
		s.State = payment.Authorised
		if late {
			s.State, s.Decided = payment.Pending, s.PayBefore.Add(t.late)
		}
		return nil
	})
	return paid, err
}
