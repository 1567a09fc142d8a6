// Package access identifies the caller of a request, and decides what the caller
// may do and how often.
//
// A [Policy] checks each request and returns its [Caller]. On Lambda the gateway
// verifies tokens and refuses bad ones itself, and internal/boot passes on the verified
// ones with [WithToken].
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
)

// A Policy is the rules for requests. The zero Policy is open: the userId of every
// request is believed, callers may do all that a buyer may, and nobody is an operator.
//
// A policy with Tokens, Sessions, BackendKeys or Gateway is closed: requests that
// change something need a known caller.
type Policy struct {
	// Tokens verifies bearer tokens.
	Tokens Verifier

	// Sessions opens the sessions of guests and of users who signed in on the page: in
	// a cookie, or as a bearer token.
	Sessions Sessions

	// BackendKeys are tokens whose bearer is the shop's back end, and OperatorKeys
	// those of operators. Several let a key be replaced while the old one is in use.
	// Neither is subject to Rate.
	BackendKeys, OperatorKeys []string

	// BackendClaim and OperatorClaim give bearers of verified tokens with the claim the
	// same roles as the keys. The zero Claim gives nobody a role.
	BackendClaim, OperatorClaim Claim

	// Gateway says that a gateway in front verifies tokens, and [WithToken] passes
	// them.
	Gateway bool

	// ConfirmBy says who may confirm.
	ConfirmBy ConfirmBy

	// Private makes requests that only read need a known caller too.
	Private bool

	// Rate limits how often each client calls. If it is nil, there is no limit.
	Rate *Rate

	// Bytes limits how many bytes each address is sent. If it is nil, there is no
	// limit.
	Bytes *ByteRate

	// Locks limits the locks that nobody buys. If it is nil, there is no limit.
	Locks *Budget

	// Proxies are the reverse proxies in front of this program. X-Forwarded-For is
	// believed only from them.
	Proxies Proxies
}

// A Verifier verifies bearer tokens.
type Verifier interface {
	// Verify returns what a valid token says. It fails with [ErrBadToken] if the
	// token is not valid. It must be safe for concurrent use.
	Verify(ctx context.Context, token string) (Token, error)
}

// Sessions opens sessions. It must be safe for concurrent use.
type Sessions interface {
	Verifier

	// Is reports whether a bearer token has the form of a session.
	Is(token string) bool

	// Cookie returns the session in the request's cookie, or "".
	Cookie(r *http.Request) string

	// CheckOrigin fails if a browser sends the request for a page of another site.
	CheckOrigin(r *http.Request) error
}

// ErrBadToken refuses every token that is not valid. It does not give the reason, which
// would help an attacker.
var ErrBadToken = &problem.Refusal{
	Kind:      problem.Unauthenticated,
	Detail:    "The token is not valid here, or its time is over. Sign in again.",
	Challenge: `Bearer realm="seatlock", error="invalid_token"`,
}

// errNoToken refuses a request without the token that it needs. The challenges are
// those of RFC 6750, section 3.
var errNoToken = &problem.Refusal{
	Kind:      problem.Unauthenticated,
	Detail:    "Sign in first: this call needs a token.",
	Challenge: `Bearer realm="seatlock"`,
}

