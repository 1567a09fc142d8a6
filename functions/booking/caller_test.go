package booking_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/booking/apitest"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// TestCaller checks that an authenticated caller acts for no other user.
func TestCaller(t *testing.T) {
	m, err := venue.Grid(1, 3, venue.Defaults{LockTTL: 60e9})
	if err != nil {
		t.Fatal(err)
	}
	api, err := booking.New(booking.Config{Store: new(memstore.Store), Events: []venue.Event{m}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		call, caller, body string
		status             int
		want               string
	}{
		{"lock", "ann", `{"seatId":"A1"}`, 200, `"userId":"ann"`},
		{"lock", "ann", `{"seatId":"A1","userId":"ann"}`, 200, `"userId":"ann"`},
		{"lock", "ann", `{"seatId":"A2","userId":"ben"}`, 403, `"code":"forbidden"`},
		{"confirm", "ben", `{"seatId":"A1","userId":"ann"}`, 403, `"code":"forbidden"`},
		{"release", "ben", `{"seatId":"A1","userId":"ann"}`, 403, `"code":"forbidden"`},
		{"confirm", "ben", `{"seatId":"A1"}`, 409, `"code":"lock_not_held"`},
		{"confirm", "ann", `{"seatId":"A1"}`, 200, `"status":"booked"`},
		{"lock", "", `{"seatId":"A3"}`, 400, "userId is missing."},
		{"lock", "", `{"seatId":"A3","userId":"cat"}`, 200, `"userId":"cat"`}, // without sign-in, the claim is believed
		{"lock", "a\nb", `{"seatId":"A2"}`, 401, `"code":"unauthenticated"`},  // not a valid user id
	} {
		ctx := context.Background()
		if c.caller != "" {
			ctx = access.WithToken(ctx, access.Token{Subject: lockstore.UserID(c.caller)})
		}
		r := httptest.NewRequestWithContext(ctx, "POST", "/"+c.call, strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		apitest.Checked(t, api.Routes()).ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s by %q with %s: %d %s, want %d and %s", c.call, c.caller, c.body, w.Code, w.Body, c.status, c.want)
		}
	}
}
