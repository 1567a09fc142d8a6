// Package access_test checks policies in front of the real calls, with tokens of a
// real issuer.
package access_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/access/oidc"
	"seatlock/functions/access/oidc/issuertest"
	"seatlock/functions/booking"
	"seatlock/functions/booking/apitest"
	"seatlock/functions/venue"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

const backendKey = "of-at-least-thirty-two-characters"

// A server is an API with a policy.
type server struct {
	t *testing.T
	http.Handler
}

// with returns an API of a hundred seats with the policy.
func with(t *testing.T, p access.Policy) *server {
	t.Helper()
	hall, err := venue.Grid(10, 10, venue.Defaults{LockTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	api, err := booking.New(booking.Config{Store: new(memstore.Store), Events: []venue.Event{hall}, Access: p, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return &server{t, api.Routes()}
}

func tokensOf(i *issuertest.Issuer) access.Verifier {
	return oidc.New(i.URL, issuertest.Audience, slog.New(slog.DiscardHandler))
}

// TestMain reads the description of the API outside of any synctest bubble.
func TestMain(m *testing.M) {
	apitest.Load()
	os.Exit(m.Run())
}

// ask sends a request and compares the answer with the description of the API. A header
// is "Name: value"; From sets the address of the client.
func (s *server) ask(method, path, body string, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		if name == "From" {
			r.RemoteAddr = value
			continue
		}
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	apitest.Checked(s.t, s).ServeHTTP(w, r)
	return w
}

// askAs sends a POST of a user whom a gateway has identified.
func (s *server) askAs(user, path, body string, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	as := &server{s.t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.ServeHTTP(w, r.WithContext(access.WithToken(r.Context(), access.Token{Subject: lockstore.UserID(user)})))
	})}
	return as.ask("POST", path, body, header...)
}

// lock posts the body to /lock, with the token unless that is empty.
func (s *server) lock(token, body string) *httptest.ResponseRecorder {
	s.t.Helper()
	if token == "" {
		return s.ask("POST", "/lock", body)
	}
	return s.ask("POST", "/lock", body, "Authorization: Bearer "+token)
}

// want checks the status of an answer, and that its body has the text.
func want(t *testing.T, got *httptest.ResponseRecorder, status int, text string) {
	t.Helper()
	if got.Code != status || !strings.Contains(got.Body.String(), text) {
		t.Errorf("%d %s, want %d and %s", got.Code, got.Body, status, text)
	}
}

// TestOpenPolicy checks that the userId is believed if there are no tokens.
func TestOpenPolicy(t *testing.T) {
	s := with(t, access.Policy{})
	want(t, s.lock("", `{"seatId":"A1","userId":"ann"}`), 200, `"userId":"ann"`)
	want(t, s.lock("whatever", `{"seatId":"A2","userId":"ben"}`), 200, `"userId":"ben"`)
}

func TestSignedInUser(t *testing.T) {
	i := issuertest.New(t)
	s := with(t, access.Policy{Tokens: tokensOf(i)})
	token := i.Token("first", nil)
	want(t, s.lock(token, `{"seatId":"A1"}`), 200, `"userId":"ann"`)
	want(t, s.lock(token, `{"seatId":"A2","userId":"ann"}`), 200, `"userId":"ann"`)
	want(t, s.lock(token, `{"seatId":"A3","userId":"ben"}`), 403, `"code":"forbidden"`)

	got := s.lock("", `{"seatId":"A3","userId":"ann"}`)
	want(t, got, 401, `"code":"unauthenticated"`)
	if c := got.Header().Get("WWW-Authenticate"); c != `Bearer realm="seatlock"` {
		t.Errorf("the challenge is %s", c)
	}
	for _, path := range []string{"/confirm", "/release"} {
		want(t, s.ask("POST", path, `{"seatId":"A1","userId":"ann"}`), 401, `"code":"unauthenticated"`)
	}
	want(t, s.ask("GET", "/seats?status=locked", ""), 200, `"locked":2`)
	want(t, s.ask("GET", "/events", "", "Authorization: Bearer stale"), 200, `"default"`)
}

// TestBadTokens checks that a call with an invalid token changes no seat, and that the
// answer does not say what is wrong with it.
func TestBadTokens(t *testing.T) {
	i := issuertest.New(t)
	s := with(t, access.Policy{Tokens: tokensOf(i)})
	for name, token := range map[string]string{
		"no token at all": "nonsense",
		"ended":           i.Token("first", map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}),
	} {
		got := s.lock(token, `{"seatId":"A1"}`)
		want(t, got, 401, `"detail":"The token is not valid here, or its time is over. Sign in again."`)
		if c := got.Header().Get("WWW-Authenticate"); c != `Bearer realm="seatlock", error="invalid_token"` {
			t.Errorf("%s: the challenge is %s", name, c)
		}
	}
	want(t, s.ask("GET", "/seats", ""), 200, `"available":100`)
	want(t, s.lock(i.Token("first", nil), `{"seatId":"A1"}`), 200, `"userId":"ann"`)
}

// TestIssuerUnavailable checks that lists still work while the issuer's keys cannot
// be fetched.
func TestIssuerUnavailable(t *testing.T) {
	i := issuertest.New(t)
	i.Break(issuertest.Down)
	s := with(t, access.Policy{Tokens: tokensOf(i)})
	got := s.lock(i.Token("first", nil), `{"seatId":"A1"}`)
	want(t, got, 503, `"code":"sign_in_unavailable"`)
	if got.Header().Get("Retry-After") != "1" {
		t.Errorf("Retry-After is not 1: %v", got.Header())
	}
	want(t, s.ask("GET", "/seats", ""), 200, `"available":100`)
}

// TestAccessComesFirst checks that a refused caller does not learn which paths and
// methods exist, and that requests for unknown paths count.
func TestAccessComesFirst(t *testing.T) {
	s := with(t, access.Policy{BackendKeys: []string{backendKey}, Private: true})
	want(t, s.ask("POST", "/nowhere", ""), 401, `"code":"unauthenticated"`)
	want(t, s.ask("GET", "/lock", ""), 401, `"code":"unauthenticated"`)
	want(t, s.ask("GET", "/nowhere", "", "Authorization: Bearer "+backendKey), 404, `"code":"not_found"`)
	want(t, s.ask("GET", "/lock", "", "Authorization: Bearer "+backendKey), 405, `"code":"method_not_allowed"`)

	limited := with(t, access.Policy{Rate: access.NewRate(0.001)})
	want(t, limited.ask("GET", "/nowhere", ""), 404, `"code":"not_found"`)
	want(t, limited.ask("GET", "/nowhere", ""), 429, `"code":"rate_limited"`)
}

// TestVerifiedBefore checks that a caller whom a gateway has verified needs no token.
func TestVerifiedBefore(t *testing.T) {
	s := with(t, access.Policy{BackendKeys: []string{backendKey}, Private: true})
	r := httptest.NewRequest("POST", "/lock", strings.NewReader(`{"seatId":"A1"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r.WithContext(access.WithToken(r.Context(), access.Token{Subject: "ann"})))
	want(t, w, 200, `"userId":"ann"`)
}

func TestBackendKey(t *testing.T) {
	i := issuertest.New(t)
	for name, p := range map[string]access.Policy{
		"alone":        {BackendKeys: []string{backendKey}},
		"with sign-in": {BackendKeys: []string{backendKey}, Tokens: tokensOf(i)},
	} {
		t.Run(name, func(t *testing.T) {
			s := with(t, p)
			want(t, s.lock(backendKey, `{"seatId":"A1","userId":"ann"}`), 200, `"userId":"ann"`)
			want(t, s.lock(backendKey, `{"seatId":"A2","userId":"ben"}`), 200, `"userId":"ben"`)
			want(t, s.lock(backendKey, `{"seatId":"A3"}`), 400, `userId is missing`)
			for _, key := range []string{"", backendKey[:8], backendKey + "x", strings.ToUpper(backendKey)} {
				want(t, s.lock(key, `{"seatId":"A3","userId":"ann"}`), 401, `"code":"unauthenticated"`)
			}
			want(t, s.ask("POST", "/lock", `{"seatId":"A3","userId":"ann"}`, "Authorization: Basic "+backendKey), 401, "")
		})
	}
}

func TestPrivate(t *testing.T) {
	i := issuertest.New(t)
	s := with(t, access.Policy{Tokens: tokensOf(i), BackendKeys: []string{backendKey}, Private: true})
	for _, path := range []string{"/seats", "/events"} {
		want(t, s.ask("GET", path, ""), 401, `"code":"unauthenticated"`)
		want(t, s.ask("HEAD", path, ""), 401, "")
		want(t, s.ask("GET", path, "", "Authorization: Bearer "+i.Token("first", nil)), 200, "")
		want(t, s.ask("GET", path, "", "authorization: bearer "+backendKey), 200, "")
	}
}

// TestRate checks that each client has a limit of its own, and that the refusal gives
// the time to wait.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := with(t, access.Policy{Rate: access.NewRate(2)})
		seats := func(from string) *httptest.ResponseRecorder { return s.ask("GET", "/seats", "", "From: "+from) }
		for range 4 { // a burst of twice as many
			want(t, seats("192.0.2.1:1000"), 200, "")
		}
		got := seats("192.0.2.1:1001") // another port of the same client
		want(t, got, 429, `"code":"rate_limited"`)
		if got.Header().Get("Retry-After") != "1" {
			t.Errorf("Retry-After is %q", got.Header().Get("Retry-After"))
		}
		want(t, seats("192.0.2.2:1000"), 200, "")

		time.Sleep(499 * time.Millisecond)
		want(t, seats("192.0.2.1:1000"), 429, "")
		time.Sleep(time.Millisecond)
		want(t, seats("192.0.2.1:1000"), 200, "")
		want(t, seats("192.0.2.1:1000"), 429, "")
		want(t, s.ask("POST", "/lock", `{"seatId":"A1","userId":"ann"}`, "From: 192.0.2.1:1000"), 429, "")

		for range 4 { // a client can choose the last 64 bits
			want(t, seats("[2001:db8::1]:1000"), 200, "")
		}
		want(t, seats("[2001:db8::ffff:2]:1000"), 429, "")
		for range 4 {
			want(t, seats("[2001:db8:0:1::1]:1000"), 200, "")
		}
		want(t, seats("[::ffff:192.0.2.1]:1000"), 429, "")
	})
}

// TestRateOfUsers checks that signed-in users are counted by name from any address,
// requests with a bad token by address, and the back end not at all.
func TestRateOfUsers(t *testing.T) {
	i := issuertest.New(t)
	s := with(t, access.Policy{Tokens: tokensOf(i), BackendKeys: []string{backendKey}, Rate: access.NewRate(0.001)})
	ann, ben := i.Token("first", nil), i.Token("first", map[string]any{"sub": "ben"})
	lock := func(token, from string) int {
		return s.ask("POST", "/lock", `{"seatId":"A1"}`, "Authorization: Bearer "+token, "From: "+from).Code
	}
	if got := lock(ann, "192.0.2.1:1"); got != 200 {
		t.Fatal(got)
	}
	for from, want := range map[string]int{"192.0.2.1:1": 429, "192.0.2.2:1": 429} {
		if got := lock(ann, from); got != want {
			t.Errorf("ann from %s: %d, want %d", from, got, want)
		}
	}
	if got := lock(ben, "192.0.2.1:1"); got != 409 {
		t.Errorf("ben, from the address of ann: %d, want 409", got)
	}
	if first, second := lock("guess", "192.0.2.3:1"), lock("another", "192.0.2.3:1"); first != 401 || second != 429 {
		t.Errorf("guesses are answered with %d and %d, want 401 and 429", first, second)
	}
	for range 3 {
		want(t, s.ask("POST", "/lock", `{"seatId":"B1","userId":"eve"}`, "Authorization: Bearer "+backendKey, "From: 192.0.2.3:1"), 200, "")
	}
}
