// Package access_test holds the guard to what it promises, in front of the real
// calls and with tokens of a real issuer.
package access_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/booking/apitest"
	"seatlock/lockstore"
)

const backendKey = "of-at-least-thirty-two-characters"

// A door is a shop behind a guard.
type door struct {
	t *testing.T
	http.Handler
}

// behind opens a shop of a hundred seats behind the guard.
func behind(t *testing.T, g *access.Guard) *door {
	t.Helper()
	hall, err := booking.Grid(10, 10, booking.Defaults{LockTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	api, err := booking.New(booking.Config{Store: new(lockstore.Memory), SeatMaps: []booking.SeatMap{hall}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	g.Fail = api.Fail
	return &door{t, g.Handler(api.Routes())}
}

func signIn(i *issuer) *access.SignIn {
	return access.NewSignIn(i.URL, "shop", slog.New(slog.DiscardHandler))
}

// TestMain reads the description of the API, before a test that lives by a fake
// clock does.
func TestMain(m *testing.M) {
	apitest.Load()
	os.Exit(m.Run())
}

// A visit is a request, whose answer is held to the description of the API. Its
// header is "Name: value" each.
func (d *door) visit(method, path, body string, header ...string) *httptest.ResponseRecorder {
	d.t.Helper()
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
	apitest.Watch(d.t, d).ServeHTTP(w, r)
	return w
}

// lock locks A1 with a token and says what comes of it.
func (d *door) lock(token, body string) *httptest.ResponseRecorder {
	d.t.Helper()
	if token == "" {
		return d.visit("POST", "/lock", body)
	}
	return d.visit("POST", "/lock", body, "Authorization: Bearer "+token)
}

// want holds an answer to a status and a text that is in it.
func want(t *testing.T, got *httptest.ResponseRecorder, status int, text string) {
	t.Helper()
	if got.Code != status || !strings.Contains(got.Body.String(), text) {
		t.Errorf("%d %s, want %d and %s", got.Code, got.Body, status, text)
	}
}

func TestNobodyIsAskedWithoutSignIn(t *testing.T) {
	d := behind(t, new(access.Guard))
	want(t, d.lock("", `{"seatId":"A1","userId":"ann"}`), 200, `"userId":"ann"`)
	want(t, d.lock("whatever", `{"seatId":"A2","userId":"ben"}`), 200, `"userId":"ben"`)
}

func TestSignedInUser(t *testing.T) {
	i := issuing(t)
	d := behind(t, &access.Guard{SignIn: signIn(i)})
	token := i.token("first", nil)
	want(t, d.lock(token, `{"seatId":"A1"}`), 200, `"userId":"ann"`)
	want(t, d.lock(token, `{"seatId":"A2","userId":"ann"}`), 200, `"userId":"ann"`)
	want(t, d.lock(token, `{"seatId":"A3","userId":"ben"}`), 403, `"code":"forbidden"`)

	got := d.lock("", `{"seatId":"A3","userId":"ann"}`)
	want(t, got, 401, `"code":"unauthenticated"`)
	if c := got.Header().Get("WWW-Authenticate"); c != `Bearer realm="seatlock"` {
		t.Errorf("the challenge is %s", c)
	}
	for _, path := range []string{"/confirm", "/release"} {
		want(t, d.visit("POST", path, `{"seatId":"A1","userId":"ann"}`), 401, `"code":"unauthenticated"`)
	}
	want(t, d.visit("GET", "/seats?status=locked", ""), 200, `"locked":2`)
	want(t, d.visit("GET", "/events", "", "Authorization: Bearer stale"), 200, `"default"`)
}

// TestBadTokens: whatever is wrong with a token, it changes no seat, and the
// answer does not say what is wrong.
func TestBadTokens(t *testing.T) {
	i := issuing(t)
	other := issuing(t)
	d := behind(t, &access.Guard{SignIn: signIn(i)})
	good := i.token("first", nil)
	head, rest, _ := strings.Cut(good, ".")
	body, signature, _ := strings.Cut(rest, ".")
	for name, token := range map[string]string{
		"no token at all":           "nonsense",
		"empty parts":               "..",
		"ended":                     i.token("first", map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}),
		"without an end":            i.token("first", map[string]any{"exp": nil}),
		"not yet valid":             i.token("first", map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}),
		"for another site":          i.token("first", map[string]any{"aud": "blog"}),
		"for nobody":                i.token("first", map[string]any{"aud": nil}),
		"of another issuer":         i.token("first", map[string]any{"iss": other.URL}),
		"signed by another":         other.token("first", map[string]any{"iss": i.URL}),
		"without a subject":         i.token("first", map[string]any{"sub": nil}),
		"with a subject of no user": i.token("first", map[string]any{"sub": "a\nb"}),
		"with a long subject":       i.token("first", map[string]any{"sub": strings.Repeat("a", 129)}),
		"with another body":         head + "." + strings.ToUpper(body[:8]) + body[8:] + "." + signature,
		"without a signature":       head + "." + body + ".",
		"of the algorithm none":     forged(`{"alg":"none"}`, i.claims(nil), func([]byte) []byte { return nil }),
		"with the public key":       forged(`{"alg":"HS256","kid":"first"}`, i.claims(nil), withPublicKey(t, i.keys["first"])),
	} {
		got := d.lock(token, `{"seatId":"A1"}`)
		if got.Code != 401 || !strings.Contains(got.Body.String(), `"detail":"The token is not valid here, or its time is over. Sign in again."`) {
			t.Errorf("a token %s is answered with %d %s", name, got.Code, got.Body)
		}
		if c := got.Header().Get("WWW-Authenticate"); c != `Bearer realm="seatlock", error="invalid_token"` {
			t.Errorf("the challenge for a token %s is %s", name, c)
		}
	}
	want(t, d.visit("GET", "/seats", ""), 200, `"available":100`)
	want(t, d.lock(good, `{"seatId":"A1"}`), 200, `"userId":"ann"`)
}

// TestTokensOfEveryKind: with keys of other kinds, several audiences, and clocks
// that differ a little.
func TestTokensOfEveryKind(t *testing.T) {
	i := issuing(t)
	i.add("ec", "ES256", ecKey(t))
	i.add("ed", "EdDSA", edKey(t))
	d := behind(t, &access.Guard{SignIn: signIn(i)})
	for name, token := range map[string]string{
		"EC":                  i.token("ec", nil),
		"Ed25519":             i.token("ed", nil),
		"several audiences":   i.token("first", map[string]any{"aud": []string{"blog", "shop"}}),
		"just ended":          i.token("first", map[string]any{"exp": time.Now().Add(-10 * time.Second).Unix()}),
		"valid in an instant": i.token("first", map[string]any{"nbf": time.Now().Add(10 * time.Second).Unix()}),
	} {
		if got := d.lock(token, `{"seatId":"A1"}`); got.Code != 200 {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
}

// TestKeysChange: a token of a new key is taken, and one of a key that the
// issuer has given up is not once the keys were asked for again.
func TestKeysChange(t *testing.T) {
	i := issuing(t)
	d := behind(t, &access.Guard{SignIn: signIn(i)})
	old := i.token("first", nil)
	want(t, d.lock(old, `{"seatId":"A1"}`), 200, "")
	i.add("second", "ES256", ecKey(t))
	delete(i.keys, "first")
	i.publish()
	fresh := i.token("second", nil)
	eventually(t, func() bool { return d.lock(fresh, `{"seatId":"A2"}`).Code == 200 })
	eventually(t, func() bool { return d.lock(old, `{"seatId":"A3"}`).Code == 401 })
}

// TestIssuerAway: without its keys nobody can sign in, and nobody waits for
// long; with them it does not matter that it is away.
func TestIssuerAway(t *testing.T) {
	i := issuing(t)
	down := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	i.broken.Store(&down)
	d := behind(t, &access.Guard{SignIn: signIn(i)})
	token := i.token("first", nil)
	got := d.lock(token, `{"seatId":"A1"}`)
	want(t, got, 503, `"code":"sign_in_unavailable"`)
	if got.Header().Get("Retry-After") != "1" {
		t.Errorf("it does not say when to try again: %v", got.Header())
	}
	want(t, d.visit("GET", "/seats", ""), 200, `"available":100`)

	i.broken.Store(nil)
	eventually(t, func() bool { return d.lock(token, `{"seatId":"A1"}`).Code == 200 })

	for name, h := range map[string]http.HandlerFunc{
		"down":    down,
		"garbled": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"mute":    func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		i.broken.Store(&h)
		want(t, d.lock(token, `{"seatId":"A1"}`), 200, "")
		i.add("new of "+name, "ES256", ecKey(t))
		unseen := i.token("new of "+name, nil)
		eventually(t, func() bool { return d.lock(unseen, `{"seatId":"A2"}`).Code == 503 })
	}
	i.broken.Store(nil)
	eventually(t, func() bool { return d.lock(i.token("new of mute", nil), `{"seatId":"A2"}`).Code == 200 })
}

// eventually holds for at most half a minute that something will be so.
func eventually(t *testing.T, so func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come")
		}
	}
}

// TestWrongIssuerShows: at the start, to whoever set it up.
func TestWrongIssuerShows(t *testing.T) {
	i := issuing(t)
	if err := signIn(i).Greet(t.Context()); err != nil {
		t.Error(err)
	}
	s := access.NewSignIn(i.URL+"/", "shop", slog.New(slog.DiscardHandler))
	if err := s.Greet(t.Context()); err == nil || !strings.Contains(err.Error(), i.URL) {
		t.Errorf("an issuer that goes by another name is taken: %v", err)
	}
}

// TestMadeUpTokensDoNotStorm: tokens of keys that nobody has make few requests
// to the issuer.
func TestMadeUpTokensDoNotStorm(t *testing.T) {
	i, other := issuing(t), issuing(t)
	other.add("unheard of", "ES256", ecKey(t))
	d := behind(t, &access.Guard{SignIn: signIn(i)})
	want(t, d.lock(i.token("first", nil), `{"seatId":"A1"}`), 200, "")
	began, before := time.Now(), i.asked.Load()
	for range 200 {
		want(t, d.lock(other.token("unheard of", map[string]any{"iss": i.URL}), `{"seatId":"A1"}`), 401, "")
	}
	// One a second, however long the two hundred took here, and one over.
	if asked, most := i.asked.Load()-before, int64(time.Since(began).Seconds())+2; asked > most {
		t.Errorf("200 made-up tokens made %d requests, want at most %d", asked, most)
	}
}

func TestBackendKey(t *testing.T) {
	i := issuing(t)
	for name, g := range map[string]*access.Guard{
		"alone":        {BackendKey: backendKey},
		"with sign-in": {BackendKey: backendKey, SignIn: signIn(i)},
	} {
		t.Run(name, func(t *testing.T) {
			d := behind(t, g)
			want(t, d.lock(backendKey, `{"seatId":"A1","userId":"ann"}`), 200, `"userId":"ann"`)
			want(t, d.lock(backendKey, `{"seatId":"A2","userId":"ben"}`), 200, `"userId":"ben"`)
			want(t, d.lock(backendKey, `{"seatId":"A3"}`), 400, `userId is missing`)
			for _, key := range []string{"", backendKey[:8], backendKey + "x", strings.ToUpper(backendKey)} {
				want(t, d.lock(key, `{"seatId":"A3","userId":"ann"}`), 401, `"code":"unauthenticated"`)
			}
			want(t, d.visit("POST", "/lock", `{"seatId":"A3","userId":"ann"}`, "Authorization: Basic "+backendKey), 401, "")
		})
	}
}

func TestPrivate(t *testing.T) {
	i := issuing(t)
	d := behind(t, &access.Guard{SignIn: signIn(i), BackendKey: backendKey, Private: true})
	for _, path := range []string{"/seats", "/events"} {
		want(t, d.visit("GET", path, ""), 401, `"code":"unauthenticated"`)
		want(t, d.visit("HEAD", path, ""), 401, "")
		want(t, d.visit("GET", path, "", "Authorization: Bearer "+i.token("first", nil)), 200, "")
		want(t, d.visit("GET", path, "", "authorization: bearer "+backendKey), 200, "")
	}
}

// TestRate: one client may call so often, and is told when to come back;
// others are not in its way.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := behind(t, &access.Guard{Rate: access.NewRate(2)})
		seats := func(from string) *httptest.ResponseRecorder { return d.visit("GET", "/seats", "", "From: "+from) }
		for range 4 { // twice as many at once
			want(t, seats("192.0.2.1:1000"), 200, "")
		}
		got := seats("192.0.2.1:1001") // another port is the same client
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
		want(t, d.visit("POST", "/lock", `{"seatId":"A1","userId":"ann"}`, "From: 192.0.2.1:1000"), 429, "")

		for range 4 { // everybody can choose an address within 64 bits
			want(t, seats("[2001:db8::1]:1000"), 200, "")
		}
		want(t, seats("[2001:db8::ffff:2]:1000"), 429, "")
		want(t, seats("[2001:db8:0:1::1]:1000"), 200, "")
		want(t, seats("[::ffff:192.0.2.1]:1000"), 429, "")
	})
}

