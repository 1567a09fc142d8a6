package stripe_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"seatlock/functions/payment/stripe/fake"
)

// A caller calls the fake without Stripe's library. Its answers are compared with
// Stripe's description.
type caller struct {
	t  *testing.T
	to http.RoundTripper
}

// callFake calls f with a caller, on a fake clock.
func callFake(t *testing.T, f func(t *testing.T, c caller, at *fake.Stripe)) {
	t.Helper()
	description(t)
	synctest.Test(t, func(t *testing.T) {
		at := fake.New(fake.Config{Key: key})
		defer at.Wait()
		f(t, caller{t, held{t, at}}, at)
	})
}

// call returns the status and the answer of a call, or 0 if it was lost.
func (c caller) call(method, path, idempotencyKey, form string) (int, string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, "https://api.stripe.com"+path, strings.NewReader(form))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if idempotencyKey != "" {
		r.Header.Set("Idempotency-Key", idempotencyKey)
	}
	response, err := c.to.RoundTrip(r)
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// newSession returns the parameters of a session for the amount.
func newSession(amount int) string {
	return url.Values{
		"mode": {"payment"}, "success_url": {"https://shop.example/"}, "payment_intent_data[capture_method]": {"manual"},
		"line_items[0][quantity]": {"1"}, "line_items[0][price_data][currency]": {"eur"},
		"line_items[0][price_data][unit_amount]": {fmt.Sprint(amount)}, "line_items[0][price_data][product_data][name]": {"Seat"},
	}.Encode()
}

const sessions = "/v1/checkout/sessions"

func TestTheFakeRemembersKeys(t *testing.T) {
	callFake(t, func(t *testing.T, c caller, at *fake.Stripe) {
		status, first := c.call("POST", sessions, "k1", newSession(100))
		if status != 200 {
			t.Fatalf("%d %s", status, first)
		}
		if status, again := c.call("POST", sessions, "k1", newSession(100)); status != 200 || again != first {
			t.Errorf("the second call is answered %d %s, want as the first", status, again)
		}
		if status, body := c.call("POST", sessions, "k1", newSession(200)); status != 400 || !strings.Contains(body, "idempotency_error") {
			t.Errorf("other parameters are answered %d %s, want an idempotency error", status, body)
		}
		if status, _ := c.call("POST", sessions, "wrong", newSession(1)); status != 400 {
			t.Errorf("too small an amount is answered %d", status)
		}
		if status, _ := c.call("POST", sessions, "wrong", newSession(100)); status != 200 {
			t.Errorf("a key is taken by parameters that were refused: %d", status)
		}
		at.Advance(24 * time.Hour)
		if status, later := c.call("POST", sessions, "k1", newSession(100)); status != 200 || later == first {
			t.Errorf("a day later the answer is %d %s, want a new session", status, later)
		}
	})
}

func TestTheFakeRepeatsAnError(t *testing.T) {
	for status, repeated := range map[int]bool{500: true, 402: true, 429: false, 503: false} {
		callFake(t, func(t *testing.T, c caller, at *fake.Stripe) {
			at.Fail(func(fake.Call) fake.Fault { return fake.Fault{Status: status, NoEffect: true} })
			if have, _ := c.call("POST", sessions, "k1", newSession(100)); have != status {
				t.Errorf("the answer is %d, want %d", have, status)
			}
			at.Fail(nil)
			want := 200
			if repeated {
				want = status
			}
			if have, _ := c.call("POST", sessions, "k1", newSession(100)); have != want {
				t.Errorf("after %d the same key is answered %d, want %d", status, have, want)
			}
		})
	}
}

func TestTheFakeHasOneCallOfAKeyAtATime(t *testing.T) {
	callFake(t, func(t *testing.T, c caller, at *fake.Stripe) {
		failing(at, openRoute, true, fake.Fault{Before: time.Minute})
		done := make(chan int)
		go func() {
			status, _ := c.call("POST", sessions, "k1", newSession(100))
			done <- status
		}()
		synctest.Wait()
		if status, body := c.call("POST", sessions, "k1", newSession(100)); status != 409 || !strings.Contains(body, "idempotency_key_in_use") {
			t.Errorf("the second call is answered %d %s, want 409", status, body)
		}
		if status := <-done; status != 200 {
			t.Errorf("the first call is answered %d, want 200", status)
		}
	})
}

func TestTheFakeRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		change func(url.Values)
		code   string
	}{
		"an unknown parameter":   {func(v url.Values) { v.Set("colour", "red") }, "parameter_unknown"},
		"no amount":              {func(v url.Values) { v.Del("line_items[0][price_data][unit_amount]") }, "parameter_missing"},
		"less than half an hour": {func(v url.Values) { v.Set("expires_at", fmt.Sprint(time.Now().Add(29*time.Minute).Unix())) }, "expires_at"},
		"more than a day":        {func(v url.Values) { v.Set("expires_at", fmt.Sprint(time.Now().Add(25*time.Hour).Unix())) }, "expires_at"},
		"a debit to be captured": {func(v url.Values) { v.Set("payment_method_types[0]", "sepa_debit") }, "manual capture"},
		"a long metadata value":  {func(v url.Values) { v.Set("metadata[seats]", strings.Repeat("x", 501)) }, "500 characters"},
		"51 metadata": {func(v url.Values) {
			for i := range 51 {
				v.Set(fmt.Sprintf("metadata[k%d]", i), "x")
			}
		}, "50 keys"},
	} {
		t.Run(name, func(t *testing.T) {
			callFake(t, func(t *testing.T, c caller, _ *fake.Stripe) {
				v, err := url.ParseQuery(newSession(100))
				must(t, "parse", err)
				test.change(v)
				if status, body := c.call("POST", sessions, "", v.Encode()); status != 400 || !strings.Contains(body, test.code) {
					t.Errorf("the answer is %d %s, want 400 with %s", status, body, test.code)
				}
			})
		})
	}
}

// TestTheFakeOverHTTP checks that a server behaves as the transport does, for an answer
// and for a connection that ends without one.
func TestTheFakeOverHTTP(t *testing.T) {
	at := fake.New(fake.Config{Key: key})
	server := httptest.NewServer(at)
	defer server.Close()
	get := func() (*http.Response, error) {
		r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+sessions, nil)
		must(t, "make the request", err)
		r.Header.Set("Authorization", "Bearer "+key)
		return server.Client().Do(r)
	}
	response, err := get()
	must(t, "list", err)
	response.Body.Close()
	if response.StatusCode != 200 {
		t.Errorf("the answer is %s, want 200", response.Status)
	}
	at.Fail(func(fake.Call) fake.Fault { return fake.Fault{Lost: true} })
	if response, err := get(); err == nil {
		response.Body.Close()
		t.Errorf("the answer is %s, want none", response.Status)
	}
}
