// Package oidc verifies the tokens of an OpenID Connect issuer.
//
// It is not part of package access, so that a program that verifies no tokens does not
// contain the library. It must not know which calls need a token.
package oidc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/time/rate"

	"seatlock/functions/access"
	"seatlock/functions/problem"
	"seatlock/lockstore"
)

const (
	// issuerTime is the longest time that a request waits for the issuer.
	issuerTime = 2 * time.Second

	// issuerPause is the shortest time between two requests to the issuer, so that many
	// forged tokens do not cause many requests.
	issuerPause = time.Second

	// skew is the largest accepted difference between the issuer's clock and this
	// one's.
	skew = 30 * time.Second
)

// algorithms are asymmetric, so that only the issuer can sign.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512,
	oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// A Verifier verifies JSON Web Tokens of one issuer for one audience. It
// implements [access.Verifier].
//
// It fetches the issuer's keys when it first needs them, and again when a token
// names a key that it does not have. While the issuer does not answer, it fails
// for tokens with such a key. It is safe for concurrent use.
type Verifier struct {
	issuer, audience string
	log              *slog.Logger
	client           *http.Client
	paced            *paced // its Transport

	asking   chan struct{} // holds an element during discovery
	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // nil until discovery has succeeded, as are those below
	keys     *keySet
	provider *oidc.Provider
}

var _ access.Verifier = (*Verifier)(nil)

// New returns a Verifier. It makes no request yet.
func New(issuer, audience string, log *slog.Logger) *Verifier {
	pace := &paced{limit: rate.NewLimiter(rate.Every(issuerPause), 2)}
	return &Verifier{
		issuer:   issuer,
		audience: audience,
		log:      log,
		client:   &http.Client{Timeout: issuerTime, Transport: pace},
		paced:    pace,
		asking:   make(chan struct{}, 1),
	}
}

// Discover asks the issuer for the address of its keys, unless it is known already. A
// program may call it at its start, to report a wrong setting.
func (v *Verifier) Discover(ctx context.Context) error {
	_, err := v.ready(ctx)
	return err
}

// Verify returns the content of the token. It fails with [access.ErrBadToken] if the
// token is not valid, and with another [*problem.Refusal] if the issuer's keys could
// not be fetched.
func (v *Verifier) Verify(ctx context.Context, token string) (access.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, issuerTime)
	defer cancel()
	verifier, err := v.ready(ctx)
	if err != nil {
		return access.Token{}, v.unavailable(err)
	}
	var fetched error
	t, err := verifier.Verify(context.WithValue(ctx, fetchErrorKey{}, &fetched), token)
	if fetched != nil {
		return access.Token{}, v.unavailable(fetched)
	}
	var claims map[string]any
	if err == nil {
		err = t.Claims(&claims)
	}
	if err == nil {
		err = checkUse(token, claims)
	}
	if err != nil {
		v.log.DebugContext(ctx, "token refused", "error", err)
		return access.Token{}, access.ErrBadToken
	}
	user := lockstore.UserID(t.Subject)
	if err := user.Check(); err != nil {
		// The error contains the subject, which is personal data.
		v.log.DebugContext(ctx, "a token's subject cannot be a user", "bytes", len(t.Subject))
		return access.Token{}, access.ErrBadToken
	}
	return access.Token{Subject: user, Claims: claims, Until: t.Expiry.Add(skew)}, nil
}

func (v *Verifier) unavailable(err error) error {
	return &problem.Refusal{
		Kind:   problem.SignInUnavailable,
		Detail: "Tokens cannot be checked at the moment. Nothing was changed. Try again.",
		Wait:   time.Second,
		Err:    fmt.Errorf("cannot get the keys of %s: %w", v.issuer, err),
	}
}

// ready returns the library's verifier, after discovery.
func (v *Verifier) ready(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	if ready := v.known(); ready != nil {
		return ready, nil
	}
	select {
	case v.asking <- struct{}{}:
		defer func() { <-v.asking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if ready := v.known(); ready != nil {
		return ready, nil
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, v.client), v.issuer)
	if err != nil {
		return nil, err
	}
	var where struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&where); err != nil {
		return nil, err
	}
	if where.Keys == "" {
		return nil, fmt.Errorf("the configuration of %s has no jwks_uri", v.issuer)
	}
	keys := &keySet{oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), v.client), where.Keys), v.paced}
	ready := v.of(keys, v.audience)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.verifier, v.keys, v.provider = ready, keys, provider
	return ready, nil
}

// of returns the library's verifier for the audience.
func (v *Verifier) of(keys *keySet, audience string) *oidc.IDTokenVerifier {
	return oidc.NewVerifier(v.issuer, keys, &oidc.Config{
		ClientID:             audience,
		SupportedSigningAlgs: algorithms,
		Now:                  func() time.Time { return time.Now().Add(-skew) },
	})
}

// verifyID verifies an ID token for the client, after discovery.
func (v *Verifier) verifyID(ctx context.Context, token, client string) (*oidc.IDToken, error) {
	v.mu.Lock()
	keys := v.keys
	v.mu.Unlock()
	return v.of(keys, client).Verify(ctx, token)
}

// endpoint returns where the issuer signs users in, after discovery.
func (v *Verifier) endpoint() oauth2.Endpoint {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.provider.Endpoint()
}

func (v *Verifier) known() *oidc.IDTokenVerifier {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.verifier
}

// fetchErrorKey is the context key of the error pointer that a keySet sets.
type fetchErrorKey struct{}

// A keySet is the issuer's keys. The library's verifier returns the same kind of
// error for a bad token and for keys that could not be fetched, so a keySet
// reports the latter through the context.
//
// The library also fetches the keys again for a bad signature with a known key. If it
// may not ask the issuer yet, the token is bad.
type keySet struct {
	remote *oidc.RemoteKeySet
	paced  *paced
}

func (k *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := k.remote.VerifySignature(ctx, token)
	// Only errors of fetching keys wrap another error.
	if errors.Unwrap(err) != nil && !(errors.Is(err, errTooSoon) && k.paced.has(keyID(token))) {
		if into, ok := ctx.Value(fetchErrorKey{}).(*error); ok {
			*into = err
		}
	}
	return payload, err
}