// Admit counts a request for its address before verifying anything, unless the request
// has a key. It returns a [*problem.Refusal] if the address sends too many requests or
// was sent too many bytes. Check does not call Admit.
func (p *Policy) Admit(r *http.Request) error {
	if p.Rate == nil && p.Bytes == nil || p.keyRole(Bearer(r)) != stranger {
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

// Charge counts the bytes that the request was answered with, unless it has a key.
func (p *Policy) Charge(r *http.Request, bytes int64) {
	if p.Bytes != nil && bytes > 0 && p.keyRole(Bearer(r)) == stranger {
		p.Bytes.charge(p.Proxies.Client(r), bytes)
	}
}

// Check returns the caller of a request if the caller may do the action, and otherwise
// a [*problem.Refusal]. It counts the request for Rate, unless the request has a key:
// for the user, or for the address if the user is not known.
func (p *Policy) Check(r *http.Request, a Action) (Caller, error) {
	c, err := p.identify(r, a)
	if p.Rate != nil && !c.trusted() {
		if wait := p.Rate.take(c.user, p.Proxies.Client(r)); wait > 0 {
			return Caller{}, tooOften(wait)
		}
	}
	if err == nil {
		err = c.May(a)
	}
	if err != nil {
		return Caller{}, err
	}
	if p.Locks != nil {
		c.addr = p.Proxies.Client(r)
	}
	return c, nil
}

func tooOften(wait time.Duration) error {
	return &problem.Refusal{Kind: problem.RateLimited, Wait: wait, Detail: "You ask too often. Wait a little and go on more slowly."}
}

// identify returns the caller of a request. It verifies a token only if the action
// needs one.
func (p *Policy) identify(r *http.Request, a Action) (Caller, error) {
	c := Caller{closed: p.closed(), by: p.confirmBy()}
	if t, ok := r.Context().Value(tokenKey{}).(Token); ok {
		return p.holder(c, t)
	}
	token := Bearer(r)
	if c.role = p.keyRole(token); c.role != stranger {
		return c, nil
	}
	switch {
	case a == Look && !p.Private:
		return c, nil
	case p.Sessions != nil && (token == "" || p.Sessions.Is(token)):
		return p.session(c, r, token)
	case token == "" && (p.Private || c.closed && a != Look):
		return c, errNoToken
	case token == "" || !c.closed && a <= Confirm:
		return c, nil
	case p.Tokens == nil:
		return c, ErrBadToken
	}
	t, err := p.Tokens.Verify(r.Context(), token)
	if err != nil {
		return c, err
	}
	return p.holder(c, t)
}

// session returns c as the holder of a session. A browser sends a cookie whatever page
// asks, so a request that changes something must come from the server's own page.
func (p *Policy) session(c Caller, r *http.Request, token string) (Caller, error) {
	if token == "" {
		if token = p.Sessions.Cookie(r); token == "" {
			return c, errNoToken
		}
		if err := p.Sessions.CheckOrigin(r); err != nil {
			return c, problem.Refuse(problem.Forbidden, "A page of another site may not do this in your name.")
		}
	}
	t, err := p.Sessions.Verify(r.Context(), token)
	if err != nil {
		return c, err
	}
	c.user, c.until, c.role = t.Subject, t.Until, buyer
	return c, nil
}

// holder returns c as the holder of a verified token. A token without a valid subject,
// or one that was not issued for API calls, identifies nobody.
func (p *Policy) holder(c Caller, t Token) (Caller, error) {
	if t.Subject.Check() != nil || !isAccessToken(t.Claims) {
		return c, ErrBadToken
	}
	c.user, c.until, c.role = t.Subject, t.Until, buyer
	switch {
	case p.OperatorClaim.in(t.Claims):
		c.role = operator
	case p.BackendClaim.in(t.Claims):
		c.role = backend
	}
	return c, nil
}

// Open reports whether the userId of every request is believed.
func (p *Policy) Open() bool { return !p.closed() }

// BuyersConfirm reports whether buyers may confirm.
func (p *Policy) BuyersConfirm() bool { return p.confirmBy() == ConfirmByBuyer }

// closed reports whether unknown callers may only look.
func (p *Policy) closed() bool {
	return p.Gateway || p.Tokens != nil || p.Sessions != nil || len(p.BackendKeys) > 0
}

func (p *Policy) confirmBy() ConfirmBy {
	switch {
	case p.ConfirmBy != ConfirmByDefault:
		return p.ConfirmBy
	case p.closed():
		return ConfirmByBackend
	}
	return ConfirmByBuyer
}

// keyRole returns the role of the bearer of a key, or stranger if the token is not a
// key. It compares digests in constant time, so that the duration reveals neither a key
// nor its length.
func (p *Policy) keyRole(token string) role {
	if token == "" || len(p.BackendKeys)+len(p.OperatorKeys) == 0 {
		return stranger
	}
	got, found := sha256.Sum256([]byte(token)), stranger
	for _, keys := range [...]struct {
		role role
		keys []string
	}{{backend, p.BackendKeys}, {operator, p.OperatorKeys}} {
		for _, key := range keys.keys {
			want := sha256.Sum256([]byte(key))
			if subtle.ConstantTimeCompare(want[:], got[:]) == 1 {
				found = keys.role
			}
		}
	}
	return found
}

// Bearer returns the bearer token of a request, or "".
func Bearer(r *http.Request) string {
	given := r.Header["Authorization"]
	if len(given) == 0 {
		return ""
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
