package main

import (
	"bufio"
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"strings"
	"time"

	"seatlock/functions/booking"
	"seatlock/functions/payment"
	"seatlock/functions/payment/stripe"
	"seatlock/functions/payment/stripe/fake"
	"seatlock/functions/venue"
	"seatlock/local/tools/internal/testbed"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// A paidStore keeps seats and their orders.
type paidStore interface {
	lockstore.LockStore
	lockstore.OrderStore
}

func memoryPayments(ctx context.Context, _ *testbed.Bed) (result, error) {
	return paidOrders(ctx, func() (paidStore, error) { return new(memstore.Store), nil })
}

func redisPayments(ctx context.Context, s *redisServer) (result, error) {
	return paidOrders(ctx, func() (paidStore, error) { return s.empty(ctx) })
}

// paidOrders compares buyers who lock a seat and pay for it, from the lock to the paid
// order, with buyers who lock one and confirm it. Stripe is the fake, in this process and
// without a network.
func paidOrders(ctx context.Context, empty func() (paidStore, error)) (result, error) {
	side := func(paid bool) func() (float64, error) {
		return func() (float64, error) {
			store, err := empty()
			if err != nil {
				return 0, err
			}
			s, err := newShop(store, paid)
			if err != nil {
				return 0, err
			}
			return s.round(ctx)
		}
	}
	c, err := sideBySide(side(false), side(true))
	return c.atLeast(0.3), err
}

const (
	shopPlaces   = 40_000
	stripeKey    = "sk_test_bench"
	stripeSecret = "whsec_bench"
)

// A shop sells the places of an event, for money or not.
type shop struct {
	api      *booking.API
	event    lockstore.EventID
	stripe   *fake.Stripe
	payments *payment.Payments // nil without money
}

func newShop(store paidStore, paid bool) (*shop, error) {
	file := fmt.Sprintf(`{"events": [{"id": "shop", "currency": "EUR", "categories": [{"id": "a", "name": "First", "price": 4200}], "areas": [{"name": "Floor", "capacity": %d, "category": "a"}]}]}`, shopPlaces)
	events, err := venue.ReadEvents("bench", strings.NewReader(file), venue.Defaults{LockTTL: time.Hour})
	if err != nil {
		return nil, err
	}
	s := &shop{event: events[0].ID}
	c := booking.Config{Store: store, Events: events, Logger: slog.New(slog.DiscardHandler)}
	if paid {
		s.stripe = fake.New(fake.Config{Key: stripeKey, Secrets: []string{stripeSecret}})
		provider, err := stripe.New(stripe.Config{Key: stripeKey, Secrets: []string{stripeSecret}, Transport: s.stripe})
		if err != nil {
			return nil, err
		}
		s.payments, err = payment.New(payment.Config{Seats: store, Orders: store, Provider: provider, Within: 35 * time.Minute, Margin: 2 * time.Minute, Log: c.Logger,
			Event: func(id lockstore.EventID) (*lockstore.Event, error) { return s.api.Event(id) }})
		if err != nil {
			return nil, err
		}
		c.Payments = s.payments
	}
	s.api, err = booking.New(c)
	return s, err
}

// round has 64 buyers buy for a round, and returns how many places a second were bought.
func (s *shop) round(ctx context.Context) (float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	addr, err := listen(ctx, s.api.Routes())
	if err != nil {
		return 0, err
	}
	bought, err := parallel(ctx, callers, round, func(_ int, turns iter.Seq[int]) error {
		dialled, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		defer dialled.Close()
		c := &conn{Conn: dialled, in: bufio.NewReaderSize(dialled, 64<<10)}
		for turn := range turns {
			if turn >= shopPlaces {
				return errTooFewSeats
			}
			if err := s.buy(ctx, c, turn); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || s.payments == nil {
		return bought, err
	}
	return bought, s.check(ctx)
}

// buy is what one buyer does.
func (s *shop) buy(ctx context.Context, c *conn, turn int) error {
	body := func(b []byte, turn int) []byte {
		return fmt.Appendf(b, `{"seatId":"Floor#%d","userId":"user%d"}`, turn+1, turn)
	}
	if err := c.roundTrip(post("/lock", body), turn); err != nil {
		return err
	}
	if s.payments == nil {
		return c.roundTrip(post("/confirm", body), turn)
	}
	if err := c.roundTrip(post("/checkout", body), turn); err != nil {
		return err
	}
	o, err := s.payments.Latest(ctx, s.event, user(turn))
	if err != nil {
		return err
	}
	if err := s.stripe.Pay(o.Session); err != nil {
		return err
	}
	return c.roundTrip(s.webhook(o.Order), turn)
}

// webhook returns the notice that the order may have changed.
func (s *shop) webhook(id lockstore.OrderID) request {
	notice := fmt.Appendf(nil, `{"type":"checkout.session.completed","data":{"object":{"metadata":{"order":%q}}}}`, id)
	head := fmt.Sprintf("POST /webhooks/stripe HTTP/1.1\r\nHost: localhost\r\nStripe-Signature: %s\r\nContent-Length: %d\r\n\r\n",
		fake.Sign(notice, time.Now(), stripeSecret), len(notice))
	return func(b []byte, _ int) []byte { return append(append(b, head...), notice...) }
}

// check checks that every order is paid: a benchmark of errors is worthless.
func (s *shop) check(ctx context.Context) error {
	open, paid := 0, 0
	for after, more := lockstore.OrderID(""), true; more; {
		var page []*payment.Order
		var err error
		if page, more, err = s.payments.Orders(ctx, s.event, after); err != nil {
			return err
		}
		for _, o := range page {
			after = o.Order
			if o.Stage == payment.StagePaid {
				paid++
			} else {
				open++
			}
		}
	}
	if paid == 0 || open > 0 {
		return fmt.Errorf("%d orders are paid, and %d are not", paid, open)
	}
	return nil
}
