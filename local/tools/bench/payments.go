package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"seatlock/functions/client"
	"seatlock/functions/payment"
	"seatlock/functions/payment/stripe/fake"
	"seatlock/local/tools/internal/testbed"
	"seatlock/lockstore"
	"seatlock/lockstore/storetest/faults"
	"seatlock/lockstore/storetest/history"
)

func memoryPayments(ctx context.Context, bed *testbed.Bed) (result, error) {
	return paidOrders(ctx, bed)
}

func redisPayments(ctx context.Context, s *redisServer) (result, error) {
	bed := new(testbed.Bed)
	defer bed.Close()
	return paidOrders(ctx, bed, s)
}

// paidOrders compares buyers who lock a place and pay for it, from the lock to the paid
// order, with buyers who lock one and confirm it, by the processor time that each takes.
// The servers are processes of their own, and a Redis counts, too. The buyers and the fake
// Stripe are in this process and do not count: they stand for other machines.
func paidOrders(ctx context.Context, bed *testbed.Bed, redis ...*redisServer) (result, error) {
	program, err := faults.Build(ctx, nil, "seatlock/local")
	if err != nil {
		return result{}, err
	}
	unpaid, err := openShop(ctx, bed, program, false, redis)
	if err != nil {
		return result{}, err
	}
	paid, err := openShop(ctx, bed, program, true, redis)
	if err != nil {
		return result{}, err
	}
	side := func(s *shop) func() (float64, error) { return func() (float64, error) { return s.round(ctx) } }
	c, err := sideBySide(side(unpaid), side(paid))
	if err == nil {
		err = paid.check(ctx)
	}
	ok := 1/c.ratio >= 0.3
	return result{micros(c.base) + " of the processor", micros(c.ours), fmt.Sprintf("%.2f", 1/c.ratio), ok}, err
}

const (
	shopPlaces   = 100_000
	stripeKey    = "sk_test_bench"
	stripeSecret = "whsec_bench"
	installation = "bench"
	operatorKey  = "the-operator-who-looks-at-the-orders-of-the-benchmark"
)

// A shop sells the places of an event on a server, with or without payments.
type shop struct {
	*client.Client
	url    string
	event  *lockstore.Event
	pids   []int        // of the server and its store
	http   http.Client  // delivers the webhooks
	stripe *fake.Stripe // nil without payments
	place  atomic.Int64 // the last one that was sold
}

// openShop starts a server.
func openShop(ctx context.Context, bed *testbed.Bed, program string, paid bool, redis []*redisServer) (*shop, error) {
	dir, err := bed.Folder()
	if err != nil {
		return nil, err
	}
	file, id := filepath.Join(dir, "events.json"), "shop-"+strconv.FormatBool(paid)
	events := fmt.Sprintf(`{"events": [{"id": %q, "currency": "EUR", "lockSeconds": 3600, "categories": [{"id": "a", "name": "First", "price": 4200}], "areas": [{"name": "Floor", "capacity": %d, "category": "a"}]}]}`, id, shopPlaces)
	if err := os.WriteFile(file, []byte(events), 0o600); err != nil {
		return nil, err
	}
	s := &shop{http: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}}
	bed.OnClose(s.http.CloseIdleConnections)
	args := []string{"-addr", "127.0.0.1:0", "-events", file, "-address-share", "100"}
	for _, r := range redis {
		args, s.pids = append(args, "-redis", r.URL()), append(s.pids, r.PID())
	}
	var env []string
	if paid {
		s.stripe = fake.New(fake.Config{Key: stripeKey, Secrets: []string{stripeSecret}})
		addr, err := listen(ctx, s.stripe)
		if err != nil {
			return nil, err
		}
		args = append(args, "-checkout", "stripe", "-installation", installation)
		env = []string{"STRIPE_KEY=" + stripeKey, "STRIPE_WEBHOOK_SECRET=" + stripeSecret, "STRIPE_URL=http://" + addr, "OPERATOR_KEY=" + operatorKey}
	}
	log := new(faults.Log)
	server, err := faults.StartProcess(log, env, program, args...)
	if err != nil {
		return nil, err
	}
	bed.OnClose(server.Kill)
	starting, cancel := context.WithTimeout(ctx, busyFor)
	defer cancel()
	if s.url, err = log.URL(starting); err != nil {
		return nil, err
	}
	s.pids = append(s.pids, server.PID())
	if s.Client, err = client.New(s.url, client.Options{Connections: callers}); err != nil {
		return nil, err
	}
	bed.OnClose(s.Close)
	on, err := s.Events(ctx)
	if err != nil {
		return nil, err
	}
	s.event = on[0]
	return s, nil
}

