package oidc_test

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/oauth2-proxy/mockoidc"

	"seatlock/functions/access"
	"seatlock/functions/access/oidc"
	"seatlock/functions/access/session"
	"seatlock/functions/telemetry"
)

// A site is a server whose page signs users in at an issuer.
type site struct {
	t      *testing.T
	issuer *mockoidc.MockOIDC
	url    string

	exchanges *atomic.Int64 // requests for tokens
	log       *lines
}

// lines is a log in memory.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func openSite(t *testing.T) *site {
	t.Helper()
	issuer, err := mockoidc.NewServer(nil)
	if err != nil {
		t.Fatal(err)
	}
	exchanges := new(atomic.Int64)
	issuer.AddMiddleware(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				exchanges.Add(1)
			}
			next.ServeHTTP(w, r)
		})
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := issuer.Start(ln, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { issuer.Shutdown() })
	sealer, err := session.NewSealer("a-key-of-at-least-thirty-two-characters")
	if err != nil {
		t.Fatal(err)
	}
	written := new(lines)
	log := slog.New(slog.NewTextHandler(written, nil))
	sessions, err := session.New(sealer, session.Options{Guests: true})
	if err != nil {
		t.Fatal(err)
	}
	desk := &session.Desk{Policy: &access.Policy{Sessions: sessions}, Sessions: sessions, Guests: access.NewBudget(100), SignIn: true}
	signIn := &oidc.SignIn{
		Verifier: oidc.New(issuer.Issuer(), "api", log), Client: issuer.Config().ClientID, Secret: issuer.Config().ClientSecret,
		Sealer: sealer, Sessions: sessions, Log: log,
	}
	srv := httptest.NewServer(desk.Handler(signIn.Handler(func(w http.ResponseWriter, r *http.Request) telemetry.Outcome {
		io.WriteString(w, "the page")
		return telemetry.Outcome{}
	})))
	t.Cleanup(srv.Close)
	return &site{t, issuer, srv.URL, exchanges, written}
}

