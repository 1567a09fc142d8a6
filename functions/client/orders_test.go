package client_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/client"
	"seatlock/functions/payment"
	"seatlock/functions/payment/till"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// TestOrders takes an order from checkout to a refund, against a server with the till.
func TestOrders(t *testing.T) {
	key := strings.Repeat("o", 32)
	events, err := venue.ReadEvents("shop", strings.NewReader(`{"events":[{"id":"fri","name":"Friday","currency":"EUR",
		"categories":[{"id":"a","name":"First","price":4200}],"sections":[{"name":"Stalls","category":"a","rows":[{"row":"A","seats":"1-5"}]}]}]}`), venue.Defaults{LockTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	var api *booking.API
	var pay *payment.Payments
	store, log := new(memstore.Store), slog.New(slog.DiscardHandler)
	desk := till.New(till.Config{Orders: store, Events: func() []lockstore.EventID { return api.EventIDs() }, Late: 3 * time.Minute,
		Deliver: func(ctx context.Context, body []byte, _ http.Header) { pay.Notice(ctx, lockstore.OrderID(body)) }})
	pay, err = payment.New(payment.Config{Seats: store, Orders: store, Provider: desk, Within: 10 * time.Minute, Margin: 2 * time.Minute, Log: log,
		Event: func(id lockstore.EventID) (*lockstore.Event, error) { return api.Event(id) }})
	if err != nil {
		t.Fatal(err)
	}
	api, err = booking.New(booking.Config{Store: store, Events: events, Payments: pay, Logger: log,
		Access: access.Policy{ConfirmBy: access.ConfirmByPayment, OperatorKeys: []string{key}}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", api.Routes())
	mux.Handle("/till", desk)
	server := httptest.NewServer(mux)
	defer server.Close()
	ctx, shop := t.Context(), at(t, server.URL)
	operator, err := client.New(server.URL, client.Options{Token: key})
	if err != nil {
		t.Fatal(err)
	}
	defer operator.Close()

	seats := []lockstore.SeatID{"A1", "A2"}
	if _, err := shop.Do(ctx, theEvent(t, shop), lockstore.Lock("ann", seats...)); err != nil {
		t.Fatal(err)
	}
	o, err := shop.Checkout(ctx, client.Checkout{Event: "fri", User: "ann", Seats: seats, Email: "ann@example.org"})
	if left := time.Until(o.PayBefore); err != nil || o.State != "open" || o.Total != 8400 || o.Currency != "EUR" || left <= 0 || left > 11*time.Minute {
		t.Fatalf("the checkout is %+v, %v", o, err)
	}
	resp, err := http.PostForm(o.PayURL, url.Values{"do": {"pay"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	paid, err := shop.Order(ctx, "ann", o.ID)
	if err != nil || paid.State != "paid" || !slices.Equal(paid.Seats, seats) || paid.PayURL != "" {
		t.Errorf("the order is %+v, %v, want it paid", paid, err)
	}
	_, err = shop.Order(ctx, "ben", o.ID)
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Code != "unknown_order" {
		t.Errorf("another buyer gets %v, want unknown_order", err)
	}
	for state, want := range map[string]int{"": 1, "paid": 1, "needs_person": 0} {
		if all, next, err := operator.Orders(ctx, "fri", state, ""); err != nil || len(all) != want || next != "" {
			t.Errorf("the orders in state %q are %+v, then %q, %v, want %d", state, all, next, err, want)
		}
	}
	given, err := operator.Refund(ctx, client.Refund{Order: o.ID, Seats: seats[:1]})
	if err != nil || given.ID != o.ID || given.State != "giving_back" {
		t.Errorf("the refund is %+v, %v, want it under way", given, err)
	}
}
