package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"seatlock/lockstore/redisstore/redistest"
)

// dialLive opens a WebSocket to the runner at the url.
func dialLive(t *testing.T, url string, client *http.Client) *websocket.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, _, err := websocket.Dial(ctx, url+"/seats/live", &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	return c
}

// waitSeat reads messages until one has the seat with the status.
func waitSeat(t *testing.T, c *websocket.Conn, seat, status string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		_, body, err := c.Read(ctx)
		if err != nil {
			t.Fatalf("waiting for %s to be %s: %v", seat, status, err)
		}
		if strings.Contains(string(body), `{"seatId":"`+seat+`","status":"`+status+`"`) {
			return
		}
	}
}

// TestAnotherRunnersSeatsAreShown checks that viewers of one runner see the
// changes made through another, on Redis.
func TestAnotherRunnersSeatsAreShown(t *testing.T) {
	server := redistest.New(t)
	here, _, _ := serving(t, "-redis", "redis://"+server.Addr)
	there, _, _ := serving(t, "-redis", "redis://"+server.Addr)
	near, far := dialLive(t, here, nil), dialLive(t, there, nil)
	waitSeat(t, near, "A1", "available")
	waitSeat(t, far, "A1", "available")
	for _, step := range [][2]string{{"/lock", "locked"}, {"/release", "available"}, {"/lock", "locked"}, {"/confirm", "booked"}} {
		if code, _, body := call(t, here+step[0], "A1", "ann"); code != 200 {
			t.Fatalf("%s: %d %s", step[0], code, body)
		}
		waitSeat(t, near, "A1", step[1])
		waitSeat(t, far, "A1", step[1])
	}
}

// TestLiveOverTLS checks WebSockets over HTTP/1.1 on a server that also speaks
// HTTP/2.
func TestLiveOverTLS(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pool := certify(t, certFile, keyFile, 1)
	url, _, _ := serving(t, "-tls-cert", certFile, "-tls-key", keyFile)
	plain := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	t.Cleanup(plain.CloseIdleConnections)
	waitSeat(t, dialLive(t, url, plain), "J10", "available")

	second := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	t.Cleanup(second.CloseIdleConnections)
	resp, err := second.Get(url + "/seats/live")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.ProtoMajor != 2 || resp.StatusCode != 426 {
		t.Errorf("the answer over %s is %s %s, %v, want 426 over HTTP/2", resp.Proto, resp.Status, body, err)
	}
}

// TestStopsWithViewers checks that viewers are disconnected with a close frame within
// -drain, and that a viewer that does not read delays nothing.
func TestStopsWithViewers(t *testing.T) {
	t.Parallel()
	url, out, stop := serving(t, "-drain", "5s")
	var viewers sync.WaitGroup
	for range 50 {
		c := dialLive(t, url, nil)
		viewers.Go(func() {
			for {
				if _, _, err := c.Read(t.Context()); err != nil {
					if code := websocket.CloseStatus(err); code != websocket.StatusGoingAway {
						t.Errorf("a viewer was closed with %v, want going away", err)
					}
					return
				}
			}
		})
	}
	silent := dialLive(t, url, nil)
	if err := stop(); err != nil {
		t.Errorf("the runner ended with %v", err)
	}
	viewers.Wait()
	silent.CloseNow()
	if !strings.Contains(out.String(), "stopped") {
		t.Errorf("the log: %s", out)
	}
}

// TestMaxViewers checks that a viewer over the limit is refused, and that 0
// allows none.
func TestMaxViewers(t *testing.T) {
	for _, c := range []struct {
		args []string
		room int
	}{{[]string{"-max-viewers", "0"}, 0}, {[]string{"-max-viewers", "2"}, 2}, {[]string{"-max-connections", "6"}, 3}} {
		url, _, _ := serving(t, c.args...)
		for range c.room {
			waitSeat(t, dialLive(t, url, nil), "A1", "available")
		}
		_, resp, err := websocket.Dial(t.Context(), url+"/seats/live", nil)
		if err == nil {
			t.Fatalf("%v: a viewer over the limit is accepted", c.args)
		}
		var problem struct{ Code string }
		if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil || resp.StatusCode != 503 || problem.Code != "no_room" || resp.Header.Get("Retry-After") == "" {
			t.Errorf("%v: %s %s %v %v", c.args, resp.Status, problem.Code, resp.Header, err)
		}
	}
}

// TestLiveIsPrivate checks that with -private a WebSocket needs a token, as any list
// does.
func TestLiveIsPrivate(t *testing.T) {
	key := strings.Repeat("k", 32)
	url, _, _ := servingWith(t, variables{"AUTH_BACKEND_KEY": key}, "-private")
	_, resp, err := websocket.Dial(t.Context(), url+"/seats/live", nil)
	if err == nil || resp.StatusCode != 401 {
		t.Fatalf("without a token: %v, want 401", err)
	}
	c, _, err := websocket.Dial(t.Context(), url+"/seats/live", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + key}}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	waitSeat(t, c, "A1", "available")
}