// round has 64 buyers buy for a round, and returns how many nanoseconds of the processor
// each place took.
func (s *shop) round(ctx context.Context) (float64, error) {
	before, err := processorTime(s.pids...)
	if err != nil {
		return 0, err
	}
	sold := s.place.Load()
	_, err = parallel(ctx, callers, round, func(_ int, turns iter.Seq[int]) error {
		for range turns {
			n := s.place.Add(1)
			if n > shopPlaces {
				return errTooFewSeats
			}
			if err := s.buy(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	if s.stripe != nil {
		s.stripe.TakeEvents() // discard them, since nobody else reads them
	}
	after, err := processorTime(s.pids...)
	return float64(after-before) / float64(s.place.Load()-sold), err
}

// buy is what one buyer does. It repeats calls that time out on a busy machine.
func (s *shop) buy(ctx context.Context, n int64) error {
	user, place := lockstore.UserID(fmt.Sprint("user", n)), lockstore.SeatID(fmt.Sprint("Floor#", n))
	do := func(op lockstore.Op) error {
		return history.Repeat(ctx, func() error { _, err := s.Do(ctx, s.event, op); return err })
	}
	if err := do(lockstore.Lock(user, place)); err != nil {
		return err
	}
	if s.stripe == nil {
		return do(lockstore.Confirm(user, place))
	}
	var o client.Order
	err := history.Repeat(ctx, func() (err error) {
		o, err = s.Checkout(ctx, client.Checkout{Event: s.event.ID, User: user, Seats: []lockstore.SeatID{place}})
		return err
	})
	if err != nil {
		return err
	}
	if err := s.stripe.Pay(path.Base(o.PayURL)); err != nil {
		return err
	}
	return s.notify(ctx, o.ID)
}

// notify delivers the webhook of an order that may have changed.
func (s *shop) notify(ctx context.Context, id lockstore.OrderID) error {
	notice := fmt.Appendf(nil, `{"type":"checkout.session.completed","data":{"object":{"metadata":{"order":%q,"installation":%q}}}}`, id, installation)
	r, err := http.NewRequestWithContext(ctx, "POST", s.url+"/webhooks/stripe", bytes.NewReader(notice))
	if err != nil {
		return err
	}
	r.Header.Set("Stripe-Signature", fake.Sign(notice, time.Now(), stripeSecret))
	resp, err := s.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the webhook of order %s is answered %s", id, resp.Status)
	}
	return nil
}

// check waits until every order is paid: a benchmark of errors is worthless. An order whose
// webhook timed out on a busy machine is found by polling.
func (s *shop) check(ctx context.Context) error {
	operator, err := client.New(s.url, client.Options{Token: operatorKey})
	if err != nil {
		return err
	}
	defer operator.Close()
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(time.Second) {
		states, err := s.states(ctx, operator)
		switch {
		case err != nil:
			return err
		case len(states) == 1 && states[string(payment.StagePaid)] > 0:
			return nil
		case time.Now().After(end):
			return fmt.Errorf("not every order is paid: there are %v", states)
		}
	}
}

// states returns how many orders there are, by state.
func (s *shop) states(ctx context.Context, operator *client.Client) (map[string]int, error) {
	states := make(map[string]int)
	for after := lockstore.OrderID(""); ; {
		page, next, err := operator.Orders(ctx, s.event.ID, "", after)
		if err != nil {
			return nil, err
		}
		for _, o := range page {
			states[o.State]++
		}
		if after = next; next == "" {
			return states, nil
		}
	}
}
