package live_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/local/live"
	"seatlock/lockstore/memstore"
)

// TestFirstAListThenWhatChanges checks that each message is what GET /seats would
// answer.
func TestFirstAListThenWhatChanges(t *testing.T) {
	h := open(t, new(memstore.Store))
	h.lock("ann", "A1", "A2")
	_, body, err := h.mustDial("").Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v := h.mustDial("")
	l := v.next()
	_, want := h.get("")
	masked := func(s string) string {
		before, rest, _ := strings.Cut(s, `"serverTime":"`)
		_, after, _ := strings.Cut(rest, `"`)
		return before + after
	}
	if masked(string(body)) != masked(want) || !l.Full || len(l.Seats) != 100 {
		t.Errorf("the first message is %s\nGET /seats answers   %s", body, want)
	}

	h.confirm("ann", "A2")
	if l := v.next(); l.Full || l.seats() != "A2 booked" || l.Counts.Booked != 1 || l.Counts.Locked != 1 {
		t.Errorf("after a confirm: %+v", l)
	}
	h.release("ann", "A1")
	last := v.next()
	if last.Full || last.seats() != "A1 available" || last.Counts.Available != 99 {
		t.Errorf("after a release: %+v", last)
	}
	if l, _ := h.get(""); l.Version != last.Version {
		t.Errorf("the message is of version %s, and the list of %s", last.Version, l.Version)
	}
}

// TestSince checks that a viewer that connects with a version gets the changes since then.
func TestSince(t *testing.T) {
	h := open(t, new(memstore.Store))
	h.lock("ann", "A1", "A2", "A3")
	v := h.mustDial("?eventId=default")
	v.next()
	v.Close(websocket.StatusNormalClosure, "")
	h.release("ann", "A3")
	h.confirm("ann", "A1")

	v = h.resume(v)
	if l := v.next(); l.Full || l.seats() != "A1 booked, A3 available" {
		t.Errorf("the first message has full %v, seats %s", l.Full, l.seats())
	}
	h.lock("ann", "B1")
	if l := v.next(); l.Full || !strings.HasSuffix(l.seats(), "B1 locked") {
		t.Errorf("the next message has full %v, seats %s", l.Full, l.seats())
	}
	if l := h.resume(v).next(); l.Full || len(l.Seats) != 0 || l.Version != v.version {
		t.Errorf("a viewer that missed nothing gets %+v", l)
	}
	if l := h.mustDial("?since=unknown-1").next(); !l.Full || len(l.Seats) != 100 {
		t.Errorf("a viewer with an unknown version gets full %v, %d seats", l.Full, len(l.Seats))
	}
}

// TestRefused checks that requests are refused as GET /seats refuses them, before
// the connection becomes a WebSocket.
func TestRefused(t *testing.T) {
	h := open(t, new(memstore.Store), func(c *live.Config) { c.Origins = []string{"https://shop.example"} })
	handshake := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "c2VhdGxvY2sgc2VhdHMhIQ=="}
	with := func(more ...string) []string { return append(append([]string{}, handshake...), more...) }
	for name, c := range map[string]struct {
		method, query string
		header        []string
		status        int
		code          string
	}{
		"no WebSocket":            {"GET", "", nil, 426, "upgrade_required"},
		"a HEAD":                  {"HEAD", "", handshake, 426, ""},
		"a POST":                  {"POST", "", handshake, 405, "method_not_allowed"},
		"another protocol":        {"GET", "", with("Upgrade", "h2c"), 426, "upgrade_required"},
		"an old version":          {"GET", "", with("Sec-WebSocket-Version", "8"), 426, "upgrade_required"},
		"a bad key":               {"GET", "", with("Sec-WebSocket-Key", "short"), 426, "upgrade_required"},
		"no connection":           {"GET", "", with("Connection", "close"), 426, "upgrade_required"},
		"an unknown event":        {"GET", "?eventId=hamlet", handshake, 404, "unknown_event"},
		"an event that cannot be": {"GET", "?eventId=%00", handshake, 400, "bad_request"},
		"a bad version":           {"GET", "?since=1%0a2", handshake, 400, "bad_request"},
		"an unknown parameter":    {"GET", "?token=x", handshake, 400, "bad_request"},
		"a status":                {"GET", "?status=booked", handshake, 400, "bad_request"},
		"a parameter twice":       {"GET", "?since=a&since=b", handshake, 400, "bad_request"},
		"a page elsewhere":        {"GET", "", with("Origin", "https://evil.example"), 403, "forbidden"},
		"a page of no origin":     {"GET", "", with("Origin", "null"), 403, "forbidden"},
		"the shop, not secure":    {"GET", "", with("Origin", "http://shop.example"), 403, "forbidden"},
		"a port of the shop":      {"GET", "", with("Origin", "https://shop.example:8443"), 403, "forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), c.method, h.url+booking.LivePath+c.query, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(c.header); i += 2 {
				r.Header.Set(c.header[i], c.header[i+1])
			}
			resp, err := h.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != c.status || resp.Header.Get("Content-Type") != "application/problem+json" || c.code != "" && !strings.Contains(string(body), `"code":"`+c.code+`"`) {
				t.Errorf("%s %v %s, want %d %s", resp.Status, resp.Header, body, c.status, c.code)
			}
			if c.status == 426 && resp.Header.Get("Upgrade") != "websocket" || c.status == 426 && c.header == nil && !strings.Contains(string(body), "GET /seats") {
				t.Errorf("the answer does not say what to do: %v %s", resp.Header, body)
			}
		})
	}
}

