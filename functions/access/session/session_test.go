package session_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/access/oidc"
	"seatlock/functions/access/oidc/issuertest"
	"seatlock/functions/access/session"
	"seatlock/functions/telemetry"
)

const key = "a-key-of-at-least-thirty-two-characters"

// A site is a server with guests. Its calls are the three of a Desk, and /buy, which
// answers with the user.
type site struct {
	t      *testing.T
	policy *access.Policy
	desk   *session.Desk
	telemetry.Handler
}

func open(t *testing.T, guests float64, keys ...string) *site {
	t.Helper()
	return openWith(t, guests, session.Options{Guests: true}, keys...)
}

func openWith(t *testing.T, guests float64, o session.Options, keys ...string) *site {
	t.Helper()
	sealer, err := session.NewSealer(keys...)
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(sealer, o)
	if err != nil {
		t.Fatal(err)
	}
	p := &access.Policy{Sessions: sessions, ConfirmBy: access.ConfirmByBuyer}
	desk := &session.Desk{Policy: p, Sessions: sessions, Guests: access.NewBudget(guests)}
	return &site{t, p, desk, desk.Handler(func(w http.ResponseWriter, r *http.Request) telemetry.Outcome {
		c, err := p.Check(r, access.Buy)
		if err != nil {
			return session.Refuse(w, err)
		}
		user, _ := c.As("")
		w.Write([]byte(user))
		return telemetry.Outcome{}
	})}
}

// A browser keeps cookies.
type browser struct {
	*site
	host    string
	cookies map[string]*http.Cookie
}

func (s *site) browser(host string) *browser {
	return &browser{s, host, make(map[string]*http.Cookie)}
}

func (b *browser) ask(method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://"+b.host+path, nil)
	if strings.HasPrefix(b.host, "localhost") {
		r.RemoteAddr = "127.0.0.1:1234"
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if b.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return w
}

// who returns the user in the answer of GET /session.
func (b *browser) who() string {
	b.t.Helper()
	w := b.ask("GET", "/session")
	var answer struct {
		UserID string
		Guest  bool
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); w.Code != 200 || err != nil {
		b.t.Fatalf("GET /session: %d %s", w.Code, w.Body)
	}
	return answer.UserID
}

// buy returns the user for whom the browser buys, or the status of a refusal.
func (b *browser) buy(headers ...string) string {
	w := b.ask("POST", "/buy", headers...)
	if w.Code != 200 {
		return http.StatusText(w.Code)
	}
	return w.Body.String()
}

// TestGuest checks that the server makes a guest of a browser, and that it stays the
// same one in every window.
func TestGuest(t *testing.T) {
	s := open(t, 10, key)
	b := s.browser("tickets.example")
	if got := b.buy(); got != "Unauthorized" {
		t.Errorf("without a session: %s", got)
	}
	guest := b.who()
	if !strings.HasPrefix(guest, "guest-") || b.who() != guest || b.buy() != guest {
		t.Errorf("the guest is %q, then %q, and buys as %q", guest, b.who(), b.buy())
	}
	if other := s.browser("tickets.example").who(); other == guest {
		t.Error("two browsers are the same guest")
	}
	c := b.cookies["__Host-seatlock"]
	if c == nil || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Fatalf("the cookie is %v", b.cookies)
	}
	program := s.browser("tickets.example") // the same value works as a token
	if got := program.buy("Authorization", "Bearer "+c.Value); got != guest {
		t.Errorf("a program with the guest's token buys as %s", got)
	}
	home := s.browser("localhost:8080")
	home.who()
	if c := home.cookies["seatlock"]; c == nil || c.Secure || !c.HttpOnly {
		t.Errorf("at home, without TLS, the cookies are %v", home.cookies)
	}
	b.ask("POST", "/signout")
	if got := b.buy(); got != "Unauthorized" {
		t.Errorf("after the sign-out: %s", got)
	}
}

// TestForgedSessions checks that nobody can make, change or move a session.
func TestForgedSessions(t *testing.T) {
	s := open(t, 10, key)
	b := s.browser("tickets.example")
	b.who()
	good := b.cookies["__Host-seatlock"].Value
	sealer, err := session.NewSealer(key)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := sealer.Seal("signin", session.Of("ann"))
	if err != nil {
		t.Fatal(err)
	}
	strange, err := session.NewSealer("another-key-of-thirty-two-characters")
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := strange.Seal("session", session.Of("ann"))
	if err != nil {
		t.Fatal(err)
	}
	flipped := []byte(good)
	flipped[len(flipped)/2] ^= 1
	for name, value := range map[string]string{
		"changed": string(flipped), "cut": good[:len(good)-4], "for another purpose": elsewhere, "of another key": foreign,
		"no session": "s1_", "plain": `s1_{"u":"ann"}`, "long": "s1_" + strings.Repeat("A", 5000),
	} {
		if got := s.browser("tickets.example").buy("Authorization", "Bearer "+value); got != "Unauthorized" {
			t.Errorf("a session that is %s: %s", name, got)
		}
	}
}

