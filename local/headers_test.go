package main

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestHeaders checks that no answer lets a browser guess its content type, show
// it in a frame, or tell other sites its address.
func TestHeaders(t *testing.T) {
	url, _, _ := serving(t, "-cors-origin", "https://shop.example")
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/", ""},
		{"GET", "/page/main.js", ""},
		{"GET", "/seats", ""},
		{"GET", "/events", ""},
		{"POST", "/lock", good},
		{"POST", "/lock", "{}"},
		{"GET", "/nowhere", ""},
		{"GET", "/readyz", ""},
		{"OPTIONS", "/lock", ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, url+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		h := resp.Header
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s %s has the header %v", c.method, c.path, h)
		}
		if len(h.Values("Content-Security-Policy")) != 1 {
			t.Errorf("%s %s has the policies %q", c.method, c.path, h.Values("Content-Security-Policy"))
		}
	}
}

// TestConnectionsAreBounded checks that a connection over the limit waits until
// another one is closed.
func TestConnectionsAreBounded(t *testing.T) {
	url, _, _ := serving(t, "-max-connections", "1")
	addr := strings.TrimPrefix(url, "http://")
	first, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(first, asked("/healthz")); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	second, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := io.WriteString(second, asked("/healthz")); err != nil {
		t.Fatal(err)
	}
	if err := second.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := second.Read(make([]byte, 1)); err == nil {
		t.Fatalf("the second connection is answered beside the first: %d", n)
	}
	first.Close()
	if err := second.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Read(make([]byte, 1)); err != nil {
		t.Errorf("the second connection is not answered after the first: %v", err)
	}
}

// TestSendersOfTooMuchAreLetGo checks that a request with too large a body
// closes its connection.
func TestSendersOfTooMuchAreLetGo(t *testing.T) {
	url, _, _ := serving(t)
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, posted(`{"seatId":"`+strings.Repeat("A", 100_000)+`"}`)); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(c) // it may end with a reset, because of what was not read
	if !strings.Contains(string(answer), "\r\nConnection: close\r\n") || !strings.Contains(string(answer), `"code":"too_large"`) {
		t.Errorf("the answer is %s", answer)
	}
}
