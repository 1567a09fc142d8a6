package booking_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/payment"
	"seatlock/functions/payment/paymenttest"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// A counter is an API where buyers pay, with an event of A1 to B5 at 42.00 EUR a seat
// and a free one.
type counter struct {
	t      *testing.T
	api    *booking.API
	store  *memstore.Store
	bank   *paymenttest.Bank
	denied atomic.Bool // the bank refuses to say what became of payments

	noSession string // why the bank opens no payment; empty: it does
}

// deniable is the bank of a counter.
type deniable struct {
	*paymenttest.Bank
	c *counter
}

func (d deniable) Fetch(ctx context.Context, session string) (payment.Payment, error) {
	if d.c.denied.Load() {
		return payment.Payment{}, payment.ErrRefused
	}
	return d.Bank.Fetch(ctx, session)
}

func (d deniable) Open(ctx context.Context, r payment.Request) (payment.Session, error) {
	if d.c.noSession != "" {
		return payment.Session{}, fmt.Errorf("%w: %s", payment.ErrRefused, d.c.noSession)
	}
	return d.Bank.Open(ctx, r)
}

const counterKey = "oooooooooooooooooooooooooooooooo"

// atCounter runs a test in a bubble, with a worker.
func atCounter(t *testing.T, test func(*counter)) {
	atCounterWith(t, func(*booking.Config) {}, test)
}

// atCounterWith is atCounter with a Config that is changed.
func atCounterWith(t *testing.T, change func(*booking.Config), test func(*counter)) {
	synctest.Test(t, func(t *testing.T) {
		events, err := venue.ReadEvents("counter", strings.NewReader(`{"events":[
			{"id":"fri","name":"Friday","currency":"EUR","categories":[{"id":"a","name":"First","price":4200}],
			 "sections":[{"name":"Stalls","category":"a","rows":[{"row":"A-B","seats":"1-5"}]}]},
			{"id":"free","name":"Free","seats":["F1","F2"]}]}`), venue.Defaults{LockTTL: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		store, log := new(memstore.Store), slog.New(slog.DiscardHandler)
		c := &counter{t: t, store: store, bank: new(paymenttest.Bank)}
		pay, err := payment.New(payment.Config{Seats: store, Orders: store, Provider: deniable{c.bank, c}, Within: 10 * time.Minute, Margin: 2 * time.Minute, Log: log,
			Event: func(id lockstore.EventID) (*lockstore.Event, error) { return c.api.Event(id) }})
		if err != nil {
			t.Fatal(err)
		}
		config := booking.Config{Store: store, Events: events, Payments: pay, Logger: log, ReturnTo: []string{"https://shop.example"},
			Access: access.Policy{ConfirmBy: access.ConfirmByPayment, OperatorKeys: []string{counterKey}}}
		change(&config)
		if c.api, err = booking.New(config); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var working sync.WaitGroup
		working.Go(func() { pay.Work(ctx, c.api.EventIDs) })
		test(c)
		cancel()
		working.Wait()
	})
}

// ask returns the answer to a call, and checks its status.
func (c *counter) ask(status int, method, target, body string, headers ...string) orderJSON {
	c.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	c.api.Routes()(w, r)
	if w.Code != status {
		c.t.Fatalf("%s %s %s: %d, want %d: %s", method, target, body, w.Code, status, w.Body)
	}
	var o orderJSON
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &o); err != nil {
			c.t.Fatalf("%v: %s", err, w.Body)
		}
	}
	return o
}

// operator is ask by an operator.
func (c *counter) operator(status int, method, target, body string) orderJSON {
	c.t.Helper()
	return c.ask(status, method, target, body, "Authorization", "Bearer "+counterKey)
}

type orderJSON struct {
	Code, Detail, Message, OrderID, EventID, UserID, State, Currency, PayURL, PayBefore, Session string
	SeatIDs                                                                                      []string
	Total, Refunded                                                                              int64
	Pending                                                                                      bool
	History                                                                                      []moveJSON
	Orders                                                                                       []orderJSON
	Done                                                                                         bool
	Moved, Failed                                                                                int
}

type moveJSON struct{ To, By, Why string }

// begin locks seats for ann and checks out.
func (c *counter) begin(seats string) orderJSON {
	c.t.Helper()
	c.ask(200, "POST", "/lock", `{"seatIds":[`+seats+`],"userId":"ann"}`)
	return c.ask(200, "POST", "/checkout", `{"seatIds":[`+seats+`],"userId":"ann"}`)
}

