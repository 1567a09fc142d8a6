package access_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc/oidctest"
)

// An issuer of tokens, on this machine.
type issuer struct {
	*httptest.Server
	t      *testing.T
	oidc   atomic.Pointer[oidctest.Server]
	keys   map[string]crypto.Signer // by key id
	algs   map[string]string
	asked  atomic.Int64
	broken atomic.Pointer[http.HandlerFunc] // answers instead, if there is one
}

// issuing starts an issuer with an RSA key, named first.
func issuing(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{t: t, keys: make(map[string]crypto.Signer), algs: make(map[string]string)}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		if h := i.broken.Load(); h != nil {
			(*h)(w, r)
			return
		}
		i.oidc.Load().ServeHTTP(w, r)
	}))
	t.Cleanup(i.Close)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i.add("first", "RS256", rsaKey)
	return i
}

// add gives the issuer another key.
func (i *issuer) add(id, alg string, key crypto.Signer) {
	i.keys[id], i.algs[id] = key, alg
	i.publish()
}

func (i *issuer) publish() {
	s := &oidctest.Server{Algorithms: []string{"RS256", "ES256", "EdDSA", "HS256"}}
	for id, key := range i.keys {
		s.PublicKeys = append(s.PublicKeys, oidctest.PublicKey{PublicKey: key.Public(), KeyID: id, Algorithm: i.algs[id]})
	}
	s.SetIssuer(i.URL)
	i.oidc.Store(s)
}

// claims are those of a good token, with changes; nil leaves one out.
func (i *issuer) claims(changes map[string]any) string {
	c := map[string]any{"iss": i.URL, "aud": "shop", "sub": "ann", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	text, err := json.Marshal(c)
	if err != nil {
		i.t.Fatal(err)
	}
	return string(text)
}

// token is a good token with changes, signed with a key.
func (i *issuer) token(key string, changes map[string]any) string {
	return oidctest.SignIDToken(i.keys[key], key, i.algs[key], i.claims(changes))
}

// forged is a token of the header and the claims that is signed as sign says.
func forged(header, claims string, sign func(text []byte) []byte) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	return text + "." + base64.RawURLEncoding.EncodeToString(sign([]byte(text)))
}

// withPublicKey signs as HS256 does, with what everybody knows of the key.
func withPublicKey(t *testing.T, key crypto.Signer) func(text []byte) []byte {
	t.Helper()
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return func(text []byte) []byte {
		m := hmac.New(sha256.New, public)
		m.Write(text)
		return m.Sum(nil)
	}
}

func ecKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func edKey(t *testing.T) crypto.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
