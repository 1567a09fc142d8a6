package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"seatlock/functions/access/oidc/issuertest"
	"seatlock/functions/booking/apitest"
)

// TestWhoMayDoWhat makes every call as every caller, against servers of every mode, and
// compares who is let through with the table in README.md: look, buy, confirm, serve and
// operate, in that order.
func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	apitest.CheckCalls(t)
	i := issuertest.New(t)
	const backend, next = "a-back-end-of-thirty-two-characters", "the-next-key-of-thirty-two-characters"
	keys := variables{"AUTH_BACKEND_KEY": backend + "," + next, "OPERATOR_KEY": operatorKey}
	tokens := map[string]string{
		"a wrong key": strings.Repeat("x", 32), "back end's key": backend, "back end's next key": next, "operator's key": operatorKey,
		"ann":               i.Token("first", nil),
		"ID token":          i.Token("first", map[string]any{"nonce": "n", "roles": "operator"}),
		"token for another": i.Token("first", map[string]any{"aud": "elsewhere", "roles": "operator"}),
		"token of nobody":   i.Token("first", map[string]any{"sub": nil, "roles": "operator"}),
		"back end's token":  i.Token("first", map[string]any{"sub": "shop", "scope": "seats.serve"}),
		"operator's token":  i.Token("first", map[string]any{"sub": "olga", "roles": []string{"operator"}}),
	}
	signIn := []string{"-auth-issuer", i.URL, "-auth-audience", issuertest.Audience, "-backend-claim", "scope=seats.serve", "-operator-claim", "roles=operator"}
	for _, mode := range []struct {
		name string
		env  variables
		args []string
		may  map[string]string // by caller
	}{
		{"nobody signs in", variables{"OPERATOR_KEY": operatorKey}, nil, map[string]string{
			"nobody":         "y y y 401 401",
			"a wrong key":    "y y y 401 401",
			"operator's key": "y y y y y",
		}},
		{"nobody signs in, and buyers pay", variables{"OPERATOR_KEY": operatorKey}, []string{"-checkout", "till"}, map[string]string{
			"nobody":         "y y 403 401 401",
			"a wrong key":    "y y 403 401 401",
			"operator's key": "y y y y y",
		}},
		{"the back end calls", keys, nil, map[string]string{
			"nobody":              "y 401 401 401 401",
			"a wrong key":         "y 401 401 401 401",
			"back end's key":      "y y y y 403",
			"back end's next key": "y y y y 403",
			"operator's key":      "y y y y y",
		}},
		{"users sign in", keys, signIn, map[string]string{
			"nobody":            "y 401 401 401 401",
			"ann":               "y y 403 403 403",
			"ID token":          "y 401 401 401 401",
			"token for another": "y 401 401 401 401",
			"token of nobody":   "y 401 401 401 401",
			"back end's token":  "y y y y 403",
			"operator's token":  "y y y y y",
			"back end's key":    "y y y y 403",
			"operator's key":    "y y y y y",
		}},
		{"buyers confirm", nil, append(signIn, "-confirm-by", "buyer"), map[string]string{
			"nobody":           "y 401 401 401 401",
			"ann":              "y y y 403 403",
			"back end's token": "y y y y 403",
			"back end's key":   "y 401 401 401 401", // not a key of this server
		}},
		{"payments confirm", keys, append(signIn, "-checkout", "till"), map[string]string{
			"ann":              "y y 403 403 403",
			"back end's token": "y y 403 y 403",
			"back end's key":   "y y 403 y 403",
			"operator's key":   "y y y y y",
		}},
		{"private", keys, append(signIn, "-private"), map[string]string{
			"nobody":         "401 401 401 401 401",
			"a wrong key":    "401 401 401 401 401",
			"ann":            "y y 403 403 403",
			"operator's key": "y y y y y",
		}},
		{"guests", keys, []string{"-sessions"}, map[string]string{
			"nobody":            "y 401 401 401 401",
			"ann":               "y 401 401 401 401",
			"guest":             "y y 403 403 403",
			"guest's program":   "y y 403 403 403",
			"back end's key":    "y y y y 403",
			"operator's key":    "y y y y y",
			"session of others": "y 401 401 401 401",
		}},
		{"guests pay, and nobody else looks", keys, []string{"-sessions", "-private", "-checkout", "till"}, map[string]string{
			"nobody": "401 401 401 401 401",
			"guest":  "y y 403 403 403",
		}},
		{"guests confirm, and nobody else looks", keys, []string{"-sessions", "-confirm-by", "buyer", "-private"}, map[string]string{
			"nobody":         "401 401 401 401 401",
			"guest":          "y y y 403 403",
			"operator's key": "y y y y y",
		}},
	} {
		t.Run(mode.name, func(t *testing.T) {
			url, _, _ := servingWith(t, mode.env, mode.args...)
			for caller, may := range mode.may {
				header, user := http.Header{}, "ann"
				switch caller {
				case "nobody":
				case "guest", "guest's program":
					var cookie string
					cookie, user = becomeGuest(t, url)
					if header.Set("Cookie", cookie); caller != "guest" {
						_, value, _ := strings.Cut(cookie, "=")
						header = http.Header{"Authorization": {"Bearer " + value}}
					}
				case "session of others":
					other, _, _ := servingWith(t, mode.env, mode.args...)
					cookie, _ := becomeGuest(t, other)
					header.Set("Cookie", cookie)
				case "back end's token":
					user = "ben"
					fallthrough
				default:
					header.Set("Authorization", "Bearer "+tokens[caller])
				}
				ask := func(c apitest.Call) int {
					r, err := http.NewRequestWithContext(t.Context(), c.Method, url+c.Target, strings.NewReader(c.Body))
					if err != nil {
						t.Fatal(err)
					}
					r.Header = header.Clone()
					r.Header.Set("Content-Type", "application/json")
					resp, err := http.DefaultClient.Do(r)
					if err != nil {
						t.Fatal(err)
					}
					resp.Body.Close()
					return resp.StatusCode
				}
				apitest.Walk(t, caller, may, user, ask)
				if slices.Contains(mode.args, "-checkout") {
					apitest.WalkOrders(t, caller, may, user, ask)
				}
			}
		})
	}
}

// becomeGuest returns the cookie and the id of a new guest of the server.
func becomeGuest(t *testing.T, url string) (cookie, user string) {
	t.Helper()
	resp, err := http.Get(url + "/session")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var session struct{ UserID string }
	if err := json.NewDecoder(resp.Body).Decode(&session); err != nil || len(resp.Cookies()) != 1 {
		t.Fatalf("GET /session: %v with the cookies %v, %v", resp.Status, resp.Cookies(), err)
	}
	c := resp.Cookies()[0]
	return c.Name + "=" + c.Value, session.UserID
}
