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
	// exchanges is how many codes a second are exchanged at the issuer for everybody,
	// and twice as many at once.
	exchanges = 20

	// exchangesOf is the same for one address. Many buyers may share one.
	exchangesOf = 5

	// usedFlows is how many sign-ins are remembered as used: more than can be exchanged
	// in the time of a flow.
	usedFlows = 1 << 14
)

var (
	errUsed    = errors.New("this sign-in was used before")
	errTooMany = errors.New("there are too many sign-ins at this time")
)

// flows are the sign-ins that may still end. Each can be used once, and not too many at a
// time: every one makes a request to the issuer. The zero flows are ready to use.
type flows struct {
	once sync.Once
	all  *rate.Limiter
	of   *access.Rate

	mu   sync.Mutex
	used *simplelru.LRU[string, struct{}] // by state
}

// use uses up the sign-in with the state, for a request from the address.
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
	// A used one first: it must not take the place of others.
	if f.used.Contains(state) {
		return errUsed
	}
	if f.of.Take(addr) > 0 || !f.all.Allow() {
		return errTooMany
	}
	f.used.Add(state, struct{}{})
	return nil
}

// style returns how the page says at the issuer which client it is. The library would
// otherwise try one way after the other, with two requests a code.
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
	return oauth2.AuthStyleInHeader, nil // what OpenID Connect has where nothing is said
}