// TestKeysRotate checks that a new key seals, and that the old one still opens.
func TestKeysRotate(t *testing.T) {
	const next = "the-next-key-of-thirty-two-characters"
	b := open(t, 10, key).browser("tickets.example")
	guest := b.who()
	b.site = open(t, 10, next, key)
	if got := b.buy(); got != guest {
		t.Errorf("with the old key second: %s, want %s", got, guest)
	}
	b.site = open(t, 10, next)
	if got := b.buy(); got != "Unauthorized" {
		t.Errorf("without the old key: %s", got)
	}
}

// TestSessionEnds checks that a guest who has been away, perhaps with a lock, stays the
// same one after GET /session, and that a user has to sign in again.
func TestSessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, 10, key)
		b := s.browser("tickets.example")
		guest := b.who()
		for range 5 { // each call renews it, so it lasts longer than one session
			time.Sleep(7 * time.Hour)
			if got := b.buy(); got != guest {
				t.Fatalf("within its time: %s, want %s", got, guest)
			}
			b.who()
		}
		time.Sleep(13 * time.Hour)
		if got := b.buy(); got != "Unauthorized" {
			t.Errorf("after its end: %s", got)
		}
		if again := b.who(); again != guest || b.buy() != guest {
			t.Errorf("after its end the guest is %s, want %s", again, guest)
		}
		time.Sleep(8 * 24 * time.Hour)
		if again := b.who(); again == guest {
			t.Error("a guest is the same one after more than a week")
		}
	})
}

// TestOtherSites checks that a page of another site cannot act with a browser's cookie.
func TestOtherSites(t *testing.T) {
	s := open(t, 10, key)
	b := s.browser("tickets.example")
	guest := b.who()
	for _, from := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}} {
		if got := b.buy(from...); got != "Forbidden" {
			t.Errorf("with %v: %s", from, got)
		}
		if w := b.ask("POST", "/signout", from...); w.Code != 403 {
			t.Errorf("a sign-out with %v: %d", from, w.Code)
		}
	}
	if w := b.ask("GET", "/session", "Sec-Fetch-Site", "cross-site"); w.Code != 403 {
		t.Errorf("a session for another site: %d", w.Code)
	}
	token := "Bearer " + b.cookies["__Host-seatlock"].Value
	shop := s.browser("tickets.example") // has the session as a token, without a cookie
	w := shop.ask("GET", "/session", "Sec-Fetch-Site", "cross-site", "Authorization", token)
	if w.Code != 200 || !strings.Contains(w.Body.String(), guest) || len(shop.cookies) > 0 {
		t.Errorf("a token for another site: %d %s, and cookies %v", w.Code, w.Body, shop.cookies)
	}
	if w := shop.ask("GET", "/session", "Sec-Fetch-Site", "cross-site", "Authorization", token+"x"); w.Code != 401 {
		t.Errorf("a false token for another site: %d", w.Code)
	}
	if got := b.buy("Sec-Fetch-Site", "same-origin"); got != guest {
		t.Errorf("the server's own page: %s", got)
	}
}

// TestGuestsOfAnAddress checks the limit of new guests of an address in an hour.
func TestGuestsOfAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, 0.5, key) // five for an address
		for range 5 {
			s.browser("tickets.example").who()
		}
		if w := s.browser("tickets.example").ask("GET", "/session"); w.Code != 429 || w.Header().Get("Retry-After") != "720" {
			t.Errorf("the sixth guest: %d %v", w.Code, w.Header())
		}
		b := s.browser("tickets.example") // may still ask how to sign in
		if w := b.ask("GET", "/session?guest=none"); w.Code != 200 || !strings.Contains(w.Body.String(), `"signIn":false,"confirm":true}`) || len(b.cookies) > 0 {
			t.Errorf("a caller who wants to be no guest: %d %s %v", w.Code, w.Body, b.cookies)
		}
		time.Sleep(12 * time.Minute)
		s.browser("tickets.example").who()
	})
}

