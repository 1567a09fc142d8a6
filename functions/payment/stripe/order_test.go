package stripe_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"seatlock/functions/payment"
	"seatlock/functions/payment/stripe"
	"seatlock/functions/payment/stripe/fake"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// A house is an event on sale whose orders are paid through Stripe, while calls and
// webhooks fail at random.
type house struct {
	t      *testing.T
	at     *fake.Stripe
	stripe *stripe.Stripe
	store  *memstore.Store
	event  *lockstore.Event
	orders *payment.Payments

	mu     sync.Mutex // protects random
	random *rand.Rand
}

func (h *house) chance(percent int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.random.IntN(100) < percent
}

func (h *house) upTo(d time.Duration) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Duration(h.random.Int64N(int64(d)))
}

// fault makes one call in four fail.
func (h *house) fault(c fake.Call) fake.Fault {
	if !h.chance(25) {
		return fake.Fault{}
	}
	faults := []fake.Fault{
		{Lost: true}, {Lost: true, NoEffect: true},
		{Status: 500}, {Status: 500, NoEffect: true}, {Status: 503, NoEffect: true}, {Status: 429},
		{Before: h.upTo(time.Minute)}, {After: h.upTo(time.Minute)},
	}
	if c.Route == captureRoute {
		faults = append(faults, fake.Fault{Status: 402})
	}
	return faults[int(h.upTo(time.Duration(len(faults))))]
}

// deliver delivers webhooks until the context ends: a third of them not at all, some
// twice, and in any order.
func (h *house) deliver(ctx context.Context) {
	for ctx.Err() == nil {
		time.Sleep(time.Second)
		events := h.at.TakeEvents()
		for _, e := range slices.Clone(events) {
			if h.chance(30) {
				events = append(events, e)
			}
		}
		for len(events) > 0 {
			n := int(h.upTo(time.Duration(len(events))))
			e := events[n]
			events = slices.Delete(events, n, n+1)
			if h.chance(33) {
				continue
			}
			r, err := h.at.Webhook(ctx, "https://shop.example/webhooks/stripe", e)
			must(h.t, "make the webhook", err)
			id, err := h.stripe.Verify(e.Body, r.Header, h.at.Now())
			must(h.t, "verify the webhook", err)
			if id != "" {
				h.orders.Notice(ctx, id)
			}
		}
	}
}

// buy acts as one buyer, who may pay, be declined first, pay by a debit, or leave.
func (h *house) buy(ctx context.Context, user lockstore.UserID, seats ...lockstore.SeatID) {
	time.Sleep(h.upTo(20 * time.Minute))
	if _, err := h.store.Do(ctx, h.event, lockstore.Lock(user, seats...)); err != nil {
		return // another buyer has them
	}
	var o *payment.Order
	for range 5 {
		var err error
		if o, err = h.orders.Checkout(ctx, payment.Checkout{
			Event: h.event, Title: "A Winter's Tale", User: user, Seats: seats, ReturnURL: "https://shop.example/",
			Bill: payment.Bill{Total: 8400, Currency: "EUR", Lines: []payment.Line{{Text: "First", Count: 2, Amount: 8400, Seats: seats}}},
		}); err == nil {
			break
		}
		time.Sleep(h.upTo(10 * time.Second))
	}
	if o == nil || o.Session == "" {
		return
	}
	time.Sleep(h.upTo(8 * time.Minute)) // some are too late
	if h.chance(30) {
		h.at.Decline(o.Session)
	}
	switch {
	case h.chance(20):
	case h.chance(25):
		if h.at.PayDelayed(o.Session) == nil {
			time.Sleep(h.upTo(time.Hour))
			must(h.t, "decide", h.at.FinishDelayed(o.Session, h.chance(50)))
		}
	default:
		h.at.Pay(o.Session)
	}
	if h.chance(10) {
		h.at.RefundsBecome("pending")
	}
}

// check checks that all kept money has its seats, and all booked seats have their
// money.
func (h *house) check() (paid int) {
	t := h.t
	booked := make(map[string]int)
	_, roster := h.store.Roster(t.Context(), h.event, lockstore.Filter{})
	for held, err := range roster {
		must(t, "roster", err)
		if held.Status == lockstore.Booked {
			booked[string(held.Ref)]++
		}
	}
	money := h.at.Money()
	all, _, err := h.orders.Orders(t.Context(), h.event.ID, "")
	must(t, "orders", err)
	for _, o := range all {
		m, seats := money[string(o.Order)], booked[string(o.Order)]
		delete(booked, string(o.Order))
		kept := m.Captured - m.Refunded
		switch {
		case o.Stage.Unsettled():
			t.Errorf("order %s is %s: %v", o.Order, o.Stage, o.History)
		case m.Sessions > 1 || m.Captures > 1 || m.Payable > 0 || m.Authorised > 0:
			t.Errorf("order %s is %s, and Stripe has %+v", o.Order, o.Stage, m)
		case kept != 0 && kept != 8400, (kept > 0) != (seats == 2), kept == 0 && seats != 0:
			t.Errorf("order %s is %s: %d was kept for %d seats: %v", o.Order, o.Stage, kept, seats, o.History)
		}
		if kept > 0 {
			paid++
		}
	}
	if len(booked) > 0 {
		t.Errorf("seats are booked without an order: %v", booked)
	}
	return paid
}

// TestOrdersThroughStripe checks that no money is kept without every seat, and no seat
// is booked without money, whatever happens to calls and webhooks.
func TestOrdersThroughStripe(t *testing.T) {
	paid := 0
	for seed := range uint64(5) {
		play(t, stripe.Config{Delayed: true}, func(t *testing.T, s *stripe.Stripe, at *fake.Stripe) {
			var seats []lockstore.SeatID
			for i := range 16 {
				seats = append(seats, lockstore.SeatID(fmt.Sprint("S", i+1)))
			}
			layout, err := lockstore.NewLayout(seats)
			if err != nil {
				t.Fatal(err)
			}
			h := &house{t: t, at: at, stripe: s, store: new(memstore.Store), random: rand.New(rand.NewPCG(seed, 0))}
			h.event = &lockstore.Event{ID: "fri", Layout: layout, LockTTL: time.Minute, MaxLock: 10 * time.Minute}
			h.orders, err = payment.New(payment.Config{
				Seats: h.store, Orders: h.store, Provider: s, Within: 5 * time.Minute, Margin: 2 * time.Minute,
				Event: func(lockstore.EventID) (*lockstore.Event, error) { return h.event, nil },
				Log:   slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			at.Fail(h.fault)
			ctx, stop := context.WithCancel(t.Context())
			var workers, buyers sync.WaitGroup
			for range 2 {
				workers.Go(func() { h.orders.Work(ctx, func() []lockstore.EventID { return []lockstore.EventID{h.event.ID} }) })
			}
			workers.Go(func() { h.deliver(ctx) })
			for i := range 12 { // some want the same seats
				n := 2 * (i % 8)
				buyers.Go(func() { h.buy(ctx, lockstore.UserID(fmt.Sprint("u", i)), seats[n], seats[n+1]) })
			}
			buyers.Wait()
			at.Fail(nil)
			time.Sleep(time.Hour)
			at.RefundsBecome("succeeded")
			at.FinishRefunds("pending", "succeeded")
			time.Sleep(time.Hour)
			paid += h.check()
			stop()
			workers.Wait()
		})
	}
	if paid < 10 {
		t.Errorf("only %d orders were paid: the test shows little", paid)
	}
}