// pay pays the latest session, and the provider's notice comes.
func (c *counter) pay(id string) {
	c.t.Helper()
	for _, p := range c.bank.Sessions() {
		if string(p.Terms.Order) == id {
			if err := c.bank.Pay(p.Session); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	c.ask(200, "POST", "/webhooks/bank", id, "Bank", "signed")
}

func TestPickingToTicket(t *testing.T) {
	atCounter(t, func(c *counter) {
		c.ask(200, "POST", "/lock", `{"seatIds":["A1","A2"],"userId":"ann"}`)
		if p := c.ask(403, "POST", "/confirm", `{"seatIds":["A1","A2"],"userId":"ann"}`); p.Code != "payment_required" || !strings.Contains(p.Detail, "/checkout") {
			t.Errorf("a buyer who confirms is answered %+v", p)
		}
		o := c.ask(200, "POST", "/checkout", `{"seatIds":["A1","A2"],"userId":"ann"}`)
		if o.State != "open" || o.Total != 8400 || o.Currency != "EUR" || o.PayURL == "" || o.PayBefore != "2000-01-01T00:10:00.000Z" || o.Session != "" {
			t.Errorf("the checkout is %+v", o)
		}
		if again := c.ask(200, "POST", "/checkout", `{"seatIds":["A2","A1"],"userId":"ann"}`); again.OrderID != o.OrderID {
			t.Errorf("a second checkout has order %s, want %s", again.OrderID, o.OrderID)
		}
		c.pay(o.OrderID)
		for range 100 { // the notice comes again and again
			c.ask(200, "POST", "/webhooks/bank", o.OrderID, "Bank", "signed")
		}
		o = c.ask(200, "GET", "/order?userId=ann&orderId="+o.OrderID, "")
		if o.State != "paid" || o.Message != "Seats A1 and A2 are booked and paid for." || o.PayURL != "" {
			t.Errorf("the order is %+v", o)
		}
		if latest := c.ask(200, "GET", "/order?userId=ann", ""); latest.OrderID != o.OrderID {
			t.Errorf("the latest order is %s, want %s", latest.OrderID, o.OrderID)
		}
		if n := len(c.operator(200, "GET", "/order?orderId="+o.OrderID, "").History); n != 5 {
			t.Errorf("after a hundred notices the order has made %d moves, want 5", n)
		}
	})
}

// A buyer who comes back learns that the payment has arrived, though no notice came.
func TestReturnBeforeNotice(t *testing.T) {
	atCounter(t, func(c *counter) {
		o := c.begin(`"A1"`)
		if err := c.bank.Pay(c.bank.Sessions()[0].Session); err != nil {
			t.Fatal(err)
		}
		if o = c.ask(200, "GET", "/order?userId=ann&orderId="+o.OrderID, ""); o.State != "paid" {
			t.Errorf("the order is %+v, want paid", o)
		}
	})
}

func TestForgedNotice(t *testing.T) {
	atCounter(t, func(c *counter) {
		o := c.begin(`"A1"`)
		c.bank.Pay(c.bank.Sessions()[0].Session)
		if p := c.ask(400, "POST", "/webhooks/bank", o.OrderID); p.Code != "bad_request" {
			t.Errorf("the answer is %+v", p)
		}
		if o = c.operator(200, "GET", "/orders", "").Orders[0]; o.State != "open" {
			t.Errorf("after a forged notice the order is %s", o.State)
		}
	})
}

func TestFreeSeatsNeedNoPayment(t *testing.T) {
	atCounter(t, func(c *counter) {
		c.ask(200, "POST", "/lock", `{"eventId":"free","seatId":"F1","userId":"ann"}`)
		o := c.ask(200, "POST", "/checkout", `{"eventId":"free","seatId":"F1","userId":"ann"}`)
		if o.State != "paid" || o.Total != 0 || len(c.bank.Sessions()) != 0 {
			t.Errorf("the order is %+v, and %d sessions were opened", o, len(c.bank.Sessions()))
		}
	})
}

func TestReleaseClosesPayment(t *testing.T) {
	atCounter(t, func(c *counter) {
		o := c.begin(`"A1","A2"`)
		if p := c.ask(409, "POST", "/checkout", `{"seatIds":["A1"],"userId":"ann"}`); p.Code != "order_changed" || !strings.Contains(p.Detail, o.OrderID) {
			t.Errorf("a checkout of fewer seats is answered %+v", p)
		}
		c.ask(200, "POST", "/release", `{"seatIds":["A2"],"userId":"ann"}`)
		if c.bank.Pay(c.bank.Sessions()[0].Session) == nil {
			t.Error("the buyer can still pay for seats that were released")
		}
		if o = c.ask(200, "GET", "/order?userId=ann", ""); o.State != "closed" {
			t.Errorf("the order is %+v, want closed", o)
		}
		if o := c.ask(200, "POST", "/checkout", `{"seatIds":["A1"],"userId":"ann"}`); o.State != "open" || o.Total != 4200 {
			t.Errorf("a checkout of the rest is answered %+v", o)
		}
	})
}

func TestEvictClosesPayment(t *testing.T) {
	for _, body := range []string{`{"seatIds":["A1"]}`, `{"seatIds":["A1"],"evict":true}`} {
		atCounter(t, func(c *counter) {
			c.begin(`"A1","A2"`)
			path := "/evict"
			if strings.Contains(body, "evict") {
				path = "/block"
			}
			c.operator(200, "POST", path, body)
			if o := c.ask(200, "GET", "/order?userId=ann", ""); o.State != "closed" {
				t.Errorf("after %s the order is %s, want closed", path, o.State)
			}
		})
	}
}

func TestPaidSeatsChangeThroughTheirOrder(t *testing.T) {
	atCounter(t, func(c *counter) {
		o := c.begin(`"A1","A2"`)
		c.pay(o.OrderID)
		for _, body := range []string{`{"seatIds":["A1"],"userId":"ann"}`, `{"reference":"` + o.OrderID + `"}`} {
			if p := c.operator(409, "POST", "/cancel", body); p.Code != "order_paid" {
				t.Errorf("%s is answered %+v", body, p)
			}
		}
		if p := c.ask(409, "POST", "/release", `{"seatIds":["A1"],"userId":"ann"}`); p.Code != "seat_booked" {
			t.Errorf("releasing a paid seat is answered %+v", p)
		}
		if p := c.operator(409, "POST", "/move", `{"seatIds":["A1"],"toSeatIds":["B1"],"userId":"ann"}`); p.Code != "order_changed" || !strings.Contains(p.Detail, "a minute") {
			t.Errorf("a move right after the booking is answered %+v", p)
		}
		time.Sleep(time.Minute) // no booking is on its way any more
		c.operator(200, "POST", "/move", `{"seatIds":["A1"],"toSeatIds":["B1"],"userId":"ann"}`)
		time.Sleep(time.Minute)
		c.operator(200, "POST", "/refund", `{"orderId":"`+o.OrderID+`","seatIds":["B1"]}`)
		got := c.operator(200, "GET", "/order?orderId="+o.OrderID, "")
		if got.State != "paid" || got.Refunded != 4200 || len(got.SeatIDs) != 1 || got.SeatIDs[0] != "A2" {
			t.Errorf("the order is %+v, want A2 paid and 4200 refunded", got)
		}
	})
}

// A part of the price is paid back once, however often the request comes.
func TestRefundOfAnAmountIsRepeated(t *testing.T) {
	atCounter(t, func(c *counter) {
		o := c.begin(`"A1","A2"`)
		c.pay(o.OrderID)
		time.Sleep(time.Minute)
		body := `{"orderId":"` + o.OrderID + `","amount":1000,"keepSeats":true`
		if p := c.operator(400, "POST", "/refund", body+`}`); p.Code != "bad_request" {
			t.Errorf("without a name the request is answered %+v", p)
		}
		for range 3 {
			c.operator(200, "POST", "/refund", body+`,"requestId":"rain"}`)
			time.Sleep(time.Minute)
		}
		got := c.operator(200, "GET", "/order?orderId="+o.OrderID, "")
		if got.State != "paid" || got.Refunded != 1000 || len(got.SeatIDs) != 2 {
			t.Errorf("the order is %+v, want both seats paid and 1000 refunded", got)
		}
	})
}

func TestCancelledEventIsRefunded(t *testing.T) {
	atCounter(t, func(c *counter) {
		c.pay(c.begin(`"A1"`).OrderID)
		time.Sleep(time.Minute)
		if a := c.operator(200, "POST", "/refund", `{"eventId":"fri","wholeEvent":true}`); !a.Done {
			t.Errorf("the answer is %+v", a)
		}
		all := c.operator(200, "GET", "/orders?state=refunded", "")
		if len(all.Orders) != 1 || all.Orders[0].Refunded != 4200 {
			t.Errorf("the refunded orders are %+v", all.Orders)
		}
		for _, id := range []lockstore.OrderID{"0", "Z"} {
			if _, err := c.store.Put(t.Context(), lockstore.Order{ID: id, Event: "fri", Body: []byte(`{"v":9}`)}); err != nil {
				t.Fatal(err)
			}
		}
		c.begin(`"A2"`)
		a := c.operator(200, "POST", "/refund", `{"eventId":"fri","wholeEvent":true}`)
		if a.Done || a.Moved != 1 || a.Failed != 2 || !strings.Contains(a.Message, "2 of the event's orders") || !strings.Contains(a.Message, "order 0 ") {
			t.Errorf("with two records that cannot be read the answer is %+v", a)
		}
	})
}

func TestOrdersArePrivate(t *testing.T) {
	atCounter(t, func(c *counter) {
		o := c.begin(`"A1"`)
		for _, call := range []struct {
			status       int
			method, path string
			code         string
		}{
			{404, "GET", "/order?userId=bob&orderId=" + o.OrderID, "unknown_order"},
			{404, "GET", "/order?userId=bob", "unknown_order"},
			{404, "GET", "/order?userId=ann&orderId=NONE", "unknown_order"},
			{404, "GET", "/order?userId=ann&eventId=free&orderId=" + o.OrderID, "unknown_order"},
			{401, "GET", "/orders", "unauthenticated"},
			{401, "POST", "/refund", "unauthenticated"},
		} {
			if p := c.ask(call.status, call.method, call.path, `{}`); p.Code != call.code {
				t.Errorf("%s %s is answered %+v, want %s", call.method, call.path, p, call.code)
			}
		}
	})
}

func TestCheckoutRefusals(t *testing.T) {
	atCounter(t, func(c *counter) {
		c.ask(200, "POST", "/lock", `{"seatIds":["A1"],"userId":"ann"}`)
		for _, call := range []struct {
			status     int
			more, code string
		}{
			{409, `"seatIds":["A1","A2"]`, "lock_not_held"},
			{404, `"seatIds":["Z9"]`, "unknown_seat"},
			{400, `"seatIds":["A1"],"returnUrl":"https://evil.example/"`, "bad_request"},
			{400, `"seatIds":["A1"],"returnUrl":"javascript:alert(1)"`, "bad_request"},
			{400, `"seatIds":["A1"],"returnUrl":"//evil.example"`, "bad_request"},
			{400, `"seatIds":["A1"],"email":"nobody"`, "bad_request"},
			{400, `"seatIds":["A1"],"name":"a\nb"`, "bad_request"},
			{400, `"seatIds":["A1"],"amount":1`, "bad_request"},
			{400, `"seatIds":["A1"],"levels":["child"]`, "bad_request"},
			{200, `"seatIds":["A1"],"returnUrl":"https://shop.example/thanks","name":"Ann","email":"ann@example.org"`, ""},
		} {
			if p := c.ask(call.status, "POST", "/checkout", `{"userId":"ann",`+call.more+`}`); p.Code != call.code {
				t.Errorf("%s is answered %+v, want %s", call.more, p, call.code)
			}
		}
	})
}

// Why the provider opens no payment may be about the shop's account, so it is for operators.
func TestBuyersDoNotReadProvidersErrors(t *testing.T) {
	atCounter(t, func(c *counter) {
		c.noSession = "account acct_17 may not charge"
		c.ask(200, "POST", "/lock", `{"seatIds":["A1"],"userId":"ann"}`)
		p := c.ask(503, "POST", "/checkout", `{"seatIds":["A1"],"userId":"ann"}`)
		if p.Code != "payment_unavailable" || strings.Contains(p.Detail, "acct_17") {
			t.Errorf("the buyer is answered %+v", p)
		}
		all := c.operator(200, "GET", "/orders", "").Orders
		if len(all) != 1 || !slices.ContainsFunc(all[0].History, func(m moveJSON) bool { return strings.Contains(m.Why, "acct_17") }) {
			t.Errorf("the operator sees %+v, want one order that says why", all)
		}
	})
}

// A buyer who releases seats is not charged for them later, even if the order needs a
// person because nobody knows whether it was paid.
func TestReleaseOfAnOrderThatNeedsAPerson(t *testing.T) {
	for who, release := range map[string]func(*counter){
		"buyer":    func(c *counter) { c.ask(200, "POST", "/release", `{"seatIds":["A1"],"userId":"ann"}`) },
		"operator": func(c *counter) { c.operator(200, "POST", "/evict", `{"seatIds":["A1"]}`) },
	} {
		t.Run(who, func(t *testing.T) {
			atCounter(t, func(c *counter) {
				o := c.begin(`"A1"`)
				c.denied.Store(true)
				c.pay(o.OrderID)
				time.Sleep(2 * time.Hour)
				if o = c.operator(200, "GET", "/order?orderId="+o.OrderID, ""); o.State != "needs_person" {
					t.Fatalf("the order is %+v, want it to need a person", o)
				}
				c.ask(200, "POST", "/lock", `{"seatIds":["A1"],"userId":"ann"}`)
				release(c)
				c.denied.Store(false)
				c.operator(200, "POST", "/refund", `{"orderId":"`+o.OrderID+`","retry":true}`)
				time.Sleep(time.Hour)
				if o = c.operator(200, "GET", "/order?orderId="+o.OrderID, ""); o.State != "closed" {
					t.Errorf("in the end the order is %+v, want closed", o)
				}
			})
		})
	}
}
