package booking_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/booking/apitest"
	"seatlock/functions/problem"
	"seatlock/functions/venue"
	"seatlock/lockstore/memstore"
)

// TestCaching checks that lists must be validated, that private ones are for one
// client, that a shared cache may keep others if the program says so, and that
// refusals are not kept.
func TestCaching(t *testing.T) {
	const key = "of-at-least-thirty-two-characters"
	for _, c := range []struct {
		config booking.Config
		want   string
	}{
		{booking.Config{}, "no-cache"},
		{booking.Config{SharedSeconds: 2}, "public, max-age=0, s-maxage=2"},
		{booking.Config{Access: access.Policy{Private: true, BackendKeys: []string{key}}, SharedSeconds: 2}, "private, no-cache"},
	} {
		c.config.Store, c.config.Logger = new(memstore.Store), slog.New(slog.DiscardHandler)
		hall, err := venue.Grid(2, 2, venue.Defaults{LockTTL: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		c.config.Events = []venue.Event{hall}
		api, err := booking.New(c.config)
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]string{"/seats": c.want, "/events": c.want, "/openapi.yaml": c.want, "/seats?since=%00": "no-store", "/nowhere": "no-store"} {
			r, w := httptest.NewRequest("GET", path, nil), httptest.NewRecorder()
			r.Header.Set("Authorization", "Bearer "+key)
			apitest.Checked(t, api.Routes()).ServeHTTP(w, r)
			if got := w.Header().Get("Cache-Control"); got != want {
				t.Errorf("%s has the Cache-Control %q, want %q", path, got, want)
			}
		}
	}
}

// TestFailuresDoNotFillTheDisk checks that only a few of many failures of one kind are
// logged.
func TestFailuresDoNotFillTheDisk(t *testing.T) {
	var out strings.Builder
	hall, err := venue.Grid(2, 2, venue.Defaults{LockTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		api, err := booking.New(booking.Config{
			Store: new(memstore.Store), Events: []venue.Event{hall}, Logger: slog.New(slog.NewTextHandler(&out, nil)),
			Access: access.Policy{Tokens: away{}, Private: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		ask := func() {
			r := httptest.NewRequest("GET", "/seats", nil)
			r.Header.Set("Authorization", "Bearer x")
			api.List.ServeHTTP(httptest.NewRecorder(), r)
		}
		for range 1000 {
			ask()
		}
		time.Sleep(time.Second)
		ask()
		if lines := strings.Count(out.String(), "\n"); lines != 21 || !strings.HasSuffix(out.String(), "missed=980\n") {
			t.Errorf("1001 failures make %d lines, want 21, the last with missed=980:\n%s", lines, out.String())
		}
	})
}

// away is an issuer that does not answer.
type away struct{}

func (away) Verify(context.Context, string) (access.Token, error) {
	return access.Token{}, &problem.Refusal{Kind: problem.SignInUnavailable, Detail: "Try again."}
}
