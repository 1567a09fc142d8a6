// Package access stands in front of the calls and says who may make them and how
// often. It must not know what the calls do: it sees a method, an address and a
// token, and hands on in whose name a request is made.
package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"seatlock/functions/booking"
	"seatlock/lockstore"
)

// A Guard lets requests pass or refuses them. The zero value lets all of them
// pass, and nobody is known.
type Guard struct {
	// SignIn checks tokens. With it, or a BackendKey, requests that change
	// something (any method but GET and HEAD) need one.
	SignIn *SignIn

	// BackendKey, if not empty, is a token whose bearer acts in every user's
	// name, as often as it likes.
	BackendKey string

	// Private has requests that only read need a token too.
	Private bool

	// Rate bounds how often one client calls; nil does not.
	Rate *Rate

	// Proxies is how many proxies stand in front, whose X-Forwarded-For is
	// believed. 0 believes none.
	Proxies int

	// Fail answers a request that does not pass; see [booking.API.Fail].
	Fail func(w http.ResponseWriter, r *http.Request, err error)
}

// Handler returns next behind the guard.
func (g *Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := g.identify(r)
		if c.trusted { // it asks for all of its users
			next.ServeHTTP(w, r)
			return
		}
		if g.Rate != nil {
			// Who failed to sign in is counted too, by the address.
			if wait := g.Rate.take(c.user, clientAddr(r, g.Proxies)); wait > 0 {
				err = booking.Refuse(booking.ErrRateLimited, wait, "You ask too often. Wait a little and go on more slowly.")
			}
		}
		if err != nil {
			g.refuse(w, r, err)
			return
		}
		if c.user != "" {
			r = r.WithContext(booking.WithCaller(r.Context(), c.user))
		}
		next.ServeHTTP(w, r)
	})
}

// A caller is whoever makes a request, as far as that was checked.
type caller struct {
	user    lockstore.UserID // empty if not known
	trusted bool             // it has the BackendKey
}

// identify checks the token of a request that needs one.
func (g *Guard) identify(r *http.Request) (caller, error) {
	if g.SignIn == nil && g.BackendKey == "" {
		return caller{}, nil
	}
	reads := r.Method == "GET" || r.Method == "HEAD"
	if reads && !g.Private {
		return caller{trusted: g.isBackend(bearer(r))}, nil
	}
	token := bearer(r)
	switch {
	case token == "":
		return caller{}, booking.Refuse(booking.ErrUnauthenticated, 0, "This call needs a token: Authorization: Bearer …")
	case g.isBackend(token):
		return caller{trusted: true}, nil
	case g.SignIn == nil:
		return caller{}, errBadToken
	}
	user, err := g.SignIn.user(r.Context(), token)
	return caller{user: user}, err
}

// isBackend compares digests, so that the time it takes tells nothing of the
// key, its length neither.
func (g *Guard) isBackend(token string) bool {
	if g.BackendKey == "" {
		return false
	}
	want, got := sha256.Sum256([]byte(g.BackendKey)), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// bearer returns the token of a request, or nothing.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// refuse answers, and tells a client without a good token what to come with
// (RFC 6750, section 3).
func (g *Guard) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, booking.ErrUnauthenticated) {
		challenge := `Bearer realm="seatlock"`
		if bearer(r) != "" {
			challenge += `, error="invalid_token"`
		}
		w.Header().Set("WWW-Authenticate", challenge)
	}
	g.Fail(w, r, err)
}

// errBadToken is told of every token that is not taken. Why is no business of
// whoever made it up, and is in the log.
var errBadToken = booking.Refuse(booking.ErrUnauthenticated, 0, "The token is not valid here, or its time is over. Sign in again.")
