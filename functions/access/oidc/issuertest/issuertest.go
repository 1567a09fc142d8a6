// Package issuertest runs an OpenID Connect issuer for tests.
package issuertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc/oidctest"
)

// Audience is the audience of the tokens.
const Audience = "shop"

// An Issuer is an issuer on the loopback interface. Its methods must be called by
// the test's goroutine.
type Issuer struct {
	*httptest.Server
	Keys map[string]crypto.Signer // by id; change them with Add and Remove

	t        *testing.T
	algs     map[string]string
	server   atomic.Pointer[oidctest.Server]
	requests atomic.Int64
	broken   atomic.Pointer[http.HandlerFunc]
}

// New starts an Issuer with an RSA key whose id is "first". It stops at the end
// of the test.
func New(t *testing.T) *Issuer {
	t.Helper()
	i := &Issuer{t: t, Keys: make(map[string]crypto.Signer), algs: make(map[string]string)}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.requests.Add(1)
		if h := i.broken.Load(); h != nil {
			(*h)(w, r)
			return
		}
		i.server.Load().ServeHTTP(w, r)
	}))
	t.Cleanup(i.Close)
	t.Cleanup(i.CloseClientConnections)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i.Add("first", "RS256", key)
	return i
}

// Requests returns the number of requests that it has received.
func (i *Issuer) Requests() int64 { return i.requests.Load() }

// Break makes h answer all requests instead of the Issuer. Nil undoes that.
func (i *Issuer) Break(h http.HandlerFunc) {
	if h == nil {
		i.broken.Store(nil)
		return
	}
	i.broken.Store(&h)
}

// Down is a handler that answers every request with status 500.
func Down(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }

// Mute is a handler that never answers.
func Mute(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// Add adds a key with the id, for the signing algorithm alg, such as ES256.
func (i *Issuer) Add(id, alg string, key crypto.Signer) {
	i.Keys[id], i.algs[id] = key, alg
	i.publish()
}

// Remove removes the key with the id.
func (i *Issuer) Remove(id string) {
	delete(i.Keys, id)
	i.publish()
}

func (i *Issuer) publish() {
	s := &oidctest.Server{Algorithms: []string{"RS256", "ES256", "EdDSA", "HS256"}}
	for id, key := range i.Keys {
		s.PublicKeys = append(s.PublicKeys, oidctest.PublicKey{PublicKey: key.Public(), KeyID: id, Algorithm: i.algs[id]})
	}
	s.SetIssuer(i.URL)
	i.server.Store(s)
}

// Claims returns the claims of a valid token of the user ann, with changes. A nil
// change leaves a claim out.
func (i *Issuer) Claims(changes map[string]any) string {
	c := map[string]any{"iss": i.URL, "aud": Audience, "sub": "ann", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	text, err := json.Marshal(c)
	if err != nil {
		i.t.Fatal(err)
	}
	return string(text)
}

// Token returns a token with the claims of [Issuer.Claims], signed with the key of
// that id.
func (i *Issuer) Token(key string, changes map[string]any) string {
	return oidctest.SignIDToken(i.Keys[key], key, i.algs[key], i.Claims(changes))
}

// ECKey returns a new key for ES256.
func ECKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// EdKey returns a new key for EdDSA.
func EdKey(t *testing.T) crypto.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
