package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/net/http2"
)

// from returns a dialer whose connections come from the given address of this machine.
func from(addr string) *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addr)}}
}

// A peer is a connection to the runner.
type peer struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

// connect opens a connection from the address and sends nothing.
func connect(t *testing.T, addr, url string) *peer {
	t.Helper()
	c, err := from(addr).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return &peer{c, t, bufio.NewReader(c)}
}

// ask sends a request and returns the answer, or an error if the connection is closed
// instead.
func (p *peer) ask(request string) (*http.Response, string, error) {
	_, _ = io.WriteString(p, request) // an error is seen when the answer is read
	resp, err := http.ReadResponse(p.r, nil)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

// want sends a request, whose answer must have the status and the text.
func (p *peer) want(request string, status int, text string) *http.Response {
	p.t.Helper()
	resp, body, err := p.ask(request)
	if err != nil {
		p.t.Fatal(err)
	}
	if resp.StatusCode != status || !strings.Contains(body, text) {
		p.t.Errorf("the answer is %s %.300s, want %d and %s", resp.Status, body, status, text)
	}
	return resp
}

// TestOneAddressKeepsNobodyOut checks that an address with idle connections gets no
// more than its share, that others are served meanwhile, and that a place that is given
// back can be used again.
func TestOneAddressKeepsNobodyOut(t *testing.T) {
	url, out, _ := serving(t, "-max-connections", "400")
	const share = 20 // 5 %
	var open []*peer
	for n := range 200 {
		c := connect(t, "127.0.0.2", url)
		if _, _, err := c.ask(getRequest("/healthz")); err == nil {
			open = append(open, c)
		} else if n < share {
			t.Fatalf("connection %d is closed: %v", n, err)
		}
	}
	if len(open) != share {
		t.Errorf("the address has %d connections, want %d", len(open), share)
	}
	other := connect(t, "127.0.0.3", url)
	other.want(getRequest("/seats"), 200, `"available":100`)
	other.want(lockRequest(good), 200, `"A1"`)
	open[0].want(getRequest("/seats"), 200, `"locked":1`)

	open[0].Close()
	for end := time.Now().Add(30 * time.Second); ; {
		if _, _, err := connect(t, "127.0.0.2", url).ask(getRequest("/healthz")); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the address gets no connection after it has closed one")
		}
	}
	if lines := strings.Count(out.String(), "as many as it may have"); lines < 1 || lines > 20+10*40 {
		t.Errorf("%d lines about closed connections", lines)
	}
}

// TestProxiesHaveNoShare checks that the connections of a proxy, which are those of
// many clients, are limited only by -max-connections.
func TestProxiesHaveNoShare(t *testing.T) {
	url, _, _ := serving(t, "-max-connections", "400", "-trust-proxy", "127.0.0.2")
	for range 60 {
		connect(t, "127.0.0.2", url).want(getRequest("/healthz"), 200, "alive")
	}
}

// TestHealthOnTheReserve checks that a server without free connections still answers
// load balancers, refuses others at once, and serves them when a place is free.
func TestHealthOnTheReserve(t *testing.T) {
	url, _, _ := serving(t, "-max-connections", "2", "-address-share", "100")
	var taken []*peer
	for range 2 {
		c := connect(t, "127.0.0.1", url)
		c.want(getRequest("/healthz"), 200, "alive")
		taken = append(taken, c)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if resp := connect(t, "127.0.0.1", url).want(getRequest(path), 200, "status"); !resp.Close {
			t.Errorf("the connection of %s stays open, which others wait for", path)
		}
	}
	for _, request := range []string{getRequest("/seats"), getRequest("/"), lockRequest(good), getRequest("/seats/live", handshake)} {
		if resp := connect(t, "127.0.0.1", url).want(request, 503, `"code":"overloaded"`); !resp.Close || resp.Header.Get("Retry-After") != "1" {
			t.Errorf("the header is %v, want the connection closed and Retry-After: 1", resp.Header)
		}
	}
	taken[0].want(getRequest("/seats"), 200, `"available":100`)

	// A connection that was spare at first gets the place that is free now.
	late := connect(t, "127.0.0.1", url)
	taken[1].Close()
	for end := time.Now().Add(4 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if resp, _, err := late.ask(getRequest("/seats")); err == nil && resp.StatusCode == 200 {
			late.want(getRequest("/seats"), 200, "")
			return
		}
		late = connect(t, "127.0.0.1", url)
	}
	t.Error("no place is free after a connection was closed")
}

// TestViewersOfOneAddress checks that an address has no more than its share of the
// viewers, and that another one is not affected.
func TestViewersOfOneAddress(t *testing.T) {
	url, _, _ := serving(t, "-max-viewers", "400")
	dial := func(addr string) (*websocket.Conn, *http.Response, error) {
		client := &http.Client{Transport: &http.Transport{DialContext: from(addr).DialContext}}
		return websocket.Dial(t.Context(), url+"/seats/live", &websocket.DialOptions{HTTPClient: client})
	}
	for n := range 20 {
		c, _, err := dial("127.0.0.2")
		if err != nil {
			t.Fatalf("viewer %d: %v", n, err)
		}
		t.Cleanup(func() { c.CloseNow() })
	}
	if _, resp, err := dial("127.0.0.2"); err == nil || resp == nil || resp.StatusCode != 503 {
		t.Errorf("a viewer beyond the share: %v %v, want 503", resp, err)
	}
	c, _, err := dial("127.0.0.3")
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	waitSeat(t, c, "A1", "available")
}

// TestStreams checks that the concurrent requests of an HTTP/2 connection are limited.
func TestStreams(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pool := certify(t, certFile, keyFile, 1)
	url, _, _ := serving(t, "-tls-cert", certFile, "-tls-key", keyFile)
	c, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), &tls.Config{RootCAs: pool, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, http2.ClientPreface)
	framer := http2.NewFramer(c, c)
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := frame.(*http2.SettingsFrame); ok && !s.IsAck() {
			if n, ok := s.Value(http2.SettingMaxConcurrentStreams); !ok || n != streams {
				t.Errorf("a connection may have %d streams, want %d", n, streams)
			}
			return
		}
	}
}

// TestHandshakeLines checks that connections that do not speak TLS do not fill the log.
func TestHandshakeLines(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certify(t, certFile, keyFile, 1)
	url, out, _ := serving(t, "-tls-cert", certFile, "-tls-key", keyFile)
	began := time.Now()
	for range 300 {
		c := send(t, strings.Replace(url, "https", "http", 1), "rubbish that is no handshake\r\n\r\n")
		_, _ = io.ReadAll(c) // until the server has closed it
		c.Close()
	}
	most := 20 + 10*int(time.Since(began).Seconds()+1)
	if lines := strings.Count(out.String(), "TLS handshake error"); lines < 1 || lines > most {
		t.Errorf("300 bad handshakes make %d lines, want at most %d", lines, most)
	}
}