// TestParameters checks that a misspelt parameter is refused, and that guest=none
// renews the session of an existing guest.
func TestParameters(t *testing.T) {
	b := open(t, 10, key).browser("tickets.example")
	for method, path := range map[string]string{"GET": "/session?guests=none", "POST": "/signout?all=true"} {
		if w := b.ask(method, path); w.Code != 400 || len(b.cookies) > 0 {
			t.Errorf("%s %s: %d %s %v", method, path, w.Code, w.Body, b.cookies)
		}
	}
	guest := b.who()
	if w := b.ask("GET", "/session?guest=none"); !strings.Contains(w.Body.String(), `"userId":"`+guest+`"`) {
		t.Errorf("a guest who asks for none: %s", w.Body)
	}
}

// TestPublicAddress checks that the cookie depends on the address that browsers know,
// not on the host that a request names, which a proxy may change and a client may
// choose.
func TestPublicAddress(t *testing.T) {
	s := openWith(t, 10, session.Options{Guests: true, URL: "https://tickets.example/"}, key)
	b := s.browser("localhost:8080") // as the proxy on this machine calls it
	guest := b.who()
	if c := b.cookies["__Host-seatlock"]; c == nil || !c.Secure {
		t.Errorf("behind a proxy the cookies are %v", b.cookies)
	}
	if got := b.buy("Origin", "https://tickets.example"); got != guest {
		t.Errorf("the page at the public address: %s", got)
	}
	if w := b.ask("POST", "/signout", "Origin", "https://evil.example"); w.Code != 403 {
		t.Errorf("a sign-out by another site: %d", w.Code)
	}
	if w := b.ask("POST", "/signout", "Origin", "https://tickets.example"); w.Code != 200 || b.buy() != "Unauthorized" {
		t.Errorf("a sign-out by the page: %d, and then %s", w.Code, b.buy())
	}

	r := httptest.NewRequest("GET", "http://localhost/session", nil)
	r.RemoteAddr = "192.0.2.1:1234" // names this machine as its host, but comes from another
	w := httptest.NewRecorder()
	open(t, 10, key).ServeHTTP(w, r)
	if cookies := w.Result().Cookies(); len(cookies) != 1 || !cookies[0].Secure || cookies[0].Name != "__Host-seatlock" {
		t.Errorf("for a peer that is not this machine: %v", cookies)
	}
}

// TestGuestsEnd checks that nobody stays the same guest for ever, however often the
// session is renewed.
func TestGuestsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, 10, key).browser("tickets.example")
		guest, days := b.who(), 0
		for b.who() == guest && days < 40 {
			time.Sleep(24 * time.Hour)
			days++
		}
		if days != 30 {
			t.Errorf("a guest is the same one for %d days, want 30", days)
		}
	})
}

// TestNoGuests checks that a guest's session is not valid where guests are not allowed.
func TestNoGuests(t *testing.T) {
	b := open(t, 10, key).browser("tickets.example")
	guest := b.who()
	b.site = openWith(t, 10, session.Options{}, key)
	if got := b.buy(); got != "Unauthorized" {
		t.Errorf("a guest where there are none: %s", got)
	}
	if got := b.who(); got != "" {
		t.Errorf("where there are no guests, %s is one", got)
	}
	b.site = open(t, 10, key)
	if got := b.buy(); got != guest {
		t.Errorf("where there are guests again: %s, want %s", got, guest)
	}
}

// TestBearers checks that GET /session answers the bearer of a token or a key without
// making a guest.
func TestBearers(t *testing.T) {
	const backend, operator = "a-back-end-of-thirty-two-characters", "an-operator-of-thirty-two-characters"
	s, issuer := open(t, 10, key), issuertest.New(t)
	s.policy.Tokens = oidc.New(issuer.URL, issuertest.Audience, slog.New(slog.DiscardHandler))
	ann, olga := issuer.Token("first", nil), issuer.Token("first", map[string]any{"sub": "olga", "roles": "operator"})
	s.policy.OperatorClaim = access.ParseClaim("roles=operator")
	s.policy.BackendKeys, s.policy.OperatorKeys, s.policy.ConfirmBy = []string{backend}, []string{operator}, access.ConfirmByBackend
	for token, want := range map[string]string{
		ann:      `"confirm":false,"userId":"ann"`,
		olga:     `"confirm":true,"userId":"olga"`,
		backend:  `"confirm":true}`,
		operator: `"confirm":true}`,
		"x.y.z":  `"unauthenticated"`,
	} {
		b := s.browser("tickets.example")
		w := b.ask("GET", "/session", "Authorization", "Bearer "+token)
		if !strings.Contains(w.Body.String(), want) || len(b.cookies) > 0 {
			t.Errorf("%s: %s with the cookies %v, want %s", token, w.Body, b.cookies, want)
		}
	}
}
