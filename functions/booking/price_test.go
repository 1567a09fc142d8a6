package booking_test

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/venue"
	"seatlock/lockstore/memstore"
)

// TestPrices checks the prices in the answers, and which levels are refused. A request with an
// unknown level changes nothing.
func TestPrices(t *testing.T) {
	const file = `{"events":[
		{"id":"gala","sections":[{"name":"S","category":"a","rows":[{"row":"A","seats":"1-4"},{"row":"B","seats":"1-4","category":"b"}]}],
		 "currency":"EUR","categories":[{"id":"a","levels":[{"id":"adult","price":4200},{"id":"child","price":2100}]},{"id":"b","price":900}]},
		{"id":"free","seats":["A1"]}]}`
	for _, c := range []struct{ call, body, want string }{
		{"/lock", `{"seatIds":["A1","B1"],"userId":"ann"}`, `"total":5100,"currency":"EUR","prices":[{"seatId":"A1","category":"a","level":"adult","price":4200},{"seatId":"B1","category":"b","price":900}]}`},
		{"/lock", `{"seatId":"A1","userId":"ann","levels":["child"]}`, `"total":2100,"currency":"EUR","prices":[{"seatId":"A1","category":"a","level":"child","price":2100}]}`},
		{"/lock", `{"seatIds":["A1","A2"],"userId":"ann","levels":["child"]}`, `The number of seats is 2 and that of levels 1; give a level for each seat, in their order.`},
		{"/lock", `{"seatId":"A1","userId":"ann","levels":["pensioner"]}`, `Seat A1 has no price level \"pensioner\"; there are adult, child.`},
		{"/lock", `{"seatId":"B1","userId":"ann","levels":["adult"]}`, `Seat B1 has no price level \"adult\"; it has one price, so leave levels out.`},
		{"/lock", `{"seatIds":["A1","Z1"],"userId":"ann","levels":["child","child"]}`, `"code":"unknown_seat"`},
		{"/lock", `{"seatId":"A1","userId":"ann","levels":"child"}`, `it must be a list of strings`},
		{"/lock", `{"eventId":"free","seatId":"A1","userId":"ann","levels":["adult"]}`, `Event free has no prices, so there are no levels.`},
		{"/lock", `{"eventId":"free","seatId":"A1","userId":"ann"}`, `"expiresInSeconds":60}`},
		{"/lock", `{"seatId":"A1","userId":"ann","price":1}`, `There is no field \"price\"`},
		{"/extend", `{"seatId":"A1","userId":"ann","seconds":60,"levels":["child"]}`, `There is no field \"levels\"`},
		{"/confirm", `{"seatId":"A4","userId":"ann","levels":["child"]}`, `"status":"booked","total":2100,"currency":"EUR","prices":[{"seatId":"A4","category":"a","level":"child","price":2100}]}`},
	} {
		synctest.Test(t, func(t *testing.T) {
			ask := sellingBy(t, file, access.Policy{})
			ask("/lock", `{"seatId":"A4","userId":"ann"}`, "")
			if got := ask(c.call, c.body, ""); !strings.Contains(got, c.want) {
				t.Errorf("%s of %s is answered with\n%s\nwant %s", c.call, c.body, got, c.want)
			} else if strings.Contains(got, `"bad_request"`) {
				if list := ask("/seats?status=locked", "", ""); !strings.Contains(list, `"locked":1`) {
					t.Errorf("%s of %s changed something: %s", c.call, c.body, list)
				}
			}
		})
	}
}

// sellingBy returns a function that sends a request to an API of the events in a file, and returns
// the body of the answer. Without a body it is a GET.
func sellingBy(t *testing.T, file string, p access.Policy) func(target, body, token string) string {
	t.Helper()
	events, err := venue.ReadEvents("e", strings.NewReader(file), venue.Defaults{LockTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	api, err := booking.New(booking.Config{Store: new(memstore.Store), Events: events, Access: p, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return func(target, body, token string) string {
		r := httptest.NewRequest("GET", target, nil)
		if body != "" {
			r = httptest.NewRequest("POST", target, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		w := httptest.NewRecorder()
		api.Routes()(w, r)
		return w.Body.String() + w.Header().Get("Retry-After")
	}
}

// TestSaleTimes checks who can lock before a sale opens and after it has closed, and
// that a user who already has a lock can keep and book it.
func TestSaleTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // its clock begins at midnight of 1 January 2000
		key := strings.Repeat("k", 32)
		ask := sellingBy(t, `{"events":[{"id":"gala","seats":["A1","A2","A3"],"opensAt":"2000-01-01T02:00:00+01:00","closesAt":"2000-01-01T02:00:00Z"}]}`,
			access.Policy{OperatorKeys: []string{key}})
		answers := func(want, call, body, token string) {
			t.Helper()
			if got := ask(call, body, token); !strings.Contains(got, want) {
				t.Errorf("%v: %s of %s is answered with\n%s\nwant %s", time.Now().UTC(), call, body, got, want)
			}
		}
		const a1, a2, a3 = `{"seatId":"A1","userId":"ann"}`, `{"seatId":"A2","userId":"ann"}`, `{"seatId":"A3","userId":"ann"}`
		answers(`"code":"not_on_sale","detail":"The sale of event gala opens at 2000-01-01T02:00:00+01:00.","opensAt":"2000-01-01T02:00:00+01:00"}`+"\n3600", "/lock", a1, "")
		answers(`"available":3`, "/seats", "", "")
		answers(`"status":"locked"`, "/lock", a3, key)
		answers(`"status":"available"`, "/release", a3, key)
		time.Sleep(time.Hour)
		answers(`"status":"locked"`, "/lock", a1, "")
		time.Sleep(time.Hour - time.Second)
		answers(`"status":"locked"`, "/lock", a2, "")
		time.Sleep(time.Second)
		answers(`"code":"not_on_sale","detail":"The sale of event gala closed at 2000-01-01T02:00:00Z. Locked seats can still be booked.","closedAt":"2000-01-01T02:00:00Z"}`, "/lock", a1, "")
		answers(`locked for longer`, "/extend", `{"seatId":"A2","userId":"ann","seconds":120}`, "")
		answers(`"status":"booked"`, "/confirm", a2, "")
		answers(`"status":"locked"`, "/lock", a3, key)
	})
}
