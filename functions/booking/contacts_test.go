package booking_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/booking"
)

// text returns the answer of an operator's GET.
func (c *counter) text(target string) string {
	c.t.Helper()
	r := httptest.NewRequest("GET", target, nil)
	r.Header.Set("Authorization", "Bearer "+counterKey)
	w := httptest.NewRecorder()
	c.api.Routes()(w, r)
	if w.Code != 200 {
		c.t.Fatalf("GET %s: %d %s", target, w.Code, w.Body)
	}
	return w.Body.String()
}

// TestContactsInTheRoster checks that the roster and its table name the buyers of paid
// seats, and that a spreadsheet runs no name as a formula.
func TestContactsInTheRoster(t *testing.T) {
	atCounter(t, func(c *counter) {
		c.ask(200, "POST", "/lock", `{"seatIds":["A1","A2"],"userId":"ann"}`)
		o := c.ask(200, "POST", "/checkout", `{"seatIds":["A1","A2"],"userId":"ann","name":"=HYPERLINK(\"x\";1)","email":"+ann@example.org"}`)
		c.pay(o.OrderID)
		other := c.begin(`"A3"`) // another order of the same user, without a contact
		c.pay(other.OrderID)
		c.operator(200, "POST", "/confirm", `{"seatId":"B1","userId":"ben","reference":"of-another-system","direct":true}`)
		c.ask(200, "POST", "/lock", `{"seatId":"B2","userId":"cat"}`)

		all := c.text("/bookings")
		for _, seat := range []string{"A1", "A2"} {
			if want := `{"seatId":"` + seat + `","status":"booked","userId":"ann","reference":"` + o.OrderID + `"`; !strings.Contains(all, want) {
				t.Errorf("the roster lacks %s: %s", want, all)
			}
		}
		const contact = `,"name":"=HYPERLINK(\"x\";1)","email":"+ann@example.org"}`
		if n := strings.Count(all, contact); n != 2 || strings.Count(all, `"name"`) != 2 {
			t.Errorf("%d seats have the buyer's name and address, want those of the order: %s", n, all)
		}
		table := strings.Split(strings.TrimSpace(c.text("/bookings?format=csv")), "\n")
		if len(table) != 6 || table[0] != "seat,section,row,number,category,status,user,reference,since,expires,name,email" {
			t.Fatalf("the table is %q", table)
		}
		for i, line := range table[1:] {
			want := ",,"
			if i < 2 {
				want = `,"'=HYPERLINK(""x"";1)",'+ann@example.org`
			}
			if !strings.HasSuffix(line, want) {
				t.Errorf("line %d of the table is %s, want %s at its end", i+1, line, want)
			}
		}
	})
}

// TestCheckoutCostsAsLocking checks that a checkout uses the budget of locks that
// nobody buys, so that it cannot hold seats for free, and that repeats and payments
// cost nothing.
func TestCheckoutCostsAsLocking(t *testing.T) {
	atCounterWith(t, func(c *booking.Config) { c.Access.Locks = access.NewBudget(5) }, func(c *counter) {
		o := c.begin(`"A1","A2"`) // 2 for the locks, and 2 for the checkout
		for range 3 {
			c.ask(200, "POST", "/checkout", `{"seatIds":["A1","A2"],"userId":"ann"}`)
		}
		c.ask(200, "POST", "/lock", `{"seatId":"A3","userId":"ann"}`)
		if p := c.ask(429, "POST", "/lock", `{"seatId":"A4","userId":"ann"}`); p.Code != "rate_limited" {
			t.Errorf("a lock beyond the budget is answered %+v", p)
		}
		c.ask(200, "POST", "/release", `{"seatId":"A3","userId":"ann"}`)
		c.pay(o.OrderID)
		if o := c.ask(200, "GET", "/order?userId=ann&orderId="+o.OrderID, ""); o.State != "paid" {
			t.Fatalf("the order is %+v", o)
		}
		// One of the five is used: what was bought costs nothing.
		c.ask(200, "POST", "/lock", `{"seatId":"B1","userId":"ann"}`)
		time.Sleep(time.Minute + time.Second) // the lock is over
		if p := c.ask(409, "POST", "/checkout", `{"seatId":"B1","userId":"ann"}`); p.Code != "lock_expired" {
			t.Errorf("a checkout without a lock is answered %+v", p)
		}
		c.ask(200, "POST", "/lock", `{"seatIds":["B1","B2","B3"],"userId":"ann"}`) // so the refused checkout cost nothing
	})
}

// TestPendingPayment checks that a payment whose money takes days can be distinguished
// from one that was not made yet.
func TestPendingPayment(t *testing.T) {
	atCounter(t, func(c *counter) {
		c.bank.Decides = 3 * 24 * time.Hour
		o := c.begin(`"A1"`)
		if o.Pending || o.PayURL == "" {
			t.Errorf("before the payment the order is %+v", o)
		}
		c.pay(o.OrderID)
		get := func() orderJSON { return c.ask(200, "GET", fmt.Sprintf("/order?userId=ann&orderId=%s", o.OrderID), "") }
		if got := get(); got.State != "open" || !got.Pending || got.PayURL != "" || !strings.Contains(got.Message, "money takes some days") {
			t.Errorf("while the money is on its way the order is %+v", got)
		}
		time.Sleep(4 * 24 * time.Hour)
		if got := get(); got.State != "paid" || got.Pending {
			t.Errorf("once the money has come the order is %+v", got)
		}
	})
}
