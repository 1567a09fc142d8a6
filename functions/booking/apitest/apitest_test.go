package apitest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"seatlock/functions/booking"
)

// TestDescriptionIsValid checks that the description is valid OpenAPI 3.1, and that an
// invalid one is refused.
func TestDescriptionIsValid(t *testing.T) {
	if d := description(); d.model.Version != "3.1.1" {
		t.Errorf("openapi.yaml is of version %s, want 3.1.1", d.model.Version)
	}
	for name, change := range map[string][2]string{
		"a field unknown to OpenAPI":      {"operationId: lock\n", "operationID: lock\n"},
		"a reference to nothing":          {"'#/components/schemas/SeatList'", "'#/components/schemas/Nothing'"},
		"an answer without a description": {"          description: The seats.\n", ""},
	} {
		if _, err := read(changed(t, change)); err == nil {
			t.Errorf("%s: the description is accepted, want an error", name)
		}
	}
}

// changed returns openapi.yaml with its first change[0] replaced by change[1].
func changed(t *testing.T, change [2]string) []byte {
	t.Helper()
	text := string(booking.OpenAPI())
	if !strings.Contains(text, change[0]) {
		t.Fatalf("openapi.yaml has no %q", change[0])
	}
	return []byte(strings.Replace(text, change[0], change[1], 1))
}

// exchange returns a lock request that was granted.
func exchange() Exchange {
	r := httptest.NewRequest("POST", "/lock", nil)
	r.Header.Set("Content-Type", "application/json")
	return Exchange{
		Request: r,
		Sent:    []byte(`{"seatId":"A1","userId":"ann"}`),
		Status:  200,
		Header:  http.Header{"Content-Type": {"application/json"}, "Date": {"Mon, 23 Nov 2026 20:00:00 GMT"}},
		Body:    []byte(`{"message":"Seat A1 locked.","eventId":"default","userId":"ann","seatIds":["A1"],"status":"locked","expiresAt":"2026-11-23T20:01:00.000Z","expiresInSeconds":60}` + "\n"),
	}
}

// refused returns a lock request that was refused.
func refused() Exchange {
	x := exchange()
	x.Status = 409
	x.Header = http.Header{"Content-Type": {"application/problem+json"}, "Cache-Control": {"no-store"}, "Retry-After": {"40"}}
	x.Body = []byte(`{"title":"Seat locked","status":409,"code":"seat_locked","detail":"Seat A1 is locked.","seats":[{"seatId":"A1","status":"locked","expiresAt":"2026-11-23T20:01:00.000Z"}]}` + "\n")
	return x
}

