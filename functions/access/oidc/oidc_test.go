package oidc_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"seatlock/functions/access"
	"seatlock/functions/access/oidc"
	"seatlock/functions/access/oidc/issuertest"
	"seatlock/functions/problem"
)

func verifier(i *issuertest.Issuer) *oidc.Verifier {
	return oidc.New(i.URL, issuertest.Audience, slog.New(slog.DiscardHandler))
}

// answers reports whether the verifier refuses the token with the kind, or accepts
// it as ann's if the kind is empty.
func answers(t *testing.T, v *oidc.Verifier, token string, kind problem.Kind) bool {
	t.Helper()
	got, err := v.Verify(t.Context(), token)
	user := got.Subject
	if kind == "" {
		return err == nil && user == "ann"
	}
	refusal, ok := errors.AsType[*problem.Refusal](err)
	return ok && refusal.Kind == kind && user == ""
}

func want(t *testing.T, v *oidc.Verifier, token string, kind problem.Kind) {
	t.Helper()
	if !answers(t, v, token, kind) {
		got, err := v.Verify(t.Context(), token)
		t.Errorf("Verify returned %v, %v; want the refusal %q", got, err, kind)
	}
}

// eventually fails the test unless the condition holds within half a minute.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the condition does not become true")
		}
	}
}

// forged returns a token of the header and the claims, signed by sign.
func forged(header, claims string, sign func(text []byte) []byte) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	return text + "." + base64.RawURLEncoding.EncodeToString(sign([]byte(text)))
}

// typed returns a token of the type, signed with the issuer's first key.
func typed(i *issuertest.Issuer, typ, claims string) string {
	return forged(`{"alg":"RS256","kid":"first","typ":"`+typ+`"}`, claims, func(text []byte) []byte {
		digest := sha256.Sum256(text)
		signature, err := i.Keys["first"].Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil {
			panic(err) // the key is the test's own
		}
		return signature
	})
}

// withPublicKey signs like HS256, with the public key as the secret.
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

// TestBadTokens checks that every invalid token gives the same error, which does not
// say what is wrong.
func TestBadTokens(t *testing.T) {
	i, other := issuertest.New(t), issuertest.New(t)
	v := verifier(i)
	good := i.Token("first", nil)
	head, rest, _ := strings.Cut(good, ".")
	body, signature, _ := strings.Cut(rest, ".")
	for name, token := range map[string]string{
		"no token at all":           "nonsense",
		"empty parts":               "..",
		"ended":                     i.Token("first", map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}),
		"without an end":            i.Token("first", map[string]any{"exp": nil}),
		"valid in a minute":         i.Token("first", map[string]any{"nbf": time.Now().Add(time.Minute).Unix()}),
		"for another site":          i.Token("first", map[string]any{"aud": "blog"}),
		"for nobody":                i.Token("first", map[string]any{"aud": nil}),
		"of another issuer":         i.Token("first", map[string]any{"iss": other.URL}),
		"signed by another":         other.Token("first", map[string]any{"iss": i.URL}),
		"without a subject":         i.Token("first", map[string]any{"sub": nil}),
		"with a subject of no user": i.Token("first", map[string]any{"sub": "a\nb"}),
		"with a long subject":       i.Token("first", map[string]any{"sub": strings.Repeat("a", 129)}),
		"of a sign-out":             typed(i, "logout+jwt", i.Claims(nil)),
		"with another body":         head + "." + strings.ToUpper(body[:8]) + body[8:] + "." + signature,
		"without a signature":       head + "." + body + ".",
		"of the algorithm none":     forged(`{"alg":"none"}`, i.Claims(nil), func([]byte) []byte { return nil }),
		"with the public key":       forged(`{"alg":"HS256","kid":"first"}`, i.Claims(nil), withPublicKey(t, i.Keys["first"])),
	} {
		if got, err := v.Verify(t.Context(), token); got.Subject != "" || err != access.ErrBadToken {
			t.Errorf("a token %s: Verify returned %v, %v, want ErrBadToken", name, got, err)
		}
	}
	want(t, v, good, "")
}

