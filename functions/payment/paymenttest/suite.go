package paymenttest

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/lockstore"
)

// Provider tests a provider whose payments are authorised first against the contract of
// [payment.Provider]. newProvider returns an empty provider, and a function that pays a
// session as its buyer.
func Provider(t *testing.T, newProvider func(t *testing.T) (p payment.Provider, pay func(payment.Session) error)) {
	for _, c := range providerCases {
		t.Run(c.name, func(t *testing.T) {
			p, pay := newProvider(t)
			c.check(&providerCheck{t, p, pay, t.Context()})
		})
	}
}

type providerCheck struct {
	*testing.T
	payment.Provider
	pay func(payment.Session) error
	ctx context.Context
}

var providerCases = []struct {
	name  string
	check func(*providerCheck)
}{
	{"a session is opened once for an order", opensOnce},
	{"a session can be paid until it expires", expires},
	{"a paid session does not expire", doesNotExpire},
	{"money is reserved and then taken once", captures},
	{"money that is reserved can be given up", voids},
	{"parts are paid back, and not more than was taken", refunds},
	{"a refund is made once for a key", refundsOnce},
	{"recent sessions have the terms of their orders", remembers},
	{"a notice that is not signed is refused", signs},
}

func (c *providerCheck) request(id lockstore.OrderID) payment.Request {
	now := time.Now().UTC().Truncate(time.Second)
	return payment.Request{
		Terms: payment.Terms{
			Order: id, Event: "concert", User: "ann@example.org", Seats: []lockstore.SeatID{"P-1 7", "Ä2"},
			Amount: 8400, Currency: "EUR", Created: now, PayBefore: now.Add(10 * time.Minute),
		},
		Title: "Concert", Lines: []payment.Line{{Text: "First", Count: 2, Amount: 8400}}, ReturnURL: "https://shop.example/?order=" + string(id),
	}
}

func (c *providerCheck) open(id lockstore.OrderID) payment.Session {
	c.Helper()
	s, err := c.Open(c.ctx, c.request(id))
	if err != nil {
		c.Fatal(err)
	}
	return s
}

// paid opens a session and pays it.
func (c *providerCheck) paid(id lockstore.OrderID) payment.Payment {
	c.Helper()
	s := c.open(id)
	if err := c.pay(s); err != nil {
		c.Fatal(err)
	}
	return c.want(s, payment.Authorised)
}

func (c *providerCheck) want(s payment.Session, state payment.State) payment.Payment {
	c.Helper()
	p, err := c.Fetch(c.ctx, s.ID)
	if err != nil || p.State != state {
		c.Errorf("the payment is %s (%v), want %s", p.State, err, state)
	}
	return p
}

func (c *providerCheck) ok(err error) {
	c.Helper()
	if err != nil {
		c.Error(err)
	}
}

func (c *providerCheck) refused(err error) {
	c.Helper()
	if !errors.Is(err, payment.ErrRefused) {
		c.Errorf("the error is %v, want ErrRefused", err)
	}
}

func opensOnce(c *providerCheck) {
	request := c.request("ORDER1")
	var opened [4]payment.Session
	var all sync.WaitGroup
	for i := range opened {
		all.Go(func() {
			var err error
			for range 5 { // a provider may refuse to answer during a call with the same key
				if opened[i], err = c.Open(c.ctx, request); err == nil {
					return
				}
			}
			c.Error(err)
		})
	}
	all.Wait()
	for _, s := range opened[1:] {
		if s != opened[0] {
			c.Errorf("one order has the sessions %v and %v", s, opened[0])
		}
	}
	if opened[0].ID == "" || opened[0].URL == "" {
		c.Errorf("the session is %+v, want an id and an address", opened[0])
	}
	if p := c.want(opened[0], payment.Open); p.ID != "" || p.Session != opened[0].ID {
		c.Errorf("nobody has paid, and the payment is %+v", p)
	}
	c.ok(c.pay(opened[0]))
	if s := c.open("ORDER1"); s != opened[0] {
		c.Errorf("after it was paid, the order has the session %v, want %v", s, opened[0])
	}
}

func expires(c *providerCheck) {
	s := c.open("ORDER1")
	c.ok(c.Expire(c.ctx, s.ID))
	c.want(s, payment.Void)
	if err := c.pay(s); err == nil {
		c.Error("a session that has expired was paid")
	}
	c.ok(c.Expire(c.ctx, s.ID))
	c.want(s, payment.Void)
}

func doesNotExpire(c *providerCheck) {
	p := c.paid("ORDER1")
	for _, act := range []func() error{
		func() error { return nil },
		func() error { return c.Capture(c.ctx, p.ID, "key") },
	} {
		c.ok(act())
		if err := c.Expire(c.ctx, p.Session); !errors.Is(err, payment.ErrComplete) {
			c.Errorf("a paid session was to expire: %v, want ErrComplete", err)
		}
	}
	c.want(payment.Session{ID: p.Session}, payment.Captured)
}

