// Package session keeps the caller's identity in a sealed cookie: a guest whom the
// server made, or a user who has signed in. No store is needed.
//
// The value of the cookie is also a bearer token for programs. The package must not
// know which calls need a session, nor how users sign in.
package session

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"seatlock/functions/access"
	"seatlock/lockstore"
)

const (
	// life is how long a session lasts. A guest's is renewed once half of it is over.
	life = 12 * time.Hour

	// late is how long after its end a guest's session can still be renewed, so that a
	// guest who comes back to an open window stays the same. Calls need a session that
	// has not ended.
	late = 7 * 24 * time.Hour

	// whole is how long somebody may be the same guest, renewals included, so that a
	// copy of a guest's session does not last for ever.
	whole = 30 * 24 * time.Hour

	// remembered is how many opened sessions are cached, in 2 MB. Opening one takes
	// longer than all other checks of the caller.
	remembered = 1 << 12

	purpose = "session"
)

// A Session says who the caller is.
type Session struct {
	User  lockstore.UserID `json:"u"`
	Guest bool             `json:"g,omitzero"`
	Until time.Time        `json:"e"`
	Since time.Time        `json:"b,omitzero"` // of a guest: when the first session began
}

// Sessions makes sessions and opens them. It is safe for concurrent use.
type Sessions struct {
	seal    *Sealer
	guests  bool
	https   bool
	foreign *http.CrossOriginProtection
	opened  *lru.Cache[string, Session] // by their values
}

var _ access.Sessions = (*Sessions)(nil)

// Options say where the sessions are used.
type Options struct {
	// Guests allows guests. Otherwise the session of a guest is not valid.
	Guests bool

	// URL is the page's address as browsers know it. If empty, it is taken from
	// requests.
	URL string
}

// New returns Sessions with the keys of the Sealer.
func New(seal *Sealer, o Options) (*Sessions, error) {
	opened, err := lru.New[string, Session](remembered)
	if err != nil {
		return nil, err
	}
	s := &Sessions{seal: seal, guests: o.Guests, foreign: http.NewCrossOriginProtection(), opened: opened}
	if o.URL == "" {
		return s, nil
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, err
	}
	s.https = u.Scheme == "https"
	// Behind a proxy, the host of a request may be different.
	return s, s.foreign.AddTrustedOrigin(u.Scheme + "://" + u.Host)
}

// guest returns a session of a new guest. Its id cannot be guessed, and no other user's
// id has this form.
func guest() Session {
	now := time.Now().Truncate(time.Second)
	return Session{User: lockstore.UserID("guest-" + strings.ToLower(rand.Text())), Guest: true, Until: now.Add(life), Since: now}
}

// Of returns the session of a user who has signed in. It is not renewed.
func Of(user lockstore.UserID) Session {
	return Session{User: user, Until: time.Now().Add(life).Truncate(time.Second)}
}

// renewed returns a guest's session with a new end, if half of it is over and it may
// last longer.
func (s Session) renewed() (Session, bool) {
	if !s.Guest || time.Until(s.Until) > life/2 {
		return s, false
	}
	until := time.Now().Add(life).Truncate(time.Second)
	if end := s.Since.Add(whole); until.After(end) {
		until = end
	}
	if !until.After(s.Until) {
		return s, false
	}
	s.Until = until
	return s, true
}

// end returns when the session can no longer be renewed.
func (s Session) end() time.Time {
	if !s.Guest {
		return s.Until
	}
	end := s.Until.Add(late)
	if last := s.Since.Add(whole); end.After(last) {
		end = last
	}
	return end
}

// Verify returns the content of a session that has not ended. It fails with
// [access.ErrBadToken] for any other value.
func (s *Sessions) Verify(_ context.Context, value string) (access.Token, error) {
	session, ok := s.open(value)
	if !ok || !time.Now().Before(session.Until) {
		return access.Token{}, access.ErrBadToken
	}
	return access.Token{Subject: session.User, Until: session.Until}, nil
}

// Is reports whether a bearer token has the form of a session.
func (s *Sessions) Is(token string) bool { return strings.HasPrefix(token, prefix) }

// open opens the value of a session that has not ended, or can be renewed.
func (s *Sessions) open(value string) (Session, bool) {
	session, ok := s.opened.Get(value)
	if !ok {
		if s.seal.Open(purpose, value, &session) != nil || session.User.Check() != nil || session.Guest && !s.guests {
			return Session{}, false
		}
		if session.Guest && session.Since.IsZero() { // sealed by a version without this field
			session.Since = session.Until.Add(-life)
		}
		s.opened.Add(strings.Clone(value), session) // a copy, so as not to keep the whole header
	}
	return session, time.Now().Before(session.end())
}

// Cookie returns the value of the request's session cookie, or "".
func (s *Sessions) Cookie(r *http.Request) string {
	c, err := r.Cookie(s.Name(r, "seatlock"))
	if err != nil {
		return ""
	}
	return c.Value
}

// Set gives the browser the session.
func (s *Sessions) Set(w http.ResponseWriter, r *http.Request, session Session) error {
	value, err := s.seal.Seal(purpose, session)
	if err != nil {
		return err
	}
	http.SetCookie(w, s.NewCookie(r, "seatlock", value, time.Until(session.end())))
	return nil
}

// CheckOrigin refuses a request that a browser sends for a page of another site.
func (s *Sessions) CheckOrigin(r *http.Request) error { return s.foreign.Check(r) }

// OwnPage reports whether a request may come from the server's own page, or from a user
// who typed its address, according to the browser.
func OwnPage(r *http.Request) bool {
	from := r.Header.Get("Sec-Fetch-Site")
	return from == "" || from == "same-origin" || from == "none"
}

// NewCookie returns a cookie that only this server receives, and scripts cannot read.
// An age of 0 deletes it.
func (s *Sessions) NewCookie(r *http.Request, name, value string, age time.Duration) *http.Cookie {
	c := &http.Cookie{Name: s.Name(r, name), Value: value, Path: "/", MaxAge: int(age.Seconds()), Secure: !s.atHome(r), HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if age <= 0 {
		c.MaxAge = -1
	}
	return c
}

// Name returns the name of a cookie for a request. The prefix makes a browser refuse a
// cookie that another host of the domain, or plain HTTP, has set. It needs a Secure
// cookie, which not every browser accepts from this machine without TLS.
func (s *Sessions) Name(r *http.Request, name string) string {
	if s.atHome(r) {
		return name
	}
	return "__Host-" + name
}

// atHome reports whether the request comes from this machine without TLS. The host
// alone does not prove that: the client chooses it.
func (s *Sessions) atHome(r *http.Request) bool {
	return !s.https && r.TLS == nil && isLoopback(r.Host) && isLoopback(r.RemoteAddr)
}

// isLoopback reports whether a host, with or without a port, is this machine.
func isLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