// TestTokensOfEveryKind checks that valid tokens are accepted: with every kind of key,
// with several audiences, and with a clock that differs a little.
func TestTokensOfEveryKind(t *testing.T) {
	i := issuertest.New(t)
	i.Add("ec", "ES256", issuertest.ECKey(t))
	i.Add("ed", "EdDSA", issuertest.EdKey(t))
	v := verifier(i)
	for name, token := range map[string]string{
		"RSA":                 i.Token("first", nil),
		"EC":                  i.Token("ec", nil),
		"Ed25519":             i.Token("ed", nil),
		"of an access token":  typed(i, "at+jwt", i.Claims(nil)),
		"several audiences":   i.Token("first", map[string]any{"aud": []string{"blog", issuertest.Audience}}),
		"just ended":          i.Token("first", map[string]any{"exp": time.Now().Add(-10 * time.Second).Unix()}),
		"valid in an instant": i.Token("first", map[string]any{"nbf": time.Now().Add(10 * time.Second).Unix()}),
	} {
		if got, err := v.Verify(t.Context(), token); got.Subject != "ann" || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// TestKeysChange checks that a token of a new key is accepted, and that one of a
// removed key is refused once the keys have been fetched again.
func TestKeysChange(t *testing.T) {
	i := issuertest.New(t)
	v := verifier(i)
	old := i.Token("first", nil)
	want(t, v, old, "")
	i.Add("second", "ES256", issuertest.ECKey(t))
	i.Remove("first")
	fresh := i.Token("second", nil)
	eventually(t, func() bool { return answers(t, v, fresh, "") })
	eventually(t, func() bool { return answers(t, v, old, problem.Unauthenticated) })
}

// TestIssuerUnavailable checks that no token can be verified before the issuer's keys
// were fetched, and that the issuer is not needed afterwards.
func TestIssuerUnavailable(t *testing.T) {
	i := issuertest.New(t)
	i.Break(issuertest.Down)
	v := verifier(i)
	token := i.Token("first", nil)
	want(t, v, token, problem.SignInUnavailable)
	i.Break(nil)
	eventually(t, func() bool { return answers(t, v, token, "") })

	for name, h := range map[string]http.HandlerFunc{
		"down":    issuertest.Down,
		"garbled": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		"mute":    issuertest.Mute,
	} {
		i.Break(h)
		want(t, v, token, "")
		i.Add("new of "+name, "ES256", issuertest.ECKey(t))
		unseen := i.Token("new of "+name, nil)
		eventually(t, func() bool { return answers(t, v, unseen, problem.SignInUnavailable) })
	}
	i.Break(nil)
	eventually(t, func() bool { return answers(t, v, i.Token("new of mute", nil), "") })
}

// TestDiscover checks that Discover reports a wrong issuer.
func TestDiscover(t *testing.T) {
	i := issuertest.New(t)
	if err := verifier(i).Discover(t.Context()); err != nil {
		t.Error(err)
	}
	v := oidc.New(i.URL+"/", issuertest.Audience, slog.New(slog.DiscardHandler))
	if err := v.Discover(t.Context()); err == nil || !strings.Contains(err.Error(), i.URL) {
		t.Errorf("an issuer that has another name is accepted: %v", err)
	}
}

// TestUnknownKeyTooSoon checks that a token whose key may be the issuer's newest is not
// refused for good because the issuer was asked a moment ago, and that a bad signature
// with a known key is refused.
func TestUnknownKeyTooSoon(t *testing.T) {
	i, other := issuertest.New(t), issuertest.New(t)
	v := verifier(i)
	want(t, v, i.Token("first", nil), "")
	eventually(t, func() bool { // a burst of two requests to the issuer is allowed
		fresh := fmt.Sprintf("fresh %d", len(i.Keys))
		i.Add(fresh, "ES256", issuertest.ECKey(t))
		return answers(t, v, i.Token(fresh, nil), problem.SignInUnavailable)
	})
	for range 5 {
		want(t, v, other.Token("first", map[string]any{"iss": i.URL}), problem.Unauthenticated)
	}
}

// TestForgedTokensMakeFewRequests checks that many forged tokens make few requests
// to the issuer.
func TestForgedTokensMakeFewRequests(t *testing.T) {
	i, other := issuertest.New(t), issuertest.New(t)
	other.Add("unknown", "ES256", issuertest.ECKey(t))
	v := verifier(i)
	want(t, v, i.Token("first", nil), "")
	began, before := time.Now(), i.Requests()
	for range 200 {
		forged := other.Token("unknown", map[string]any{"iss": i.URL})
		if !answers(t, v, forged, problem.Unauthenticated) && !answers(t, v, forged, problem.SignInUnavailable) {
			t.Fatal("a forged token is accepted")
		}
	}
	// One request a second for the duration of the two hundred, and one more.
	if made, most := i.Requests()-before, int64(time.Since(began).Seconds())+2; made > most {
		t.Errorf("200 forged tokens made %d requests, want at most %d", made, most)
	}
}
