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

// A proxy is a reverse proxy in front of the server that can inject faults.
type proxy struct {
	url string

	refuseSockets   atomic.Bool
	stallSockets    atomic.Bool  // WebSockets stay open, but get no more messages
	loseAnswers     atomic.Bool  // POSTs take effect, but are not answered
	unknownOutcomes atomic.Int64 // how many POSTs take effect, but are answered with outcome_unknown
	order           atomic.Value // a string that GET /order is answered with
	slowList        atomic.Bool  // lists take 3 seconds, in which 12 pieces arrive

	lists atomic.Int64 // how many full lists were requested
}

// newProxy starts a proxy in front of the server, with a base path.
func newProxy(t *testing.T, s *server) *proxy {
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
		if r.URL.Path == base+"/seats" {
			if !r.URL.Query().Has("since") {
				p.lists.Add(1)
			}
			if p.slowList.Load() {
				w = &trickle{w, 12, time.Second / 2}
			}
		}
		if r.Header.Get("Upgrade") != "" && !r.URL.Query().Has("since") {
			p.lists.Add(1)
		}
		switch {
		case !strings.HasPrefix(r.URL.Path, base):
			http.Error(w, "outside of the base path", http.StatusNotFound)
		case r.URL.Path == base+"/order" && p.order.Load() != nil:
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, p.order.Load().(string))
		case p.refuseSockets.Load() && r.Header.Get("Upgrade") != "":
			http.Error(w, "no WebSockets here", http.StatusForbidden)
		case r.Method == "POST" && p.loseAnswers.Load():
			pass.ServeHTTP(httptest.NewRecorder(), r)
			<-r.Context().Done()
		case r.Method == "POST" && p.unknownOutcomes.Add(-1) >= 0:
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

// openThroughProxy is [openPage] with a proxy in front of the server.
func openThroughProxy(t *testing.T) (*window, *server, *proxy) {
	t.Helper()
	b, s := needBrowser(t), serve(t)
	p := newProxy(t, s)
	w := b.newUser(1280, 900)
	w.visit(p.url)
	return w, s, p
}

// dial connects to the server.
func (p *proxy) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	return &stallable{Conn: c, proxy: p}, err
}

// A stallable is a connection that can stall once it is a WebSocket.
type stallable struct {
	net.Conn
	proxy  *proxy
	socket bool
}

func (s *stallable) Read(b []byte) (int, error) {
	for {
		n, err := s.Conn.Read(b)
		s.socket = s.socket || bytes.HasPrefix(b[:n], []byte("HTTP/1.1 101 "))
		if err != nil || !s.socket || !s.proxy.stallSockets.Load() {
			return n, err
		}
	}
}

// TestSocketStalls checks that the page notices a WebSocket that gets no messages for 25
// seconds, and works without it.
func TestSocketStalls(t *testing.T) {
	t.Parallel()
	w, s, p := openThroughProxy(t)
	w.hurry()
	w.visit(p.url)
	w.waitLight("live")
	p.stallSockets.Store(true)
	s.must("lock", "ben", "A1")
	w.waitSeat("row A, seat 1", "on hold for ")
	w.waitLight("asking") // new sockets get no messages either
	p.stallSockets.Store(false)
	s.must("confirm", "ben", "A1")
	w.waitSeat("row A, seat 1", "booked")
}

// TestSocketRefused checks that without WebSockets the page polls the server, and misses
// nothing.
func TestSocketRefused(t *testing.T) {
	t.Parallel()
	b, s := needBrowser(t), serve(t, "-lock-ttl", "3s")
	p := newProxy(t, s)
	p.refuseSockets.Store(true)
	w := b.newUser(1280, 900)
	w.visit(p.url)
	w.waitText("Live, every second")
	w.waitLight("asking")
	s.must("lock", "ben", "A1", "A2")
	w.waitSeat("row A, seat 1", "on hold for ")
	s.must("confirm", "ben", "A2")
	w.waitSeat("row A, seat 2", "booked")
	w.waitSeat("row A, seat 1", "available") // its lock expired
	w.click("row A, seat 1")
	w.press("Hold this seat")
	w.waitText("is held for you for 3 seconds")
}
