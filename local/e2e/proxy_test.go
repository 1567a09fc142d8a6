package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// A proxy stands between a page and the server.
type proxy struct {
	url           string
	refusesSocket atomic.Bool
	losesAnswers  atomic.Bool  // of POSTs: they take effect, and nobody is told
	unknown       atomic.Int64 // so many POSTs take effect, and are answered with outcome_unknown
}

// inFrontOf starts a proxy, below a base path as a front end may have it.
func inFrontOf(t *testing.T, s *server) *proxy {
	t.Helper()
	to, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	const base = "/tickets"
	pass := http.StripPrefix(base, httputil.NewSingleHostReverseProxy(to))
	p := new(proxy)
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

// TestSocketRefused: without WebSockets the page asks, and misses nothing.
func TestSocketRefused(t *testing.T) {
	b, s := needBrowser(t), serve(t, "-lock-ttl", "3s")
	p := inFrontOf(t, s)
	p.refusesSocket.Store(true)
	w := b.user(1280, 900)
	w.visit(p.url)
	w.says("Live, every second")
	s.must("lock", "ben", "A1", "A2")
	w.shows("row A, seat 1", "locked for ")
	s.must("confirm", "ben", "A2")
	w.shows("row A, seat 2", "booked")
	w.shows("row A, seat 1", "available") // ran out
	w.click("row A, seat 1")
	w.press("Lock this seat")
	w.says("is yours for 3 seconds")
}
