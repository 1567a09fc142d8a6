package main

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"seatlock/functions/access/oidc/issuertest"
	"seatlock/lockstore/storetest/faults"
)

// postSigned posts the body with the token and returns the answer.
func postSigned(t *testing.T, url, token, body string) (int, string) {
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

// TestIssuerIsAwayAtTheStart checks that the program starts without its issuer, is
// ready and logs the problem, and that buyers can sign in once the issuer answers.
// The log must not name them.
func TestIssuerIsAwayAtTheStart(t *testing.T) {
	i := issuertest.New(t)
	i.Break(issuertest.Mute)
	url, metricsURL, out := servingMetrics(t, "-auth-issuer", i.URL, "-auth-audience", issuertest.Audience, "-confirm-by", "buyer", "-log-level", "debug")
	token := i.Token("first", map[string]any{"sub": "Hildegard"})
	if status, body := postSigned(t, url+"/lock", token, `{"seatId":"A1"}`); status != 503 || !strings.Contains(body, `"code":"sign_in_unavailable"`) {
		t.Errorf("without the issuer: %d %s", status, body)
	}
	get(t, url+"/seats")
	get(t, url+"/readyz")
	i.Break(nil)
	for {
		status, body := postSigned(t, url+"/lock", token, `{"seatId":"A1"}`)
		if status == 200 && strings.Contains(body, `"userId":"Hildegard"`) {
			break
		}
		if status != 503 || t.Context().Err() != nil {
			t.Fatalf("with the issuer: %d %s", status, body)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if status, body := postSigned(t, url+"/lock", token, `{"seatId":"A2","userId":"ben"}`); status != 403 {
		t.Errorf("a lock for another user: %d %s, want 403", status, body)
	}
	if status, body := postSigned(t, url+"/lock", i.Token("first", map[string]any{"sub": "Hildegard\n"}), `{"seatId":"A2"}`); status != 401 {
		t.Errorf("a subject that is no user id: %d %s, want 401", status, body)
	}
	scrape := get(t, metricsURL)
	for _, want := range []string{`code="forbidden"} 1`, `code="unauthenticated"} 1`} {
		if !strings.Contains(scrape, `seatlock_requests_total{call="lock",`+want) {
			t.Errorf("%s is not in the metrics", want)
		}
	}
	log := out.String()
	for _, want := range []string{"nobody can sign in until it does", "signed in at " + i.URL, "a token's subject cannot be a user", "code=sign_in_unavailable"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not have %q: %s", want, log)
		}
	}
	if strings.Contains(log, "Hildegard") || strings.Contains(log, token) {
		t.Errorf("the log has the user or the token: %s", log)
	}
}

// TestKeyOfThisRun checks that a server at home prints a working command for its operator,
// and that no other server makes a key.
func TestKeyOfThisRun(t *testing.T) {
	key := strings.Repeat("k", 32)
	for _, c := range []struct {
		env   variables
		args  []string
		wants bool
	}{
		{nil, nil, true},
		{variables{"OPERATOR_KEY": key}, nil, false},
		{variables{"AUTH_BACKEND_KEY": key}, nil, false},
		{nil, []string{"-addr", "0.0.0.0:0"}, false},
	} {
		var printed faults.Log
		url := servingInto(t, &printed, c.env, c.args...)
		command := regexp.MustCompile(`curl -H 'Authorization: Bearer (\w{52})' ` + url + "/bookings\n").FindStringSubmatch(printed.String())
		if (command != nil) != c.wants {
			t.Errorf("with %v %q the server prints %q", c.env, c.args, printed.String())
		}
		if command == nil {
			continue
		}
		if status, body := postSigned(t, url+"/block", command[1], `{"seatIds":["A1"],"reason":"broken"}`); status == 401 || status == 403 {
			t.Errorf("the operator may not block: %d %s", status, body)
		}
		if status, body := postSigned(t, url+"/lock", "another", `{"seatId":"A2","userId":"ann"}`); status != 200 {
			t.Errorf("a lock at home: %d %s", status, body)
		}
	}
}
