package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"seatlock/functions/access"
	"seatlock/functions/settings"
	"seatlock/functions/telemetry"
)

// A sender answers requests, and holds the answers back until the test releases them.
type sender struct {
	t *testing.T
	*limits
	sent chan struct{} // closed when all answers under way are sent
}

// newSender returns a sender with the given memory for large answers, in all and for one
// address.
func newSender(t *testing.T, memory, share int64) *sender {
	l := newLimits(settings.Server{Share: 100}, access.Policy{}, nil, slog.New(slog.DiscardHandler))
	l.answers.memory, l.answers.shares = access.NewPlaces(memory, memory), access.NewPlaces(1<<62, share)
	return &sender{t, l, make(chan struct{})}
}

// ask asks for an answer with the tag and the size. It returns the answer so far, and
// the code that is reported once it is sent.
func (s *sender) ask(method, from, tag string, size int) (*httptest.ResponseRecorder, *string) {
	s.t.Helper()
	w, code := httptest.NewRecorder(), new(string)
	r := httptest.NewRequest(method, "/seats", nil)
	r.RemoteAddr = from + ":1"
	h := s.handler(func(w http.ResponseWriter, _ *http.Request) telemetry.Outcome {
		w.Header().Set("ETag", tag)
		w.Header().Set("Content-Length", fmt.Sprint(size))
		if method != "HEAD" {
			io.WriteString(w, "the first part")
			<-s.sent
			io.WriteString(w, "the rest")
		}
		return telemetry.Outcome{Call: "list"}
	})
	go func() { *code = h(w, r).Code }()
	synctest.Wait()
	return w, code
}

// TestLargeAnswersAreBounded checks that large answers to slow readers do not exceed the
// memory, that readers of identical answers share it, and that it is free again once the
// answers are sent.
func TestLargeAnswersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const mb = 1 << 20
		s := newSender(t, 10*mb, 10*mb)
		granted := func(w *httptest.ResponseRecorder, _ *string) {
			t.Helper()
			if w.Code != 200 || w.Body.String() != "the first part" {
				t.Errorf("the answer is %d %s, want 200", w.Code, w.Body)
			}
		}
		for range 20 {
			granted(s.ask("GET", "192.0.2.1", `"first"`, 4*mb)) // together 4 MB and 20 readers
		}
		granted(s.ask("GET", "192.0.2.2", `"second"`, 4*mb))
		w, code := s.ask("GET", "192.0.2.3", `"third"`, 4*mb)
		if w.Code != 503 || w.Header().Get("Retry-After") != "1" || w.Header().Get("ETag") != "" || w.Header().Get("Content-Length") != "" ||
			!strings.Contains(w.Body.String(), `"code":"overloaded"`) || strings.Contains(w.Body.String(), "part") {
			t.Errorf("an answer for which there is no memory is %d %v %s", w.Code, w.Header(), w.Body)
		}
		granted(s.ask("GET", "192.0.2.3", `"first"`, 4*mb))
		granted(s.ask("GET", "192.0.2.3", `"small"`, largeAnswer-1))
		if w, _ := s.ask("HEAD", "192.0.2.3", `"third"`, 4*mb); w.Code != 200 {
			t.Errorf("HEAD, whose answer has no body, is answered with %d", w.Code)
		}

		close(s.sent)
		synctest.Wait()
		if *code != "overloaded" {
			t.Errorf("the refusal is reported with the code %q", *code)
		}
		if memory, shares := s.answers.memory.Taken(), s.answers.shares.Taken(); memory != 0 || shares != 0 || len(s.answers.readers) != 0 {
			t.Errorf("after all answers were sent, %d bytes of memory, %d of shares and %d renderings are taken", memory, shares, len(s.answers.readers))
		}
		if w, _ := s.ask("GET", "192.0.2.3", `"third"`, 4*mb); w.Code != 200 {
			t.Errorf("an answer after that is %d", w.Code)
		}
	})
}