func captures(c *providerCheck) {
	p := c.paid("ORDER1")
	if p.ID == "" || p.Terms.Amount != 8400 || p.Terms.Currency != "EUR" {
		c.Errorf("the payment is %+v", p)
	}
	s := payment.Session{ID: p.Session}
	c.ok(c.Capture(c.ctx, p.ID, "ORDER1-capture-0"))
	c.want(s, payment.Captured)
	c.ok(c.Capture(c.ctx, p.ID, "ORDER1-capture-0"))
	c.ok(c.Capture(c.ctx, p.ID, "ORDER1-capture-1"))
	c.refused(c.Void(c.ctx, p.ID))
	c.want(s, payment.Captured)
}

func voids(c *providerCheck) {
	p := c.paid("ORDER1")
	s := payment.Session{ID: p.Session}
	c.ok(c.Void(c.ctx, p.ID))
	c.want(s, payment.Void)
	c.ok(c.Void(c.ctx, p.ID))
	c.refused(c.Capture(c.ctx, p.ID, "ORDER1-capture-0"))
	_, err := c.Refund(c.ctx, p.ID, 1, "ORDER1-refund-1")
	c.refused(err)
	c.want(s, payment.Void)
}

func refunds(c *providerCheck) {
	p := c.paid("ORDER1")
	c.ok(c.Capture(c.ctx, p.ID, "ORDER1-capture-0"))
	for n, amount := range []int64{4000, 4400} {
		key := "ORDER1-refund-" + string(rune('1'+n))
		r, err := c.Refund(c.ctx, p.ID, amount, key)
		if err != nil || r.State == payment.RefundFailed || r.Amount != amount || r.Key != key || r.ID == "" {
			c.Errorf("the refund is %+v (%v)", r, err)
		}
	}
	_, err := c.Refund(c.ctx, p.ID, 1, "ORDER1-refund-3")
	c.refused(err)
	all, err := c.Refunds(c.ctx, p.ID)
	sum := int64(0)
	for _, r := range all {
		sum += r.Amount
	}
	if err != nil || len(all) != 2 || sum != 8400 {
		c.Errorf("the refunds are %+v (%v), want two of 8400 together", all, err)
	}
	c.want(payment.Session{ID: p.Session}, payment.Captured)
}

func refundsOnce(c *providerCheck) {
	p := c.paid("ORDER1")
	c.ok(c.Capture(c.ctx, p.ID, "ORDER1-capture-0"))
	first, err := c.Refund(c.ctx, p.ID, 1000, "ORDER1-refund-1")
	c.ok(err)
	second, err := c.Refund(c.ctx, p.ID, 1000, "ORDER1-refund-1")
	c.ok(err)
	if first.ID != second.ID {
		c.Errorf("one key has made the refunds %s and %s", first.ID, second.ID)
	}
	// If the store has lost a refund, its key is used with another amount.
	_, err = c.Refund(c.ctx, p.ID, 500, "ORDER1-refund-1")
	c.refused(err)
	if all, err := c.Refunds(c.ctx, p.ID); err != nil || len(all) != 1 || all[0] != first {
		c.Errorf("the refunds are %+v (%v), want the first one, %+v", all, err, first)
	}
}

func remembers(c *providerCheck) {
	since := time.Now().Add(-time.Minute)
	want := map[lockstore.OrderID]payment.State{"ORDER1": payment.Open, "ORDER2": payment.Authorised}
	c.open("ORDER1")
	c.paid("ORDER2")
	for p, err := range c.Recent(c.ctx, since) {
		if err != nil {
			c.Fatal(err)
		}
		terms := c.request(p.Terms.Order).Terms
		terms.Created, terms.PayBefore = p.Terms.Created.UTC(), p.Terms.PayBefore.UTC() // time has passed since
		p.Terms.Created, p.Terms.PayBefore = terms.Created, terms.PayBefore
		if !reflect.DeepEqual(p.Terms, terms) || terms.PayBefore.Sub(terms.Created) != 10*time.Minute {
			c.Errorf("the terms are %+v, want %+v", p.Terms, terms)
		}
		if p.State != want[p.Terms.Order] {
			c.Errorf("%s is %s, want %s", p.Terms.Order, p.State, want[p.Terms.Order])
		}
		delete(want, p.Terms.Order)
	}
	if len(want) > 0 {
		c.Errorf("not among the recent sessions: %v", want)
	}
	for p := range c.Recent(c.ctx, time.Now().Add(time.Hour)) {
		c.Errorf("%s is later than an hour from now", p.Terms.Order)
	}
}

func signs(c *providerCheck) {
	if id, err := c.Verify([]byte(`{"id":"evt_1","type":"checkout.session.completed"}`), nil, time.Now()); !errors.Is(err, payment.ErrBadNotice) {
		c.Errorf("a notice without a signature is about %q (%v), want ErrBadNotice", id, err)
	}
}