// TestCheckFindsWhatIsNotDescribed changes a valid exchange in one way per case.
func TestCheckFindsWhatIsNotDescribed(t *testing.T) {
	d := description()
	for _, x := range []Exchange{exchange(), refused()} {
		if err := x.check(d); err != nil {
			t.Errorf("%d: %v", x.Status, err)
		}
	}
	in := func(body *[]byte, old, new string) {
		t.Helper()
		if !strings.Contains(string(*body), old) {
			t.Fatalf("the body has no %s", old)
		}
		*body = []byte(strings.Replace(string(*body), old, new, 1))
	}
	for name, change := range map[string]func(granted, refused *Exchange){
		"another status":            func(x, _ *Exchange) { x.Status = 201 },
		"another media type":        func(x, _ *Exchange) { x.Header.Set("Content-Type", "text/json") },
		"one more header":           func(x, _ *Exchange) { x.Header.Set("Server", "seatlock") },
		"no body":                   func(x, _ *Exchange) { x.Body = nil },
		"half a body":               func(x, _ *Exchange) { x.Body = x.Body[:20] },
		"one more field":            func(x, _ *Exchange) { in(&x.Body, `{`, `{"owner":"ann",`) },
		"a field by another name":   func(x, _ *Exchange) { in(&x.Body, `"expiresAt"`, `"expires"`) },
		"a time in seconds":         func(x, _ *Exchange) { in(&x.Body, `:00.000Z`, `:00Z`) },
		"an impossible time":        func(x, _ *Exchange) { in(&x.Body, `11-23`, `13-23`) },
		"a number as a string":      func(x, _ *Exchange) { in(&x.Body, `60}`, `"60"}`) },
		"an invalid seat id":        func(x, _ *Exchange) { in(&x.Body, `["A1"]`, `["A<1"]`) },
		"no seats":                  func(x, _ *Exchange) { in(&x.Body, `["A1"]`, `[]`) },
		"another call's state":      func(x, _ *Exchange) { in(&x.Body, `"locked"`, `"booked"`) },
		"a request with a field":    func(x, _ *Exchange) { in(&x.Sent, `{`, `{"price":1,`) },
		"both seatId and seatIds":   func(x, _ *Exchange) { in(&x.Sent, `{`, `{"seatIds":["A1"],`) },
		"a request for no seat":     func(x, _ *Exchange) { in(&x.Sent, `"seatId":"A1",`, ``) },
		"a request without a body":  func(x, _ *Exchange) { x.Sent = nil },
		"a request for a user \\n":  func(x, _ *Exchange) { in(&x.Sent, `ann`, `a\nnn`) },
		"a request for a long user": func(x, _ *Exchange) { in(&x.Sent, `ann`, strings.Repeat("a", 129)) },
		"another method":            func(x, _ *Exchange) { x.Request.Method = "GET" },
		"another path":              func(x, _ *Exchange) { x.Request.URL.Path = "/locks" },
		"a required header missing": func(_, x *Exchange) { x.Header.Del("Cache-Control") },
		"another value of a header": func(_, x *Exchange) { x.Header.Set("Cache-Control", "no-cache") },
		"a header with no number":   func(_, x *Exchange) { x.Header.Set("Retry-After", "soon") },
		"a code of another call":    func(_, x *Exchange) { in(&x.Body, `seat_locked`, `lock_not_held`) },
		"a code of another status":  func(_, x *Exchange) { in(&x.Body, `409`, `404`) },
		"an unknown code":           func(_, x *Exchange) { in(&x.Body, `seat_locked`, `seat_sold`) },
		"the user who has a seat":   func(_, x *Exchange) { in(&x.Body, `{"seatId"`, `{"userId":"ben","seatId"`) },
		"a lock without an end":     func(_, x *Exchange) { in(&x.Body, `,"expiresAt":"2026-11-23T20:01:00.000Z"`, ``) },
		"a booking with an end":     func(_, x *Exchange) { in(&x.Body, `"status":"locked"`, `"status":"booked"`) },
	} {
		granted, refused := exchange(), refused()
		change(&granted, &refused)
		if granted.check(d) == nil && refused.check(d) == nil {
			t.Errorf("%s: the exchange is accepted, want an error", name)
		}
	}
}

// TestCheckFindsWhatIsDescribedWrongly changes the description in one way per case.
func TestCheckFindsWhatIsDescribedWrongly(t *testing.T) {
	for name, change := range map[string][2]string{
		"a field by another name":    {"        expiresInSeconds:\n", "        secondsLeft:\n"},
		"a missing code":             {"{ enum: [seat_locked, seat_booked, seat_blocked, seat_limit, not_enough, orphan_seat, not_on_sale] }", "{ enum: [seat_booked, seat_blocked, seat_limit, not_enough, orphan_seat, not_on_sale] }"},
		"a code missing in the list": {"            - seat_locked\n", ""},
		"another path":               {"  /lock:\n", "  /hold:\n"},
		"a missing status":           {"        '409':\n", "        '410':\n"},
		"a missing header":           {"            Retry-After:\n              description: With", "            Retry-Later:\n              description: With"},
	} {
		d, err := read(changed(t, change))
		if err != nil {
			continue // read has found the mistake
		}
		if exchange().check(d) == nil && refused().check(d) == nil {
			t.Errorf("%s: both exchanges are accepted, want an error", name)
		}
	}
}

// TestOtherMethodsAtAPath checks that only a path with x-other-methods may answer other
// methods in its own way.
func TestOtherMethodsAtAPath(t *testing.T) {
	words := Exchange{
		Status: 405,
		Header: http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}, "Allow": {"GET, HEAD"}},
		Body:   []byte(`{"status":"use GET"}`),
	}
	problem := words
	problem.Header = words.Header.Clone()
	problem.Header.Set("Content-Type", "application/problem+json")
	problem.Body = []byte(`{"title":"Method not allowed","status":405,"code":"method_not_allowed","detail":"This call takes GET, HEAD."}`)
	for path, good := range map[string]Exchange{"/healthz": words, "/readyz": words, "/seats": problem, "/seats/live": problem} {
		for _, x := range []Exchange{words, problem} {
			x.Request = httptest.NewRequest("POST", path, nil)
			if err := x.check(description()); (err == nil) != (string(x.Body) == string(good.Body)) {
				t.Errorf("%s %s: %v, want only %s accepted", path, x.Body, err, good.Body)
			}
		}
	}
}
