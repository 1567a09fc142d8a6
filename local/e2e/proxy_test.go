package e2e

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"testing"
)

// refuseSockets serves on l what is at target, but for WebSockets.
func refuseSockets(t *testing.T, l net.Listener, target string) string {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			http.Error(w, "no WebSockets here", http.StatusForbidden)
			return
		}
		proxy.ServeHTTP(w, r)
	})}
	go srv.Serve(l) // until it is closed
	t.Cleanup(func() { srv.Close() })
	return "http://" + l.Addr().String()
}
