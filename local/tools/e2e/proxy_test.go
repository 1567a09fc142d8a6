package e2e

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A proxy stands between a page and the server.
type proxy struct {
	url           string
	refusesSocket atomic.Bool
	stallsSockets atomic.Bool  // they stay open, and bring nothing any more
	losesAnswers  atomic.Bool  // of POSTs: they take effect, and nobody is told
	unknown       atomic.Int64 // so many POSTs take effect, and are answered with outcome_unknown
}

// inFrontOf starts a proxy, below a base path as a front end may have it.
func inFrontOf(t *testing.T, s *server) *proxy {
	t.Helper()
	to, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	const base = "/tickets"
	p := new(proxy)
	behind := httputil.NewSingleHostReverseProxy(to)
	transport := &http.Transport{DialContext: p.dial}
	t.Cleanup(transport.CloseIdleConnections)
	behind.Transport = transport
	pass := http.StripPrefix(base, behind)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasPrefix(r.URL.Path, base):
			http.Error(w, "outside of the base path", http.StatusNotFound)
		case p.refusesSocket.Load() && r.Header.Get("Upgrade") != "":
			http.Error(w, "no WebSockets here", http.StatusForbidden)
		case r.Method == "POST" && p.losesAnswers.Load():
			pass.ServeHTTP(httptest.NewRecorder(), r)
			<-r.Context().Done()
		case r.Method == "POST" && p.unknown.Add(-1) >= 0:
			pass.ServeHTTP(httptest.NewRecorder(), r)
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusServiceUnavailable)
			io.WriteString(w, `{"title":"Outcome unknown","status":503,"code":"outcome_unknown","detail":"Send the same request again."}`)
		default:
			pass.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	p.url = srv.URL + base + "/"
	return p
}

// dial connects to the server.
func (p *proxy) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	return &stallable{Conn: c, proxy: p}, err
}

// stallable is a connection that can stall once it is a WebSocket.
type stallable struct {
	net.Conn
	proxy  *proxy
	socket bool
}

func (s *stallable) Read(b []byte) (int, error) {
	for {
		n, err := s.Conn.Read(b)
		s.socket = s.socket || bytes.HasPrefix(b[:n], []byte("HTTP/1.1 101 "))
		if err != nil || !s.socket || !s.proxy.stallsSockets.Load() {
			return n, err
		}
	}
}

// TestSocketStalls: a socket that stays open and brings nothing is noticed, and
// done without.
func TestSocketStalls(t *testing.T) {
	b, s := needBrowser(t), serve(t)
	p := inFrontOf(t, s)
	w := b.user(1280, 900)
	w.visit(p.url)
	w.lightIs("live")
	p.stallsSockets.Store(true)
	s.must("lock", "ben", "A1")
	time.Sleep(15 * time.Second) // after 25 of silence the page makes sure
	w.shows("row A, seat 1", "locked for ")
	w.lightIs("asking") // new ones bring nothing either
	p.stallsSockets.Store(false)
	s.must("confirm", "ben", "A1")
	w.shows("row A, seat 1", "booked")
}

// TestSocketRefused: without WebSockets the page asks, and misses nothing.
func TestSocketRefused(t *testing.T) {
	b, s := needBrowser(t), serve(t, "-lock-ttl", "3s")
	p := inFrontOf(t, s)
	p.refusesSocket.Store(true)
	w := b.user(1280, 900)
	w.visit(p.url)
	w.says("Live, every second")
	w.lightIs("asking")
	s.must("lock", "ben", "A1", "A2")
	w.shows("row A, seat 1", "locked for ")
	s.must("confirm", "ben", "A2")
	w.shows("row A, seat 2", "booked")
	w.shows("row A, seat 1", "available") // ran out
	w.click("row A, seat 1")
	w.press("Lock this seat")
	w.says("is yours for 3 seconds")
}
