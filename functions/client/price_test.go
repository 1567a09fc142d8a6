package client_test

import (
	"errors"
	"log/slog"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"seatlock/functions/booking"
	"seatlock/functions/client"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// TestBuy checks the prices and the counts that a client gets, and that the events of one
// layout share it.
func TestBuy(t *testing.T) {
	events, err := venue.ReadEvents("e", strings.NewReader(`{"layouts":{"house":{"sections":[{"name":"S","category":"a","rows":[{"row":"A","seats":"1-4"}]}],"areas":[{"name":"Floor","capacity":2,"category":"a"},{"name":"Gallery <above>","id":"gallery","capacity":2,"category":"a"}]}},"events":[
		{"id":"fri","layout":"house","currency":"EUR","categories":[{"id":"a","levels":[{"id":"adult","price":4200},{"id":"child","price":2100}]}]},
		{"id":"over","layout":"house","categories":[{"id":"a"}],"closesAt":"2020-01-01T00:00:00Z"}]}`), venue.Defaults{LockTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	api, err := booking.New(booking.Config{Store: new(memstore.Store), Events: events, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api.Routes())
	defer server.Close()
	c := at(t, server.URL)
	sold, err := c.Events(t.Context())
	if err != nil || len(sold) != 2 || sold[0].Layout != sold[1].Layout || sold[0].Fingerprint() != events[0].Fingerprint() {
		t.Fatalf("the events are %v, %v", sold, err)
	}
	fri, ctx := sold[0], t.Context()

	_, bill, err := c.Buy(ctx, fri, lockstore.Lock("ann", "A1", "A2"), "adult", "child")
	want := client.Bill{Total: 6300, Currency: "EUR", Prices: []client.Price{{"A1", "a", "adult", 4200}, {"A2", "a", "child", 2100}}}
	if err != nil || !reflect.DeepEqual(bill, want) {
		t.Errorf("the lock costs %+v, %v, want %+v", bill, err, want)
	}
	if _, bill, err = c.Buy(ctx, fri, lockstore.Confirm("ann", "A1", "A2")); err != nil || bill.Total != 8400 {
		t.Errorf("the booking without levels costs %+v, %v, want the first level", bill, err)
	}
	if _, _, err = c.Buy(ctx, fri, lockstore.Lock("ann", "A3"), "pensioner"); !errors.Is(err, lockstore.ErrInvalid) {
		t.Errorf("an unknown level: %v", err)
	}
	if _, _, err = c.Buy(ctx, fri, lockstore.Release("ann", "A3")); err == nil {
		t.Error("a release has a price")
	}
	_, err = c.Do(ctx, sold[1], lockstore.Lock("ann", "A1"))
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Code != "not_on_sale" {
		t.Errorf("a lock after the sale: %v", err)
	}

	if _, err := c.Do(ctx, fri, lockstore.Lock("ben", "Floor#1")); err != nil {
		t.Fatal(err)
	}
	all := client.Counts{Available: 5, Locked: 1, Booked: 2}
	counts := client.EventCounts{Counts: all, Categories: map[string]client.Counts{"a": all},
		Areas: map[string]client.Counts{"Floor": {Available: 1, Locked: 1}, "Gallery <above>": {Available: 2}}}
	if got, err := c.Counts(ctx, fri); err != nil || !reflect.DeepEqual(got, counts) || got.Total() != len(fri.Seats) {
		t.Errorf("the counts are %+v, %v, want %+v", got, err, counts)
	}
}
