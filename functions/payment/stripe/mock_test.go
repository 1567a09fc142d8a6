package stripe_test

import (
	"bufio"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"seatlock/functions/payment/stripe"
	"seatlock/lockstore/storetest/faults"
)

// startMock starts stripe-mock and returns its address. It is made from Stripe's
// description and refuses everything else. It has no state: every answer is an example.
func startMock(t *testing.T) (address string) {
	t.Helper()
	faults.Need(t, "go", "the calls of Stripe were not compared with its description")
	path := exec.CommandContext(t.Context(), "go", "tool", "-n", "stripe-mock")
	path.Dir, path.Stderr = "stripemock", os.Stderr
	program, err := path.Output()
	if err != nil {
		t.Fatalf("cannot build stripe-mock: %v", err)
	}
	mock := exec.CommandContext(t.Context(), strings.TrimSpace(string(program)), "-http-addr", "127.0.0.1:0")
	mock.Stderr = os.Stderr
	out, err := mock.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := mock.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	listening := regexp.MustCompile(`^Listening for HTTP at address: (127\.0\.0\.1:\d+)$`)
	for lines.Scan() {
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			address = "http://" + found[1]
			break
		}
	}
	var rest sync.WaitGroup
	rest.Go(func() { // a full pipe would block it
		for lines.Scan() {
		}
	})
	t.Cleanup(func() {
		rest.Wait() // the end of the test's context stops it
		mock.Wait()
	})
	if address == "" {
		t.Fatal("stripe-mock ended before it listened")
	}
	return address
}

// counted is a transport that counts the answers of each route by status.
type counted struct {
	mu    sync.Mutex
	calls map[string]int
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		route := regexp.MustCompile(`(cs|pi)_[^/]+`).ReplaceAllString(r.URL.Path, "{id}")
		c.mu.Lock()
		c.calls[fmt.Sprintf("%s %s %d", r.Method, route, response.StatusCode)]++
		c.mu.Unlock()
	}
	return response, err
}

// TestEachCallIsOneThatStripeHas checks that stripe-mock accepts every call of the
// provider, with all of its parameters.
func TestEachCallIsOneThatStripeHas(t *testing.T) {
	address := startMock(t)
	ctx := t.Context()
	calls := &counted{calls: make(map[string]int)}
	for _, delayed := range []bool{false, true} {
		s, err := stripe.New(stripe.Config{Key: key, URL: address, Transport: calls, Delayed: delayed})
		if err != nil {
			t.Fatal(err)
		}
		// The examples are not orders of ours, so converting the answers often fails.
		c, err := s.Open(ctx, order("o1"))
		must(t, "open", err)
		s.Fetch(ctx, c.ID)
		s.Expire(ctx, c.ID)
		s.Capture(ctx, "pi_1", "o1.1")
		s.Void(ctx, "pi_1")
		s.Refund(ctx, "pi_1", 4200, "o1.1")
		s.Refunds(ctx, "pi_1")
		for range s.Recent(ctx, time.Now()) {
		}
	}
	want := []string{
		"GET /v1/checkout/sessions 200",
		"GET /v1/checkout/sessions/{id} 200",
		"GET /v1/payment_intents/{id} 200",
		"GET /v1/refunds 200",
		"POST /v1/checkout/sessions 200",
		"POST /v1/checkout/sessions/{id}/expire 200",
		"POST /v1/payment_intents/{id}/cancel 200",
		"POST /v1/payment_intents/{id}/capture 200",
		"POST /v1/refunds 200",
	}
	if have := slices.Sorted(maps.Keys(calls.calls)); !slices.Equal(have, want) {
		t.Errorf("the calls are answered %q, want %q", have, want)
	}

	// Check that stripe-mock refuses an unknown call.
	if status, body := (caller{t, toMock{address}}).call("POST", sessions, "", newSession(100)+"&colour=red"); status != 400 {
		t.Errorf("a call with an unknown parameter is answered %d %s, want 400", status, body)
	}
}

// toMock is a transport that sends requests for Stripe to another address.
type toMock struct{ address string }

func (m toMock) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(m.address, "http://")
	return http.DefaultTransport.RoundTrip(r)
}

// TestOneDescription checks that the calls and the fake's answers are compared with the
// same version of Stripe's description.
func TestOneDescription(t *testing.T) {
	var versions []string
	for _, file := range []string{"../../../go.mod", "stripemock/go.mod"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		versions = append(versions, regexp.MustCompile(`github.com/stripe/stripe-mock (v\S+)`).FindString(string(text)))
	}
	if versions[0] == "" || versions[0] != versions[1] {
		t.Errorf("go.mod and stripemock/go.mod have %q, want the same version", versions)
	}
}