// TestRateOfUsers: who is signed in is counted by name wherever they are, who
// fails to sign in by address, and the back end not at all.
func TestRateOfUsers(t *testing.T) {
	i := issuing(t)
	d := behind(t, &access.Guard{SignIn: signIn(i), BackendKey: backendKey, Rate: access.NewRate(0.001)})
	ann, ben := i.token("first", nil), i.token("first", map[string]any{"sub": "ben"})
	lock := func(token, from string) int {
		return d.visit("POST", "/lock", `{"seatId":"A1"}`, "Authorization: Bearer "+token, "From: "+from).Code
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
		t.Errorf("ben, behind the address of ann: %d", got)
	}
	if first, second := lock("guess", "192.0.2.3:1"), lock("another", "192.0.2.3:1"); first != 401 || second != 429 {
		t.Errorf("guesses are answered with %d and %d, want 401 and 429", first, second)
	}
	for range 3 {
		want(t, d.visit("POST", "/lock", `{"seatId":"B1","userId":"eve"}`, "Authorization: Bearer "+backendKey, "From: 192.0.2.3:1"), 200, "")
	}
}

// TestForwarded: X-Forwarded-For is the client's own claim, but for what the
// proxies in front have added.
func TestForwarded(t *testing.T) {
	for _, c := range []struct {
		proxies       int
		first, second []string // of two requests, whether they are of one client
		same          bool
	}{
		{0, []string{"X-Forwarded-For: 192.0.2.1"}, []string{"X-Forwarded-For: 192.0.2.2"}, true},
		{1, []string{"X-Forwarded-For: 192.0.2.1"}, []string{"X-Forwarded-For: 192.0.2.2"}, false},
		{1, []string{"X-Forwarded-For: 192.0.2.1"}, []string{"X-Forwarded-For: 192.0.2.1:4711"}, true},
		{1, []string{"X-Forwarded-For: 10.0.0.1, 192.0.2.1"}, []string{"X-Forwarded-For: 10.0.0.2, 192.0.2.1"}, true},
		{1, []string{"X-Forwarded-For: 10.0.0.1", "X-Forwarded-For: 192.0.2.1"}, []string{"X-Forwarded-For: 192.0.2.1"}, true},
		{2, []string{"X-Forwarded-For: 192.0.2.1, 10.0.0.1"}, []string{"X-Forwarded-For: 192.0.2.2, 10.0.0.1"}, false},
		{2, []string{"X-Forwarded-For: 192.0.2.1"}, []string{"X-Forwarded-For: 192.0.2.2"}, true},
		{1, []string{"X-Forwarded-For: rubbish"}, []string{"X-Forwarded-For: more of it"}, true},
		{1, []string{"X-Forwarded-For: [2001:db8::1]:80"}, []string{"X-Forwarded-For: 2001:db8::2"}, true},
		{1, nil, nil, true},
	} {
		d := behind(t, &access.Guard{Rate: access.NewRate(0.001), Proxies: c.proxies})
		want(t, d.visit("GET", "/seats", "", c.first...), 200, "")
		status := 200
		if c.same {
			status = 429
		}
		if got := d.visit("GET", "/seats", "", c.second...); got.Code != status {
			t.Errorf("%d proxies, %q and %q: %d, want %d", c.proxies, c.first, c.second, got.Code, status)
		}
	}
}
