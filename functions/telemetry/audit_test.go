package telemetry_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"seatlock/functions/telemetry"
)

// TestAudit checks that each change that matters writes one line with the request's id
// and the caller, and that the line has personal data only if allowed.
func TestAudit(t *testing.T) {
	home := netip.MustParseAddr("192.0.2.7")
	for _, c := range []struct {
		name  string
		o     telemetry.Outcome
		users bool
		want  string // empty: no line
	}{
		{"a booking", telemetry.Outcome{Call: "confirm", Event: "gala", Seats: 3, Changed: 2, User: "ann"}, false, "level=INFO msg=booked event=gala seats=2 request=id-7"},
		{"one by the back end", telemetry.Outcome{Call: "confirm", Event: "gala", Changed: 2, User: "ann", By: "backend"}, true, "level=INFO msg=booked event=gala seats=2 by=backend user=ann request=id-7"},
		{"with the address", telemetry.Outcome{Call: "confirm", Event: "gala", Changed: 2, User: "ann", Client: home}, false, "level=INFO msg=booked event=gala seats=2 address=192.0.2.7 request=id-7"},
		{"a cancellation", telemetry.Outcome{Call: "cancel", Event: "gala", Changed: 1, By: "operator:olga"}, true, `level=INFO msg="booking cancelled" event=gala seats=1 by=operator:olga request=id-7`},
		{"without the operator's name", telemetry.Outcome{Call: "cancel", Event: "gala", Changed: 1, By: "operator:olga"}, false, `level=INFO msg="booking cancelled" event=gala seats=1 by=operator request=id-7`},
		{"a repeat", telemetry.Outcome{Call: "confirm", Event: "gala", Seats: 3}, false, ""},
		{"a refusal", telemetry.Outcome{Call: "confirm", Event: "gala", Changed: 1, Code: "lock_expired"}, false, ""},
		{"a lock", telemetry.Outcome{Call: "lock", Event: "gala", Changed: 1}, true, ""},
	} {
		var out bytes.Buffer
		log := slog.New(telemetry.LogHandler(slog.NewTextHandler(&out, nil)))
		h := telemetry.Observe(func(http.ResponseWriter, *http.Request) telemetry.Outcome { return c.o }, telemetry.RandomID, telemetry.Audit(log, c.users))
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("X-Request-Id", "id-7")
		r.Header.Set("Authorization", "Bearer secret")
		h.ServeHTTP(httptest.NewRecorder(), r)
		_, line, _ := strings.Cut(strings.TrimSuffix(out.String(), "\n"), " ") // without the time
		if line != c.want {
			t.Errorf("%s leaves the line\n%s, want\n%s", c.name, line, c.want)
		}
	}
}
