package oidc

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/oauth2"
	"golang.org/x/time/rate"

	"seatlock/functions/access"
)

const (
	// exchanges is how many codes a second are exchanged at the issuer for all clients,
	// with bursts of twice as many.
	exchanges = 20

	// exchangesOf is the same for one address. Many buyers may share one.
	exchangesOf = 5

	// usedFlows is how many used sign-ins are remembered: more than can be exchanged in
	// flowTime.
	usedFlows = 1 << 14
)

var (
	errUsed    = errors.New("this sign-in was used before")
	errTooMany = errors.New("too many sign-ins at this time")
)

// flows are the sign-ins that can still be completed. Each can be used once, and their
// rate is limited, since every one makes a request to the issuer. The zero flows are
// ready to use.
type flows struct {
	once sync.Once
	all  *rate.Limiter
	of   *access.Rate

	mu   sync.Mutex
	used *simplelru.LRU[string, struct{}] // by state
}

// use marks the sign-in with the state as used, for a request from the address.
func (f *flows) use(state string, addr netip.Addr) error {
	f.once.Do(func() {
		f.all = rate.NewLimiter(exchanges, 2*exchanges)
		f.of = access.NewRate(exchangesOf)
		used, err := simplelru.NewLRU[string, struct{}](usedFlows, nil)
		if err != nil {
			panic(err) // the size is a constant
		}
		f.used = used
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	// Checked first, since a used one must not count against the limits of others.
	if f.used.Contains(state) {
		return errUsed
	}
	if f.of.Take(addr) > 0 || !f.all.Allow() {
		return errTooMany
	}
	f.used.Add(state, struct{}{})
	return nil
}

// style returns how the page authenticates at the issuer. Otherwise the library would
// try one way after the other, with two requests for a code.
func (v *Verifier) style(ctx context.Context, secret string) (oauth2.AuthStyle, error) {
	if _, err := v.ready(ctx); err != nil {
		return 0, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var known struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := v.provider.Claims(&known); err != nil {
		return 0, err
	}
	if secret == "" || slices.Contains(known.Methods, "client_secret_post") {
		return oauth2.AuthStyleInParams, nil
	}
	return oauth2.AuthStyleInHeader, nil // the default of OpenID Connect
}
