package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"seatlock/functions/client"
	"seatlock/functions/payment/stripe/fake"
	"seatlock/lockstore"
)

// TestStripe runs the program with a fake Stripe: a buyer locks a seat, checks out and
// pays, and the webhook books the seat.
func TestStripe(t *testing.T) {
	t.Parallel()
	const key, secret = "sk_test_1", "whsec_1"
	atStripe := fake.New(fake.Config{Key: key, Secrets: []string{secret}})
	api := httptest.NewServer(atStripe)
	defer api.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "events.json")
	if err := os.WriteFile(file, []byte(`{"events":[{"id":"fri","name":"Friday","currency":"EUR","categories":[{"id":"a","name":"First","price":4200}],
		"sections":[{"name":"Stalls","category":"a","rows":[{"row":"A","seats":"1-5"}]}]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	env := variables{"STRIPE_KEY": key, "STRIPE_WEBHOOK_SECRET": "whsec_next," + secret, "STRIPE_URL": api.URL, "OPERATOR_KEY": operatorKey}
	url, out, _ := servingWith(t, env, "-checkout", "stripe", "-events", file, "-data", filepath.Join(dir, "seats.db"))
	if !strings.Contains(out.String(), "no money moves") {
		t.Errorf("the program does not say that the key is of the test mode:\n%s", out)
	}
	shop, err := client.New(url, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer shop.Close()
	ctx := t.Context()
	post(t, url+"/lock", `{"seatId":"A1","userId":"ann"}`)
	o, err := shop.Checkout(ctx, client.Checkout{User: "ann", Seats: []lockstore.SeatID{"A1"}})
	if err != nil || o.State != "open" || o.Total != 4200 {
		t.Fatalf("the checkout is %+v, %v", o, err)
	}
	if err := atStripe.Pay(path.Base(o.PayURL)); err != nil {
		t.Fatal(err)
	}
	for _, e := range atStripe.TakeEvents() {
		hook, err := atStripe.Webhook(ctx, url+"/webhooks/stripe", e)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(hook)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("the webhook is answered %v, %v", resp, err)
		}
		resp.Body.Close()
	}
	if booked := get(t, url+"/seats?status=booked"); !strings.Contains(booked, `"A1"`) {
		t.Errorf("after the webhook the booked seats are %s", booked)
	}
	o, err = shop.Order(ctx, "ann", o.ID)
	if money := atStripe.Money()[string(o.ID)]; err != nil || o.State != "paid" || money.Captured != 4200 {
		t.Errorf("the order is %+v, %v, and the money %+v", o, err, money)
	}
}

// TestStripeNeedsStore checks that the program takes no money if its orders would be lost
// when it stops.
func TestStripeNeedsStore(t *testing.T) {
	t.Parallel()
	env := variables{"STRIPE_KEY": "sk_live_1"}
	err := run(t.Context(), []string{"-addr", "127.0.0.1:0", "-checkout", "stripe"}, env.get, new(strings.Builder), new(strings.Builder))
	if err == nil || !strings.Contains(err.Error(), "-checkout stripe: needs -data, -redis or -postgres") {
		t.Errorf("with a live key and no store the program says: %v", err)
	}
}
