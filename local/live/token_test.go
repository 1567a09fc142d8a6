package live_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"

	"seatlock/functions/access"
	"seatlock/lockstore/memstore"
)

// TestViewerEndsWithItsToken checks that a viewer is disconnected when its token
// ends, after it has been sent the list.
func TestViewerEndsWithItsToken(t *testing.T) {
	h, handler := build(t, new(memstore.Store), 10)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := access.Token{Subject: "ann", Until: time.Now().Add(time.Second)}
		handler.ServeHTTP(w, r.WithContext(access.WithToken(r.Context(), token)))
	}))
	defer srv.Close()
	defer h.hub.Wait()
	defer h.end()
	h.url, h.client = srv.URL, srv.Client()
	v := h.mustDial("")
	if _, err := v.read(); err != nil {
		t.Fatal(err)
	}
	if _, err := v.read(); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		t.Errorf("the viewer ends with %v, want the status %d", err, websocket.StatusPolicyViolation)
	}
}
