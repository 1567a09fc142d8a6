package functions_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seatlock/functions/booking/apitest"
	"seatlock/functions/payment"
	"seatlock/functions/payment/stripe/fake"
	"seatlock/lockstore/redisstore/redistest"
)

// settleEvent is the payload with which the template's schedule invokes its function.
const settleEvent = `{"settle":true}`

// TestFunctionsSellAtStripe sells seats at a fake of Stripe.
func TestFunctionsSellAtStripe(t *testing.T) {
	t.Parallel()
	sellAtStripe(t, func(name string) []string { return built(t, name) }, "REDIS_URL=redis://"+redistest.New(t).Addr)
}

// sellAtStripe sells seats with the functions, which share only a store, at a fake of
// Stripe: by a webhook, and by the schedule alone.
func sellAtStripe(t *testing.T, command func(name string) []string, store string) {
	t.Helper()
	apitest.Load()
	const key, secret = "sk_test_1", "whsec_1"
	atStripe := fake.New(fake.Config{Key: key, Secrets: []string{secret}})
	api := httptest.NewServer(atStripe)
	t.Cleanup(api.Close)
	file := filepath.Join(t.TempDir(), "events.json")
	if err := os.WriteFile(file, []byte(`{"events":[{"id":"gala","name":"Gala","currency":"EUR","categories":[{"id":"a","name":"First","price":4200}],
		"sections":[{"name":"Stalls","category":"a","rows":[{"row":"A","seats":"1-5"}]}]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	functions := make(map[string]*function)
	for _, name := range []string{"lock", "confirm", "release", "operate", "checkout", "settle"} {
		env := []string{store, "EVENTS_FILE=" + file, "CHECKOUT=stripe"}
		program := name
		if name == "checkout" || name == "settle" {
			program = "checkout"
			env = append(env, "INSTALLATION=shop", "STRIPE_KEY="+key, "STRIPE_WEBHOOK_SECRET="+secret, "STRIPE_URL="+api.URL)
		}
		functions[name] = start(t, command(program), env...).up()
	}
	checkout, operate := functions["checkout"], functions["operate"]
	type order struct{ OrderID, State, PayURL string } // names are matched without regard to case
	orderOf := func(f *function, call, body string) (o order) {
		t.Helper()
		method, target, _ := strings.Cut(call, " ")
		at, query, _ := strings.Cut(target, "?")
		got := f.ask(method, at, query, body)
		if err := json.Unmarshal([]byte(got.Body), &o); err != nil || got.StatusCode != 200 {
			t.Fatalf("%s: %d %s", call, got.StatusCode, got.Body)
		}
		return o
	}
	begin := func(seat, user string) order {
		t.Helper()
		functions["lock"].post("/lock", seat, user, 200, `"total":4200`)
		o := orderOf(checkout, "POST /checkout", fmt.Sprintf(`{"seatId":%q,"userId":%q,"name":"=Ann","email":"ann@example.org"}`, seat, user))
		if o.State != "open" {
			t.Fatalf("the order is %+v, want it to be open", o)
		}
		return o
	}
	pay := func(o order) {
		t.Helper()
		if err := atStripe.Pay(path.Base(o.PayURL)); err != nil {
			t.Fatal(err)
		}
	}

	// A webhook books the first seat.
	functions["confirm"].post("/confirm", "A1", "ann", 403, `"code":"payment_required"`)
	first := begin("A1", "ann")
	pay(first)
	for _, e := range atStripe.TakeEvents() {
		hook, err := atStripe.Webhook(t.Context(), "https://api.example/webhooks/stripe", e)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(hook.Body)
		if err != nil {
			t.Fatal(err)
		}
		event := httpEvent("POST", "/webhooks/stripe", "", string(body))
		delete(event.Headers, "authorization")
		event.Headers["stripe-signature"] = hook.Header.Get("Stripe-Signature")
		if got := checkout.send(event); got.StatusCode != 200 {
			t.Errorf("a webhook is answered %d %s", got.StatusCode, got.Body)
		}
		event.Body = strings.Replace(event.Body, `"evt_`, `"other_`, 1)
		if got := checkout.send(event); got.StatusCode != 400 {
			t.Errorf("a webhook that was changed is answered %d %s, want 400", got.StatusCode, got.Body)
		}
	}
	if got := operate.operate("GET", "/bookings", ""); !strings.Contains(got.Body, `"seatId":"A1","status":"booked","userId":"ann","reference":"`+first.OrderID+`"`) || !strings.Contains(got.Body, `"name":"=Ann","email":"ann@example.org"`) {
		t.Errorf("after the webhook the bookings are %s", got.Body)
	}
	if got := operate.operate("POST", "/cancel", `{"seatId":"A1","userId":"ann"}`); got.StatusCode != 409 || !strings.Contains(got.Body, `"code":"order_paid"`) {
		t.Errorf("a seat that was paid for is cancelled with %d %s, want order_paid", got.StatusCode, got.Body)
	}

	// The second order's webhooks are lost, and its buyer comes back.
	second := begin("A2", "ben")
	pay(second)
	if state := orderOf(checkout, "GET /order?userId=ben&orderId="+second.OrderID, "").State; state != "paid" {
		t.Errorf("the order whose buyer has paid and come back is %s, want paid", state)
	}

	// Another function releases the seat of the third order, and the schedule closes
	// its payment.
	third := begin("A3", "cat")
	functions["release"].post("/release", "A3", "cat", 200, `"status":"available"`)
	stateOf := func() string { return orderOf(checkout, "GET /order?userId=cat&orderId="+third.OrderID, "").State }
	if state := stateOf(); state != "giving_back" {
		t.Errorf("the order whose seats were released is %s, want giving_back", state)
	}
	// A function whose time ends leaves its orders to a later one, after their lease
	// has ended.
	state := ""
	for began := time.Now(); time.Since(began) < 3*payment.Lease; {
		if a := functions["settle"].invoke([]byte(settleEvent)); a.path != "response" {
			t.Fatalf("the scheduled invocation failed: %s\n%s", a.body, functions["settle"].log)
		}
		if state = stateOf(); state == "closed" {
			break
		}
	}
	if state != "closed" {
		t.Errorf("after the schedule the order is %s, want closed", state)
	}
	if err := atStripe.Pay(path.Base(third.PayURL)); err == nil {
		t.Error("a payment that was closed can be paid")
	}
	if money := atStripe.Money(); money[first.OrderID].Captured != 4200 || money[second.OrderID].Captured != 4200 || money[third.OrderID].Captured != 0 {
		t.Errorf("the money is %+v", money)
	}
	f := functions["settle"]
	f.Kill()                            // its log is complete after this
	written := make(map[string]float64) // by metric and dimension
	for _, line := range metricsLines(t, f.log.String()) {
		for _, of := range line.AWS.CloudWatchMetrics {
			by := of.Dimensions[0][0]
			for _, m := range of.Metrics {
				what := fmt.Sprint(m.Name, " ", by, "=", line.members[by])
				if _, ok := written[what]; !ok { // the first count
					written[what] = line.members[m.Name].(float64)
				}
			}
		}
	}
	if written["Orders State=paid"] != 2 || written["Orders State=giving_back"] != 1 {
		t.Errorf("the scheduled function has counted %v, want two orders paid and one being given back", written)
	}
	for _, name := range []string{"OrderNeedsPersonAlarm", "OrdersOverdueAlarm", "ComparisonsAlarm", "NoComparisonAlarm"} {
		alarm := readTemplate(t, paying).of("AWS::CloudWatch::Alarm")[name]
		metric := fmt.Sprint(alarm["MetricName"], " ", at(t, alarm, "Dimensions", 0, "Name"), "=", at(t, alarm, "Dimensions", 0, "Value"))
		if _, ok := written[metric]; !ok {
			t.Errorf("%s uses the metric %s, and the function wrote %v", name, metric, written)
		}
	}
}
