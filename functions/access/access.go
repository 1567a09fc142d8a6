// Package access identifies the caller of a request, and decides what the caller
// may do and how often.
//
// A [Policy] checks each request and returns its [Caller]. On Lambda the zero
// Policy is enough: the gateway verifies tokens and answers a wrong one itself,
// and internal/boot passes the verified user with [WithCaller].
//
// The package must not know what the calls do, nor how tokens are made: it sees a
// method, an address and a token.
package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"seatlock/functions/problem"
	"seatlock/lockstore"
)

// A Policy is the rules for requests. The zero Policy allows all requests, and
// knows only callers that [WithCaller] names.
type Policy struct {
	// Tokens verifies bearer tokens. If it or BackendKey is set, requests that
	// change something (any method but GET and HEAD) need a token.
	Tokens Verifier

	// BackendKey, if not empty, is a token whose bearer acts for any user and
	// is not subject to Rate.
	BackendKey string

	// Private makes requests that only read need a token too.
	Private bool

	// Rate limits how often each client calls. If it is nil, there is no limit.
	Rate *Rate

	// Bytes limits how much each address is answered. If it is nil, there is no
	// limit.
	Bytes *ByteRate

	// Proxies are the reverse proxies in front of this program. X-Forwarded-For is
	// believed if it comes from them.
	Proxies Proxies
}

// A Verifier verifies bearer tokens.
type Verifier interface {
	// Verify returns the user to whom the token belongs. It fails with
	// [ErrBadToken] if the token is not valid. It must be safe for concurrent use.
	Verify(ctx context.Context, token string) (lockstore.UserID, error)
}

// ErrBadToken is the refusal of every token that is not valid. It does not have
// the reason, which would help an attacker.
var ErrBadToken = &problem.Refusal{
	Kind:      problem.Unauthenticated,
	Detail:    "The token is not valid here, or its time is over. Sign in again.",
	Challenge: `Bearer realm="seatlock", error="invalid_token"`,
}

// errNoToken is the refusal of a request that needs a token and has none. The
// challenges are those of RFC 6750, section 3.
var errNoToken = &problem.Refusal{
	Kind:      problem.Unauthenticated,
	Detail:    "This call needs a token: Authorization: Bearer …",
	Challenge: `Bearer realm="seatlock"`,
}

// Admit counts a request for its address before anything of it is verified, unless
// it has BackendKey. It returns the [*problem.Refusal] with which to answer it if
// the address sends too many requests or was answered too many bytes. Check does
// not call Admit.
func (p *Policy) Admit(r *http.Request) error {
	if p.Rate == nil && p.Bytes == nil || p.isBackend(bearer(r)) {
		return nil
	}
	addr := p.Proxies.Client(r)
	if p.Rate != nil {
		if wait := p.Rate.takeAny(addr); wait > 0 {
			return tooOften(wait)
		}
	}
	if p.Bytes != nil {
		if wait := p.Bytes.owed(addr); wait > 0 {
			return &problem.Refusal{Kind: problem.RateLimited, Wait: wait, Detail: "Your network address was sent very much data. Wait a little and go on more slowly."}
		}
	}
	return nil
}

// Charge counts bytes with which the request was answered, unless it has
// BackendKey.
func (p *Policy) Charge(r *http.Request, bytes int64) {
	if p.Bytes != nil && bytes > 0 && !p.isBackend(bearer(r)) {
		p.Bytes.charge(p.Proxies.Client(r), bytes)
	}
}

// Check returns the caller of a request. The error is the [*problem.Refusal] with
// which to answer it. Check counts the request for Rate, unless it has BackendKey:
// for the user, or for the address if it has no valid token.
func (p *Policy) Check(r *http.Request) (Caller, error) {
	c, err := p.identify(r)
	if p.Rate == nil || c.backend {
		return c, err
	}
	if wait := p.Rate.take(c.user, p.Proxies.Client(r)); wait > 0 {
		return Caller{}, tooOften(wait)
	}
	return c, err
}

func tooOften(wait time.Duration) error {
	return &problem.Refusal{Kind: problem.RateLimited, Wait: wait, Detail: "You ask too often. Wait a little and go on more slowly."}
}

// identify returns the caller of a request, and verifies the token if one is
// needed.
func (p *Policy) identify(r *http.Request) (Caller, error) {
	if user, ok := r.Context().Value(callerKey{}).(lockstore.UserID); ok {
		return Caller{user: user}, nil
	}
	if p.Tokens == nil && p.BackendKey == "" {
		return Caller{}, nil
	}
	token := bearer(r)
	if p.isBackend(token) {
		return Caller{backend: true}, nil
	}
	reads := r.Method == "GET" || r.Method == "HEAD"
	switch {
	case reads && !p.Private:
		return Caller{}, nil
	case token == "":
		return Caller{}, errNoToken
	case p.Tokens == nil:
		return Caller{}, ErrBadToken
	}
	user, err := p.Tokens.Verify(r.Context(), token)
	return Caller{user: user}, err
}

// isBackend reports whether the token is BackendKey. It compares digests in
// constant time, so that the duration reveals neither the key nor its length.
func (p *Policy) isBackend(token string) bool {
	if p.BackendKey == "" {
		return false
	}
	want, got := sha256.Sum256([]byte(p.BackendKey)), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// bearer returns the bearer token of a request, or "".
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
