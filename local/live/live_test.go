package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"seatlock/functions/booking"
	"seatlock/functions/venue"
	"seatlock/local/live"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// patience is the longest wait for something that must happen. It is no limit on
// how long that should take: the machine may be busy.
const patience = 30 * time.Second

// A server is a hub and the API, as the runner serves them.
type server struct {
	t     *testing.T
	store lockstore.LockStore
	ev    *lockstore.Event
	hub   *live.Hub

	url    string
	client *http.Client
	end    context.CancelFunc
}

// build makes a hub and an API with one event of rows of ten seats, A1 to A10 and
// so on.
func build(t *testing.T, store lockstore.LockStore, rows int, change ...func(*live.Config)) (*server, http.Handler) {
	t.Helper()
	hall, err := venue.Grid(rows, 10, venue.Defaults{LockTTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	api, err := booking.New(booking.Config{Store: store, Events: []venue.Event{hall}, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	config := live.Config{API: api, MaxViewers: 5000, Grace: 10 * time.Second, Log: log}
	for _, c := range change {
		c(&config)
	}
	ctx, cancel := context.WithCancel(t.Context())
	h := &server{t: t, store: store, ev: hall.Event, hub: live.New(ctx, config), end: cancel}
	return h, h.hub.Handler(api.Routes())
}

// open builds a hub and an API, and serves them on the loopback interface.
func open(t *testing.T, store lockstore.LockStore, change ...func(*live.Config)) *server {
	t.Helper()
	h, handler := build(t, store, 10, change...)
	srv := httptest.NewServer(handler)
	h.url, h.client = srv.URL, srv.Client()
	t.Cleanup(func() {
		h.end()
		h.hub.Wait()
		srv.Close()
	})
	return h
}

func (h *server) lock(user lockstore.UserID, seats ...lockstore.SeatID) {
	h.t.Helper()
	h.do(lockstore.Lock(user, seats...))
}

func (h *server) confirm(user lockstore.UserID, seats ...lockstore.SeatID) {
	h.t.Helper()
	h.do(lockstore.Confirm(user, seats...))
}

func (h *server) release(user lockstore.UserID, seats ...lockstore.SeatID) {
	h.t.Helper()
	h.do(lockstore.Release(user, seats...))
}

// do carries out an operation that must succeed.
func (h *server) do(op lockstore.Op) {
	h.t.Helper()
	if _, err := h.store.Do(h.t.Context(), h.ev, op); err != nil {
		h.t.Fatal(err)
	}
}

// A list is a message, or an answer of GET /seats.
type list struct {
	EventID    string
	Version    string
	Full       bool
	ServerTime string
	Counts     struct{ Available, Locked, Booked int }
	Seats      []struct{ SeatID, Status, ExpiresAt string }
}

// seats returns the seats of the list in one line.
func (l list) seats() string {
	var s []string
	for _, seat := range l.Seats {
		s = append(s, seat.SeatID+" "+seat.Status)
	}
	return strings.Join(s, ", ")
}

// A viewer is a WebSocket and the fold of the lists that it has received.
type viewer struct {
	*websocket.Conn
	t        *testing.T
	status   map[string]string
	version  string
	messages chan []byte // set by readAll
}

// readAll makes the viewer read every message at once, as a browser does. Other
// viewers read when the test does, and do not answer pings before.
func (v *viewer) readAll() *viewer {
	v.messages = make(chan []byte, 1000)
	go func() {
		defer close(v.messages)
		for {
			_, body, err := v.Read(context.Background())
			if err != nil {
				return
			}
			v.messages <- body
		}
	}()
	return v
}

// dial opens a WebSocket.
func (h *server) dial(query string, header ...string) (*viewer, *http.Response, error) {
	ctx, cancel := context.WithTimeout(h.t.Context(), 2*patience)
	defer cancel()
	o := &websocket.DialOptions{HTTPClient: h.client, HTTPHeader: make(http.Header)}
	for i := 0; i < len(header); i += 2 {
		o.HTTPHeader.Set(header[i], header[i+1])
	}
	c, resp, err := websocket.Dial(ctx, h.url+booking.LivePath+query, o)
	if err != nil {
		return nil, resp, err
	}
	c.SetReadLimit(-1)
	return &viewer{Conn: c, t: h.t, status: make(map[string]string)}, resp, nil
}

// mustDial is a dial that must succeed.
func (h *server) mustDial(query string) *viewer {
	h.t.Helper()
	v, _, err := h.dial(query)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { v.CloseNow() })
	return v
}

// resume dials with the version and the seats of another viewer.
func (h *server) resume(known *viewer) *viewer {
	h.t.Helper()
	v := h.mustDial("?since=" + known.version)
	v.status, v.version = maps.Clone(known.status), known.version
	return v
}

// read reads the next message and folds it. The result must have the counts of the
// message. (Locks last for an hour, so none expires meanwhile.)
func (v *viewer) read() (list, error) {
	ctx, cancel := context.WithTimeout(v.t.Context(), 10*patience)
	defer cancel()
	var body []byte
	if v.messages != nil {
		body = <-v.messages
		if body == nil {
			return list{}, errors.New("the connection is closed")
		}
	} else {
		var err error
		if _, body, err = v.Read(ctx); err != nil {
			return list{}, err
		}
	}
	var l list
	if err := json.Unmarshal(body, &l); err != nil {
		return list{}, fmt.Errorf("%w: %s", err, body)
	}
	if l.Full {
		clear(v.status)
	}
	for _, s := range l.Seats {
		if v.status[s.SeatID] == "booked" && s.Status != "booked" && !l.Full {
			return list{}, fmt.Errorf("seat %s was booked, and is now %s", s.SeatID, s.Status)
		}
		v.status[s.SeatID] = s.Status
	}
	v.version = l.Version
	count := make(map[string]int)
	for _, status := range v.status {
		count[status]++
	}
	if c := l.Counts; count["available"] != c.Available || count["locked"] != c.Locked || count["booked"] != c.Booked {
		return list{}, fmt.Errorf("the folded lists have %v, and the message counts %+v", count, c)
	}
	return l, nil
}

// next is a read that must succeed.
func (v *viewer) next() list {
	v.t.Helper()
	l, err := v.read()
	if err != nil {
		v.t.Fatal(err)
	}
	return l
}

// closed reads until the connection is closed, and returns the status.
func (v *viewer) closed() websocket.StatusCode {
	for {
		if _, err := v.read(); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

// get returns the answer of GET /seats.
func (h *server) get(query string) (list, string) {
	h.t.Helper()
	resp, err := h.client.Get(h.url + "/seats" + query)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	var l list
	if err := errors.Join(err, json.Unmarshal(body, &l)); err != nil {
		h.t.Fatalf("%v: %s", err, body)
	}
	return l, string(body)
}

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

// TestSince checks that a viewer that connects with a version gets what changed
// since.
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

// TestNoRoom checks that the number of viewers is limited, and that one that leaves
// makes room.
func TestNoRoom(t *testing.T) {
	h := open(t, new(memstore.Store), func(c *live.Config) { c.MaxViewers = 2 })
	first, second := h.mustDial(""), h.mustDial("")
	first.next()
	second.next()
	_, resp, err := h.dial("")
	if err == nil || resp == nil {
		t.Fatalf("a third viewer is accepted: %v", err)
	}
	body, _ := io.ReadAll(resp.Body) // as much as the client keeps of it
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
