// Package session keeps who somebody is in a sealed cookie: a guest whom the server
// made, or a user who has signed in. No store is needed.
//
// The value of the cookie is a bearer token, too, for programs. The package must not
// know which calls need a session, nor how users sign in.
package session

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"seatlock/functions/access"
	"seatlock/lockstore"
)

const (
	// life is how long a session lasts. A guest's is renewed when half of it is over.
	life = 12 * time.Hour

	// late is how long after its end a guest's session can still be renewed, so that a
	// guest who comes back to an open window is the same one. Calls need a session that
	// lasts.
	late = 7 * 24 * time.Hour

	purpose = "session"
)

// A Session says who somebody is.
type Session struct {
	User  lockstore.UserID `json:"u"`
	Guest bool             `json:"g,omitempty"`
	Until time.Time        `json:"e"`
}

// Sessions makes sessions and opens them. It is safe for concurrent use.
type Sessions struct{ seal *Sealer }

var _ access.Sessions = (*Sessions)(nil)

// New returns Sessions with the keys of the Sealer.
func New(seal *Sealer) *Sessions { return &Sessions{seal} }

// guest returns a session of a new guest. The id cannot be guessed, and has the form of
// no other user's.
func guest() Session {
	return Session{User: lockstore.UserID("guest-" + strings.ToLower(rand.Text())), Guest: true, Until: time.Now().Add(life).Truncate(time.Second)}
}

// Of returns the session of a user who has signed in. It is not renewed.
func Of(user lockstore.UserID) Session {
	return Session{User: user, Until: time.Now().Add(life).Truncate(time.Second)}
}

// renewed returns the session with a new end, if it is a guest's and half over.
func (s Session) renewed() (Session, bool) {
	if !s.Guest || time.Until(s.Until) > life/2 {
		return s, false
	}
	s.Until = time.Now().Add(life).Truncate(time.Second)
	return s, true
}

// Verify returns what a session says that lasts. It fails with [access.ErrBadToken] for
// any other value.
func (s *Sessions) Verify(_ context.Context, value string) (access.Token, error) {
	session, ok := s.open(value)
	if !ok || !time.Now().Before(session.Until) {
		return access.Token{}, access.ErrBadToken
	}
	return access.Token{Subject: session.User, Until: session.Until}, nil
}

// Is reports whether a bearer token has the form of a session.
func (s *Sessions) Is(token string) bool { return strings.HasPrefix(token, prefix) }

// open opens the value of a session that lasts or can be renewed.
func (s *Sessions) open(value string) (Session, bool) {
	var session Session
	if s.seal.Open(purpose, value, &session) != nil || session.User.Check() != nil {
		return Session{}, false
	}
	end := session.Until
	if session.Guest {
		end = end.Add(late)
	}
	return session, time.Now().Before(end)
}

// Cookie returns the value of the request's session cookie, or "".
func (s *Sessions) Cookie(r *http.Request) string {
	c, err := r.Cookie(Name(r, "seatlock"))
	if err != nil {
		return ""
	}
	return c.Value
}

// Set makes the session the browser's.
func (s *Sessions) Set(w http.ResponseWriter, r *http.Request, session Session) error {
	value, err := s.seal.Seal(purpose, session)
	if err != nil {
		return err
	}
	age := time.Until(session.Until)
	if session.Guest {
		age += late
	}
	http.SetCookie(w, NewCookie(r, "seatlock", value, age))
	return nil
}

// NewCookie returns a cookie that only this server gets, and no script. An age of 0
// deletes it.
func NewCookie(r *http.Request, name, value string, age time.Duration) *http.Cookie {
	c := &http.Cookie{Name: Name(r, name), Value: value, Path: "/", MaxAge: int(age.Seconds()), Secure: !atHome(r), HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if age <= 0 {
		c.MaxAge = -1
	}
	return c
}

// Name returns the name of a cookie for the host of the request. The prefix makes a
// browser refuse one that another host of the domain, or plain HTTP, has set. It needs
// a Secure cookie, which not every browser takes from this machine without TLS.
func Name(r *http.Request, name string) string {
	if atHome(r) {
		return name
	}
	return "__Host-" + name
}

func atHome(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if r.TLS != nil {
		return false
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.IsLoopback()
}
