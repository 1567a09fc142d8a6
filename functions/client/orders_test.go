package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// atTheTill starts a server with the till, where the operators have the key. The event fri
// has A1 to A5 for 42.00 EUR each.
func atTheTill(t *testing.T, key string) *httptest.Server {
	t.Helper()
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
	t.Cleanup(server.Close)
	return server
}

// TestOrders takes an order from checkout to a refund, against a server with the till.
func TestOrders(t *testing.T) {
	key := strings.Repeat("o", 32)
	server := atTheTill(t, key)
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

// TestCheckoutSpeaksTheLanguageOfThePage checks that the page to pay on has the language
// that the checkout asks for, whatever the browser asks for, and keeps it after a button.
func TestCheckoutSpeaksTheLanguageOfThePage(t *testing.T) {
	server := atTheTill(t, strings.Repeat("o", 32))
	ctx, shop := t.Context(), at(t, server.URL)
	read := func(r *http.Request) string {
		t.Helper()
		r.Header.Set("Accept-Language", "fr")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for i, c := range []struct{ lang, page, declined string }{
		{"en", `<html lang="en" dir="ltr">`, "Declined."},
		{"de-AT", `<html lang="de" dir="ltr">`, "Abgelehnt."},
		{"fr", `<html lang="fr" dir="ltr">`, "Refusé."},
		{"ar", `<html lang="ar" dir="rtl">`, "رُفضت البطاقة."},
		{"", `<html lang="fr" dir="ltr">`, "Refusé."},
	} {
		user, seat := lockstore.UserID(fmt.Sprint("u", i)), lockstore.SeatID(fmt.Sprint("A", i+1))
		if _, err := shop.Do(ctx, theEvent(t, shop), lockstore.Lock(user, seat)); err != nil {
			t.Fatal(err)
		}
		o, err := shop.Checkout(ctx, client.Checkout{Event: "fri", User: user, Seats: []lockstore.SeatID{seat}, Lang: c.lang})
		if err != nil {
			t.Fatal(err)
		}
		get, err := http.NewRequestWithContext(ctx, "GET", o.PayURL, nil)
		if err != nil {
			t.Fatal(err)
		}
		page := read(get)
		// What the page's form sends.
		form := url.Values{"session": {"till." + string(o.ID)}, "do": {"decline"}}
		if strings.Contains(page, `name="lang"`) {
			form.Set("lang", c.lang)
		}
		press, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/till", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		press.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		after := read(press)
		if !strings.Contains(page, c.page) || !strings.Contains(after, c.page) || !strings.Contains(after, c.declined) {
			t.Errorf("%q: the page lacks %s, or after a decline %q:\n%s\n%s", c.lang, c.page, c.declined, page, after)
		}
	}
	for _, lang := range []string{"de_AT", "de-", "<de>", strings.Repeat("de-", 12) + "de"} {
		_, err := shop.Checkout(ctx, client.Checkout{Event: "fri", User: "u0", Seats: []lockstore.SeatID{"A1"}, Lang: lang})
		if p, ok := errors.AsType[*client.Problem](err); !ok || p.Code != "bad_request" {
			t.Errorf("a checkout in %q is answered %v, want bad_request", lang, err)
		}
	}
}