// TestLargeAnswersOfOneAddress checks that slow readers of one address do not use up
// the memory for others.
func TestLargeAnswersOfOneAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const mb = 1 << 20
		s := newSender(t, 10*mb, 2*mb)
		defer close(s.sent)
		status := func(from, tag string, want int) {
			t.Helper()
			if w, _ := s.ask("GET", from, tag, mb); w.Code != want {
				t.Errorf("%s for %s is answered with %d, want %d", tag, from, w.Code, want)
			}
		}
		status("192.0.2.1", `"1"`, 200)
		status("192.0.2.1", `"2"`, 503)
		status("192.0.2.2", `"3"`, 200)
		status("192.0.2.2", `"1"`, 200)
		if w, _ := s.ask("GET", "192.0.2.3", `"large"`, 4*mb); w.Code != 200 {
			t.Errorf("the only answer to an address, larger than its share, is %d", w.Code)
		}
	})
}

// TestByteRate checks that every byte sent to an address counts, including the page and
// messages to viewers, and that load balancers are not affected.
func TestByteRate(t *testing.T) {
	for name, spend := range map[string]func(t *testing.T, url string){
		"the page": func(t *testing.T, url string) {
			connect(t, "127.0.0.2", url).want(getRequest("/page/icon.svg"), 200, "svg")
		},
		"the API": func(t *testing.T, url string) {
			connect(t, "127.0.0.2", url).want(getRequest("/openapi.yaml"), 200, "openapi")
		},
		"a refusal": func(t *testing.T, url string) { connect(t, "127.0.0.2", url).want(getRequest("/nowhere"), 404, "") },
		"a viewer": func(t *testing.T, url string) {
			c := connect(t, "127.0.0.2", url)
			c.want(getRequest("/seats/live", handshake), 101, "")
			if _, err := c.r.Peek(1000); err != nil { // of the first list
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			url, _, _ := serving(t, "-byte-rate", "1")
			spend(t, url)
			c := connect(t, "127.0.0.2", url)
			for _, path := range []string{"/seats", "/", "/page/icon.svg"} {
				if resp := c.want(getRequest(path), 429, `"code":"rate_limited"`); resp.Header.Get("Retry-After") == "" {
					t.Errorf("the header of %s has no Retry-After: %v", path, resp.Header)
				}
			}
			c.want(getRequest("/healthz"), 200, "alive")
			connect(t, "127.0.0.3", url).want(getRequest("/seats"), 200, "")
		})
	}
}

// TestRateComesFirst checks that an address that sends too much is refused before its
// token is verified, and that files of the page count.
func TestRateComesFirst(t *testing.T) {
	url, _, _ := servingWith(t, variables{"AUTH_BACKEND_KEY": strings.Repeat("k", 32)}, "-rate", "0.001")
	c := connect(t, "127.0.0.2", url)
	for range 10 {
		c.want(getRequest("/page/icon.svg"), 200, "")
	}
	c.want(getRequest("/page/icon.svg"), 429, `"code":"rate_limited"`)
	c.want(lockRequest(good), 429, `"code":"rate_limited"`) // and not 401
	connect(t, "127.0.0.3", url).want(lockRequest(good), 401, "")
}

// TestHostOfAProxy checks that requests from a proxy may have any Host, as may all
// requests to a server that other machines can reach.
func TestHostOfAProxy(t *testing.T) {
	request := head("GET /seats HTTP/1.1", "Host: shop.example")
	url, _, _ := serving(t, "-trust-proxy", "127.0.0.2")
	connect(t, "127.0.0.2", url).want(request, 200, "")
	connect(t, "127.0.0.3", url).want(request, 421, `"code":"wrong_host"`)
	for _, host := range []string{"localhost", "LOCALHOST:80", "localhost.", "127.0.0.9:1", "[::1]:80", "::1", "tickets.localhost"} {
		connect(t, "127.0.0.3", url).want(head("GET /seats HTTP/1.1", "Host: "+host), 200, "")
	}
	public, _, _ := serving(t, "-addr", "0.0.0.0:0")
	_, port, err := net.SplitHostPort(strings.TrimPrefix(public, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	connect(t, "127.0.0.1", "http://127.0.0.1:"+port).want(request, 200, "")
}