// TestOrigins checks that pages of this host and of the named origins may connect,
// and so may clients that are not pages.
func TestOrigins(t *testing.T) {
	h := open(t, new(memstore.Store), func(c *live.Config) { c.Origins = []string{"https://shop.example"} })
	for _, header := range [][]string{nil, {"Origin", h.url}, {"Origin", "https://shop.example"}} {
		v, _, err := h.dial("", header...)
		if err != nil {
			t.Errorf("%v: %v", header, err)
			continue
		}
		v.next()
		v.CloseNow()
	}
	all := open(t, new(memstore.Store), func(c *live.Config) { c.Origins = []string{"*"} })
	v, _, err := all.dial("", "Origin", "https://anywhere.example")
	if err != nil {
		t.Fatal(err)
	}
	v.CloseNow()
}

// TestNoRoom checks that the number of viewers is limited, and that a viewer who leaves
// makes room.
func TestNoRoom(t *testing.T) {
	h := open(t, new(memstore.Store), func(c *live.Config) { c.Places = access.NewPlaces(2, 2) })
	first, second := h.mustDial(""), h.mustDial("")
	first.next()
	second.next()
	_, resp, err := h.dial("")
	if err == nil || resp == nil {
		t.Fatalf("a third viewer is accepted: %v", err)
	}
	body, _ := io.ReadAll(resp.Body) // the part that the client keeps
	if resp.StatusCode != 503 || !strings.Contains(string(body), `"code":"no_room"`) || resp.Header.Get("Retry-After") != "30" {
		t.Errorf("%s %v %s", resp.Status, resp.Header, body)
	}
	first.CloseNow()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if v, _, err := h.dial(""); err == nil {
			v.next()
			v.CloseNow()
			return
		}
		if time.Now().After(end) {
			t.Fatal("no viewer is accepted after another has left")
		}
	}
}

// TestViewersMustNotSend checks that a viewer that sends a message is disconnected.
func TestViewersMustNotSend(t *testing.T) {
	h := open(t, new(memstore.Store))
	for name, c := range map[string]struct {
		size int
		want []websocket.StatusCode
	}{
		"a word":  {5, []websocket.StatusCode{websocket.StatusPolicyViolation}},
		"nothing": {0, []websocket.StatusCode{websocket.StatusPolicyViolation}},
		"a book":  {1 << 20, []websocket.StatusCode{websocket.StatusPolicyViolation, websocket.StatusMessageTooBig, -1}}, // it may be cut off in the middle
	} {
		v, other := h.mustDial(""), h.mustDial("")
		v.next()
		other.next()
		v.Write(t.Context(), websocket.MessageText, []byte(strings.Repeat("x", c.size))) // it may be cut off in the middle
		got := v.closed()
		ok := false
		for _, want := range c.want {
			ok = ok || got == want
		}
		if !ok {
			t.Errorf("%s: closed with %v", name, got)
		}
		h.lock("ann", "A1")
		other.next() // it does not affect other viewers
		h.release("ann", "A1")
		other.CloseNow()
	}
}
