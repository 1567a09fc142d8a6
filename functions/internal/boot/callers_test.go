package boot

import (
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"seatlock/functions/booking"
	"seatlock/functions/booking/apitest"
	"seatlock/lockstore/redisstore/redistest"
)

// TestWhoMayDoWhat makes every call as every caller, as the gateway passes it on, with
// every setting of a function, and compares the results with the table of the server's
// README: look, buy, confirm, serve and operate, in that order.
func TestWhoMayDoWhat(t *testing.T) {
	const backend, operator = "a-back-end-of-thirty-two-characters", "an-operator-of-thirty-two-characters"
	file := filepath.Join(t.TempDir(), "events.json")
	if err := os.WriteFile(file, []byte(`{"events":[{"id":"gala","seats":["A1","A2","A3","A4","A5"]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	redis := "redis://" + redistest.New(t).Addr
	claims := map[string]string{"BACKEND_CLAIM": "scope=seats.serve", "OPERATOR_CLAIM": "roles=operator"}
	keys := map[string]string{"AUTH_BACKEND_KEY": backend, "OPERATOR_KEY": operator, "AUTHORIZER": "none"}
	with := func(env map[string]string, more ...string) map[string]string {
		env = maps.Clone(env)
		for i := 0; i < len(more); i += 2 {
			env[more[i]] = more[i+1]
		}
		return env
	}
	tokens := map[string]map[string]any{ // verified by the gateway
		"ann":              {"sub": "ann"},
		"ID token":         {"sub": "ann", "nonce": "n", "roles": "operator"},
		"token of nobody":  {"roles": "operator"},
		"trainee":          {"sub": "ann", "roles": []string{"trainee operator"}},
		"back end's token": {"sub": "shop", "scope": "openid seats.serve"},
		"operator's token": {"sub": "olga", "roles": []string{"cook", "operator"}},
	}
	for _, mode := range []struct {
		name string
		env  map[string]string
		may  map[string]string // by caller
	}{
		{"the gateway checks tokens", claims, map[string]string{
			"nobody":           "y 401 401 401 401",
			"ann":              "y y 403 403 403",
			"trainee":          "y y 403 403 403",
			"ID token":         "401 401 401 401 401", // routes for lists pass no token on
			"token of nobody":  "401 401 401 401 401",
			"back end's token": "y y y y 403",
			"operator's token": "y y y y y",
		}},
		{"buyers confirm", with(claims, "CONFIRM_BY", "buyer"), map[string]string{
			"ann": "y y y 403 403",
		}},
		{"payments confirm", with(claims, "CONFIRM_BY", "payment"), map[string]string{
			"ann":              "y y 403 403 403",
			"back end's token": "y y 403 y 403",
			"operator's token": "y y y y y",
		}},
		{"nothing checks tokens", with(keys, "BACKEND_CLAIM", "scope=seats.serve", "OPERATOR_CLAIM", "roles=operator"), map[string]string{
			"nobody":             "y 401 401 401 401",
			"a wrong key":        "y 401 401 401 401",
			"an unchecked token": "y 401 401 401 401",
			"back end's key":     "y y y y 403",
			"operator's key":     "y y y y y",
		}},
		{"guests", with(keys, "SESSIONS", "true", "SESSION_KEY", strings.Repeat("s", 32)), map[string]string{
			"nobody":             "y 401 401 401 401",
			"a wrong key":        "y 401 401 401 401",
			"an unchecked token": "y 401 401 401 401",
			"guest":              "y y 403 403 403",
			"guest's program":    "y y 403 403 403",
			"back end's key":     "y y y y 403",
			"operator's key":     "y y y y y",
		}},
		{"guests confirm", with(keys, "SESSIONS", "true", "SESSION_KEY", strings.Repeat("s", 32), "CONFIRM_BY", "buyer"), map[string]string{
			"guest": "y y y 403 403",
		}},
	} {
		t.Run(mode.name, func(t *testing.T) {
			env := with(mode.env, "REDIS_URL", redis, "EVENTS_FILE", file, "METRICS_NAMESPACE", "none")
			adapter, err := start(t.Context(), func(name string) string { return env[name] }, slog.New(slog.DiscardHandler), paidElsewhere(), (*booking.API).Routes)
			if err != nil {
				t.Fatal(err)
			}
			invoke := func(event events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
				t.Helper()
				event.Version = "2.0"
				payload, err := json.Marshal(event)
				if err != nil {
					t.Fatal(err)
				}
				text, err := adapter.Invoke(t.Context(), payload)
				if err != nil {
					t.Fatal(err)
				}
				var answer events.APIGatewayV2HTTPResponse
				if err := json.Unmarshal(text, &answer); err != nil {
					t.Fatal(err)
				}
				return answer
			}
			becomeGuest := func() (cookie, user string) {
				var event events.APIGatewayV2HTTPRequest
				event.RawPath, event.RequestContext.HTTP.Method = "/session", "GET"
				got := invoke(event)
				var session struct{ UserID string }
				if err := json.Unmarshal([]byte(got.Body), &session); err != nil || len(got.Cookies) != 1 {
					t.Fatalf("GET /session: %d %s %q, %v", got.StatusCode, got.Body, got.Cookies, err)
				}
				cookie, _, _ = strings.Cut(got.Cookies[0], ";")
				return cookie, session.UserID
			}
			for caller, may := range mode.may {
				var as events.APIGatewayV2HTTPRequest
				user := "ann"
				as.Headers = map[string]string{"content-type": "application/json"}
				key := map[string]string{"a wrong key": strings.Repeat("x", 32), "back end's key": backend, "operator's key": operator}[caller]
				token, verified := tokens[caller]
				switch caller {
				case "guest":
					var cookie string
					cookie, user = becomeGuest()
					as.Cookies = []string{cookie}
				case "guest's program":
					var cookie string
					cookie, user = becomeGuest()
					_, key, _ = strings.Cut(cookie, "=")
				case "an unchecked token":
					token = tokens["operator's token"]
				}
				if token != nil {
					text, err := json.Marshal(token)
					if err != nil {
						t.Fatal(err)
					}
					encoded := base64.RawURLEncoding.EncodeToString
					key = encoded([]byte(`{"alg":"RS256"}`)) + "." + encoded(text) + "." + encoded([]byte("signature"))
				}
				if key != "" {
					as.Headers["authorization"] = "Bearer " + key
				}
				if verified {
					as.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
						JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: passedOn(token)},
					}
				}
				apitest.Walk(t, caller, may, user, func(c apitest.Call) int {
					event := as
					event.RawPath, event.RawQueryString, _ = strings.Cut(c.Target, "?")
					event.Body, event.RequestContext.HTTP.Method, event.RequestContext.HTTP.SourceIP = c.Body, c.Method, "203.0.113.7"
					return invoke(event).StatusCode
				})
			}
		})
	}
}

// passedOn returns the claims as the gateway passes them on, with lists as text in
// brackets.
func passedOn(claims map[string]any) map[string]string {
	texts := make(map[string]string)
	for name, value := range claims {
		switch value := value.(type) {
		case string:
			texts[name] = value
		case []string:
			texts[name] = "[" + strings.Join(value, " ") + "]"
		}
	}
	return texts
}
