package main

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc/oidctest"
)

// An issuer issues tokens for the shop. It can be made unavailable.
type issuer struct {
	url  string
	key  *rsa.PrivateKey
	away atomic.Bool
}

func issuing(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key}
	keys := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: "first", Algorithm: "RS256"}}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i.away.Load() {
			<-r.Context().Done() // accept the connection and do not answer
			return
		}
		keys.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(srv.CloseClientConnections)
	keys.SetIssuer(srv.URL)
	i.url = srv.URL
	return i
}

func (i *issuer) token(user string) string {
	return oidctest.SignIDToken(i.key, "first", "RS256", fmt.Sprintf(`{"iss":%q,"aud":"shop","sub":%q,"exp":%d}`, i.url, user, time.Now().Add(time.Hour).Unix()))
}

// signed posts with a token and returns the answer.
func signed(t *testing.T, url, token, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// TestIssuerIsAwayAtTheStart checks that without its issuer the program starts,
// is ready and logs the problem, and that buyers can sign in once the issuer is
// available. The log must not name them.
func TestIssuerIsAwayAtTheStart(t *testing.T) {
	t.Parallel()
	i := issuing(t)
	i.away.Store(true)
	url, metricsURL, out := measured(t, "-auth-issuer", i.url, "-auth-audience", "shop", "-log-level", "debug")
	token := i.token("Hildegard")
	if status, body := signed(t, url+"/lock", token, `{"seatId":"A1"}`); status != 503 || !strings.Contains(body, `"code":"sign_in_unavailable"`) {
		t.Errorf("%d %s", status, body)
	}
	get(t, url+"/seats")
	get(t, url+"/readyz")
	i.away.Store(false)
	for {
		status, body := signed(t, url+"/lock", token, `{"seatId":"A1"}`)
		if status == 200 && strings.Contains(body, `"userId":"Hildegard"`) {
			break
		}
		if status != 503 || t.Context().Err() != nil {
			t.Fatalf("%d %s", status, body)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if status, body := signed(t, url+"/lock", token, `{"seatId":"A2","userId":"ben"}`); status != 403 {
		t.Errorf("%d %s", status, body)
	}
	if status, body := signed(t, url+"/lock", i.token("Hildegard\n"), `{"seatId":"A2"}`); status != 401 {
		t.Errorf("%d %s", status, body)
	}
	scrape := get(t, metricsURL)
	for _, want := range []string{`code="forbidden"} 1`, `code="unauthenticated"} 1`} {
		if !strings.Contains(scrape, `seatlock_requests_total{call="lock",`+want) {
			t.Errorf("%s is not in the metrics", want)
		}
	}
	log := out.String()
	for _, want := range []string{"nobody can sign in until it does", "signed in at " + i.url, "a token's subject cannot be a user", "code=sign_in_unavailable"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %q: %s", want, log)
		}
	}
	if strings.Contains(log, "Hildegard") || strings.Contains(log, token) {
		t.Errorf("the log tells who: %s", log)
	}
}
