package live_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"seatlock/functions/booking"
	"seatlock/lockstore/memstore"
)

// counted counts what is read from a connection.
type counted struct {
	net.Conn
	read *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// TestLargeMessagesAreCompressed checks that viewers that take compressed messages
// get large lists and messages compressed, and what the others get.
func TestLargeMessagesAreCompressed(t *testing.T) {
	h := open(t, new(memstore.Store))
	read := new(atomic.Int64)
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		return counted{c, read}, err
	}}}
	defer client.CloseIdleConnections()
	c, _, err := websocket.Dial(t.Context(), h.url+booking.LivePath, &websocket.DialOptions{HTTPClient: client, CompressionMode: websocket.CompressionContextTakeover})
	if err != nil {
		t.Fatal(err)
	}
	c.SetReadLimit(-1)
	compressed := &viewer{Conn: c, t: t, status: make(map[string]string)}
	defer compressed.CloseNow()
	plain := h.mustDial("")
	// next reads a message of each, and returns its length and what was sent for it.
	next := func() (l list, length, sent int64) {
		t.Helper()
		before := read.Load()
		want := plain.next()
		l = compressed.next()
		body, err := json.Marshal(l)
		if err != nil || l.seats() != want.seats() || l.Full != want.Full {
			t.Fatalf("%v: one viewer gets %+v, the other %+v", err, l, want)
		}
		return l, int64(len(body)), read.Load() - before
	}
	if l, length, sent := next(); !l.Full || len(l.Seats) != 100 || sent*3 > length {
		t.Errorf("the first list has %d seats; %d bytes were sent as %d", len(l.Seats), length, sent)
	}
	h.lock("ann", h.ev.Seats[:50]...)
	if l, length, sent := next(); l.Full || len(l.Seats) != 50 || sent*3 > length {
		t.Errorf("the message has %d seats; %d bytes were sent as %d", len(l.Seats), length, sent)
	}
	h.lock("ann", "J10")
	if l, _, _ := next(); !strings.HasSuffix(l.seats(), "J10 locked") || len(l.Seats) != 1 {
		t.Errorf("a small message after it has the seats %s", l.seats())
	}
}
