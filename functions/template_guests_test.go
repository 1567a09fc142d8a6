package functions_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"seatlock/lockstore/redisstore/redistest"
)

// TestTemplateWithGuests checks that, with Sessions, the gateway checks nothing and the
// functions check everything: guests lock, the back end and operators use the keys that
// the stack makes, and others may only look.
func TestTemplateWithGuests(t *testing.T) {
	t.Parallel()
	tmpl := readTemplate(t, map[string]any{"Sessions": "enabled"})
	for _, kind := range []string{"AWS::ApiGatewayV2::Authorizer", "AWS::Cognito::UserPool"} {
		if made := tmpl.of(kind); len(made) > 0 {
			t.Errorf("the stack makes %q, want none of %s", names(made), kind)
		}
	}
	routes := make(map[string]string) // the function of each
	for name, r := range tmpl.of("AWS::ApiGatewayV2::Route") {
		if _, ok := r["AuthorizerId"]; ok || r["AuthorizationType"] != "NONE" {
			t.Errorf("%s has the AuthorizationType %v, want NONE", name, r["AuthorizationType"])
		}
		routes[r["RouteKey"].(string)] = functionBehind(t, tmpl, strings.Trim(strings.TrimPrefix(r["Target"].(string), "integrations/"), "<>"))
	}
	keys := map[string]string{ // of the secrets of the stack
		"SessionKey": strings.Repeat("s", 48), "BackendKey": backendKey, "OperatorKey": operatorKey,
	}
	server := "REDIS_URL=redis://" + redistest.New(t).Addr
	file := eventFile(t)
	running := make(map[string]*function)
	for name, f := range functionsOf(t, tmpl) {
		env := []string{"EVENTS_FILE=" + file}
		for variable, value := range f.env {
			for secret, key := range keys {
				value = strings.ReplaceAll(value, "{{resolve:secretsmanager:<"+secret+">}}", key)
			}
			env = append(env, variable+"="+here(value, "", ""))
		}
		running[name] = start(t, built(t, f.program), append(env, server)...).up()
	}
	ask := func(call, body, token string, cookies ...string) events.APIGatewayV2HTTPResponse {
		t.Helper()
		function, ok := running[routes[call]]
		if !ok {
			t.Fatalf("the template has no route %s", call)
		}
		method, path, _ := strings.Cut(call, " ")
		event := httpEvent(method, path, "", body)
		event.Cookies = cookies
		if event.Headers["authorization"] = "Bearer " + token; token == "" {
			delete(event.Headers, "authorization")
		}
		return function.send(event)
	}
	guest := func() string {
		t.Helper()
		got := ask("GET /session", "", "")
		if got.StatusCode != 200 || !strings.Contains(got.Body, `"guest":true`) || len(got.Cookies) != 1 || !strings.HasPrefix(got.Cookies[0], "__Host-seatlock=") {
			t.Fatalf("GET /session: %d %s %q", got.StatusCode, got.Body, got.Cookies)
		}
		cookie, _, _ := strings.Cut(got.Cookies[0], ";")
		return cookie
	}
	one, other := guest(), guest()
	_, token, _ := strings.Cut(other, "=")
	user := func(cookie string) string {
		t.Helper()
		_, rest, _ := strings.Cut(ask("GET /session", "", "", cookie).Body, `"userId":"`)
		id, _, _ := strings.Cut(rest, `"`)
		return id
	}(one)
	for _, c := range []struct {
		call, body, token, cookie string
		status                    int
		want                      string
	}{
		{"POST /lock", `{"seatId":"A1"}`, "", "", 401, "unauthenticated"},
		{"POST /lock", `{"seatId":"A1","userId":"ann"}`, "", one, 403, "forbidden"},
		{"POST /lock", `{"seatId":"A1"}`, "", one, 200, `"userId":"` + user + `"`},
		{"POST /lock", `{"seatId":"A1"}`, token, "", 409, "seat_locked"},
		{"POST /extend", `{"seatId":"A1","seconds":90}`, "", one, 200, `"status":"locked"`},
		{"GET /mine", "", "", one, 200, `"seatId":"A1","status":"locked"`},
		{"GET /mine", "", token, "", 200, `"seats":[]`},
		{"POST /confirm", `{"seatId":"A1"}`, "", one, 403, "forbidden"},
		{"POST /confirm", `{"seatId":"A1","userId":"` + user + `"}`, backendKey, "", 200, `"status":"booked"`},
		{"POST /cancel", `{"seatId":"A1","userId":"` + user + `"}`, backendKey, "", 403, "forbidden"},
		{"POST /cancel", `{"seatId":"A1","userId":"` + user + `"}`, "", one, 403, "forbidden"},
		{"POST /cancel", `{"seatId":"A1","userId":"` + user + `"}`, operatorKey, "", 200, `"seatIds":["A1"]`},
		{"GET /bookings", "", "", one, 403, "forbidden"},
		{"GET /journal", "", operatorKey, "", 200, `"kind":"cancel"`},
		{"POST /release", `{"seatId":"A2"}`, "", one, 200, `"status":"available"`},
		{"GET /seats", "", "", "", 200, `"counts"`},
		{"POST /signout", "", "", one, 200, `"confirm":false`},
	} {
		var cookies []string
		if c.cookie != "" {
			cookies = []string{c.cookie}
		}
		if got := ask(c.call, c.body, c.token, cookies...); got.StatusCode != c.status || !strings.Contains(got.Body, c.want) {
			t.Errorf("%s %s by %.9q %.9q: %d %s, want %d with %s", c.call, c.body, c.token, c.cookie, got.StatusCode, got.Body, c.status, c.want)
		}
	}
}