// A browser keeps cookies, and does not follow redirects by itself.
type browser struct {
	*site
	http.Client
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{s, http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// visit returns the address that a page redirects to.
func (b *browser) visit(address string) string {
	b.t.Helper()
	resp, err := b.Get(address)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 3 {
		body, _ := io.ReadAll(resp.Body)
		b.t.Fatalf("%s: %s %s", address, resp.Status, body)
	}
	to, err := resp.Location()
	if err != nil {
		b.t.Fatal(err)
	}
	return to.String()
}

// atIssuer begins to sign in, and returns the callback address that the issuer
// redirects to.
func (b *browser) atIssuer(place string) string {
	b.t.Helper()
	return b.visit(b.visit(b.url + "/signin?to=" + url.QueryEscape(place)))
}

func (b *browser) who() string {
	b.t.Helper()
	resp, err := b.Get(b.url + "/session")
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		b.t.Fatalf("%s: %v %s", resp.Status, err, body)
	}
	return string(body)
}

// TestSignIn checks that a guest can sign in, is the issuer's user afterwards, and
// comes back to the same place of the page, in each of two windows.
func TestSignIn(t *testing.T) {
	b := openSite(t).browser()
	if who := b.who(); !strings.Contains(who, `"guest":true`) {
		t.Fatalf("at first: %s", who)
	}
	one, two := b.atIssuer("event=gala&section=Upper 1"), b.atIssuer("event=matinee")
	if back := b.visit(one); back != b.url+"/#event=gala&section=Upper%201" {
		t.Errorf("the first window comes back to %s", back)
	}
	if back := b.visit(two); back != b.url+"/#event=matinee" {
		t.Errorf("the second window comes back to %s", back)
	}
	if who := b.who(); !strings.Contains(who, `"userId":"`+mockoidc.DefaultUser().Subject+`"`) || strings.Contains(who, "guest") {
		t.Errorf("after the sign-in: %s", who)
	}
}

// TestSignInFails checks that a failed sign-in changes nothing, and never redirects
// away from the page's own site.
func TestSignInFails(t *testing.T) {
	s := openSite(t)
	b := s.browser()
	before := b.who()
	fails := func(what, callback string) {
		t.Helper()
		if back := b.visit(callback); !strings.HasPrefix(back, s.url+"/?signin=failed") {
			t.Errorf("%s: the browser comes back to %s", what, back)
		}
		if after := b.who(); after != before {
			t.Errorf("%s: the session was %s, and is %s", what, before, after)
		}
	}
	fails("another browser's sign-in", s.browser().atIssuer(""))
	fails("no sign-in", s.url+"/signin/callback?state=x&code=y")
	fails("a refusal", func() string {
		u, _ := url.Parse(b.atIssuer(""))
		return u.Scheme + "://" + u.Host + u.Path + "?error=access_denied&state=" + u.Query().Get("state")
	}())
	one, two := b.atIssuer("event=a"), b.atIssuer("event=b")
	u, _ := url.Parse(one)
	v, _ := url.Parse(two)
	fails("a code of another sign-in", u.Scheme+"://"+u.Host+u.Path+"?state="+u.Query().Get("state")+"&code="+v.Query().Get("code"))

	again := b.atIssuer("//evil.example/")
	if back := b.visit(again); !strings.HasPrefix(back, s.url+"/#") {
		t.Errorf("the browser is sent to %s", back)
	}
	before = b.who()
	fails("the same sign-in again", again)
	s.issuer.Shutdown()
	resp, err := b.Get(s.url + "/signin/callback?state=x")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 303 {
		t.Errorf("without the issuer: %s", resp.Status)
	}
}

// TestCallbacks checks that a sign-in makes one request for tokens and can be used only
// once even if it failed, and that callbacks and their log lines are limited.
func TestCallbacks(t *testing.T) {
	s := openSite(t)
	b := s.browser()
	asked := func() int64 { return s.exchanges.Load() }
	b.visit(b.atIssuer(""))
	if asked() != 1 {
		t.Errorf("a sign-in makes %d requests for tokens, want 1", asked())
	}
	cookies := http.Header{}
	callback := b.atIssuer("")
	u, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(u) {
		cookies.Add("Cookie", c.Name+"="+c.Value)
	}
	// The client of a program that keeps the cookie of the sign-in.
	replay := func(code string) {
		t.Helper()
		r, err := http.NewRequest("GET", u.Scheme+"://"+u.Host+u.Path+"?state="+u.Query().Get("state")+"&code="+code, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header["Cookie"] = cookies["Cookie"]
		resp, err := b.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	before := asked()
	for range 30 {
		replay("guess")
	}
	if n := asked() - before; n != 1 {
		t.Errorf("one sign-in that is used again makes %d requests for tokens, want 1", n)
	}
	before = asked()
	for range 100 {
		callback := b.atIssuer("")
		b.visit(callback + "x")
	}
	if n := asked() - before; n > 50 {
		t.Errorf("a hundred sign-ins of one address make %d requests for tokens", n)
	}
	if n := strings.Count(s.log.String(), "a sign-in failed"); n == 0 || n > 80 {
		t.Errorf("there are %d lines about more than a hundred sign-ins that failed", n)
	}
}

// TestOtherSitesBeginNoSignIn checks that no page of another site can begin a sign-in,
// which would end a guest's session.
func TestOtherSitesBeginNoSignIn(t *testing.T) {
	s := openSite(t)
	for from, want := range map[string]int{"": 303, "none": 303, "same-origin": 303, "same-site": 403, "cross-site": 403} {
		r, err := http.NewRequest("GET", s.url+"/signin", nil)
		if err != nil {
			t.Fatal(err)
		}
		if from != "" {
			r.Header.Set("Sec-Fetch-Site", from)
		}
		resp, err := s.browser().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("from %q: %s, want %d", from, resp.Status, want)
		}
	}
}
