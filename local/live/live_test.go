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
	"seatlock/local/live"
	"seatlock/lockstore"
)

// patience bounds every wait for what must come by itself. It says nothing of
// how fast that should be: the machine may be busy.
const patience = 30 * time.Second

// A house is a hub and the API, as the runner serves them.
type house struct {
	t     *testing.T
	store lockstore.LockStore
	ev    *lockstore.Event
	hub   *live.Hub
	api   *booking.API

	url    string
	client *http.Client
	end    context.CancelFunc
}

// build makes a hub of an event with so many rows of ten seats, A1 to A10 and so on.
func build(t *testing.T, store lockstore.LockStore, rows int, change ...func(*live.Config)) (*house, http.Handler) {
	t.Helper()
	seatMap, err := booking.Grid(rows, 10, booking.Defaults{LockTTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	api, err := booking.New(booking.Config{Store: store, SeatMaps: []booking.SeatMap{seatMap}, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	config := live.Config{API: api, Store: store, Viewers: 5000, Grace: 10 * time.Second, Log: log}
	for _, c := range change {
		c(&config)
	}
	ctx, cancel := context.WithCancel(t.Context())
	h := &house{t: t, store: store, ev: seatMap.Event, hub: live.New(ctx, config), api: api, end: cancel}
	return h, h.hub.Handler(api.Routes())
}

// open serves a house on the loopback.
func open(t *testing.T, store lockstore.LockStore, change ...func(*live.Config)) *house {
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

func (h *house) lock(user lockstore.UserID, seats ...lockstore.SeatID) {
	h.t.Helper()
	if _, err := h.store.Lock(h.t.Context(), h.ev, seats, user); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) confirm(user lockstore.UserID, seats ...lockstore.SeatID) {
	h.t.Helper()
	if err := h.store.Confirm(h.t.Context(), h.ev, seats, user); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) release(user lockstore.UserID, seats ...lockstore.SeatID) {
	h.t.Helper()
	if err := h.store.Release(h.t.Context(), h.ev, seats, user); err != nil {
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

// seats is what the list says of them, in a line.
func (l list) seats() string {
	var s []string
	for _, seat := range l.Seats {
		s = append(s, seat.SeatID+" "+seat.Status)
	}
	return strings.Join(s, ", ")
}

// A viewer is a WebSocket, and what it has seen, folded together.
type viewer struct {
	*websocket.Conn
	t       *testing.T
	status  map[string]string
	version string
	heard   chan []byte // messages of an attentive viewer
}

// attentive has the viewer read at once whatever comes, as a browser does. Else
// it reads when it is asked to, and answers no ping before.
func (v *viewer) attentive() *viewer {
	v.heard = make(chan []byte, 1000)
	go func() {
		defer close(v.heard)
		for {
			_, body, err := v.Read(context.Background())
			if err != nil {
				return
			}
			v.heard <- body
		}
	}()
	return v
}

// dial opens a WebSocket.
func (h *house) dial(query string, header ...string) (*viewer, *http.Response, error) {
	ctx, cancel := context.WithTimeout(h.t.Context(), 2*patience)
	defer cancel()
	o := &websocket.DialOptions{HTTPClient: h.client, HTTPHeader: make(http.Header)}
	for i := 0; i < len(header); i += 2 {
		o.HTTPHeader.Set(header[i], header[i+1])
	}
	c, resp, err := websocket.Dial(ctx, h.url+live.Path+query, o)
	if err != nil {
		return nil, resp, err
	}
	c.SetReadLimit(-1)
	return &viewer{Conn: c, t: h.t, status: make(map[string]string)}, resp, nil
}

// watch is a dial that has to succeed.
func (h *house) watch(query string) *viewer {
	h.t.Helper()
	v, _, err := h.dial(query)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { v.CloseNow() })
	return v
}

// resume watches with what another viewer knows.
func (h *house) resume(known *viewer) *viewer {
	h.t.Helper()
	v := h.watch("?since=" + known.version)
	v.status, v.version = maps.Clone(known.status), known.version
	return v
}

// read takes the next message, and folds it: what comes out has to be what the
// message counts. (Locks last for an hour: none runs out meanwhile.)
func (v *viewer) read() (list, error) {
	ctx, cancel := context.WithTimeout(v.t.Context(), 10*patience)
	defer cancel()
	var body []byte
	if v.heard != nil {
		body = <-v.heard
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
			return list{}, fmt.Errorf("seat %s was booked, and is said to be %s", s.SeatID, s.Status)
		}
		v.status[s.SeatID] = s.Status
	}
	v.version = l.Version
	count := make(map[string]int)
	for _, status := range v.status {
		count[status]++
	}
	if c := l.Counts; count["available"] != c.Available || count["locked"] != c.Locked || count["booked"] != c.Booked {
		return list{}, fmt.Errorf("folded it is %v, and the list counts %+v", count, c)
	}
	return l, nil
}

// next is a read that has to succeed.
func (v *viewer) next() list {
	v.t.Helper()
	l, err := v.read()
	if err != nil {
		v.t.Fatal(err)
	}
	return l
}

// closed reads until the connection is closed, and returns how it was.
func (v *viewer) closed() websocket.StatusCode {
	for {
		if _, err := v.read(); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

// get is the answer of GET /seats.
func (h *house) get(query string) (list, string) {
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

// TestFirstAListThenWhatChanges, each message as GET /seats would answer.
func TestFirstAListThenWhatChanges(t *testing.T) {
	h := open(t, new(lockstore.Memory))
	h.lock("ann", "A1", "A2")
	_, body, err := h.watch("").Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v := h.watch("")
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

// TestSince: who comes back with a version gets what it missed.
func TestSince(t *testing.T) {
	h := open(t, new(lockstore.Memory))
	h.lock("ann", "A1", "A2", "A3")
	v := h.watch("?eventId=default")
	v.next()
	v.Close(websocket.StatusNormalClosure, "")
	h.release("ann", "A3")
	h.confirm("ann", "A1")

	v = h.resume(v)
	if l := v.next(); l.Full || l.seats() != "A1 booked, A3 available" {
		t.Errorf("it missed %v %s", l.Full, l.seats())
	}
	h.lock("ann", "B1")
	if l := v.next(); l.Full || !strings.HasSuffix(l.seats(), "B1 locked") {
		t.Errorf("then comes %v %s", l.Full, l.seats())
	}
	if l := h.resume(v).next(); l.Full || len(l.Seats) != 0 || l.Version != v.version {
		t.Errorf("who missed nothing gets %+v", l)
	}
	if l := h.watch("?since=of-another-life").next(); !l.Full || len(l.Seats) != 100 {
		t.Errorf("who comes from elsewhere gets %v and %d seats", l.Full, len(l.Seats))
	}
}

// TestRefused: what cannot be shown is refused as GET /seats refuses it,
// before anything is a WebSocket.
func TestRefused(t *testing.T) {
	h := open(t, new(lockstore.Memory), func(c *live.Config) { c.Origins = []string{"https://shop.example"} })
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
			r, err := http.NewRequestWithContext(t.Context(), c.method, h.url+live.Path+c.query, nil)
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
				t.Errorf("it does not say what to do: %v %s", resp.Header, body)
			}
		})
	}
}

// TestOrigins: pages of this host and of the origins named may watch, and so
// may what is no page.
func TestOrigins(t *testing.T) {
	h := open(t, new(lockstore.Memory), func(c *live.Config) { c.Origins = []string{"https://shop.example"} })
	for _, header := range [][]string{nil, {"Origin", h.url}, {"Origin", "https://shop.example"}} {
		v, _, err := h.dial("", header...)
		if err != nil {
			t.Errorf("%v: %v", header, err)
			continue
		}
		v.next()
		v.CloseNow()
	}
	all := open(t, new(lockstore.Memory), func(c *live.Config) { c.Origins = []string{"*"} })
	v, _, err := all.dial("", "Origin", "https://anywhere.example")
	if err != nil {
		t.Fatal(err)
	}
	v.CloseNow()
}

// TestNoRoom: there is a bound on who watches, and who leaves makes room.
func TestNoRoom(t *testing.T) {
	h := open(t, new(lockstore.Memory), func(c *live.Config) { c.Viewers = 2 })
	first, second := h.watch(""), h.watch("")
	first.next()
	second.next()
	_, resp, err := h.dial("")
	if err == nil || resp == nil {
		t.Fatalf("a third is let in: %v", err)
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
			t.Fatal("who left has made no room")
		}
	}
}

// TestViewersHaveNothingToSay: who sends something is let go.
func TestViewersHaveNothingToSay(t *testing.T) {
	h := open(t, new(lockstore.Memory))
	for name, c := range map[string]struct {
		size int
		want []websocket.StatusCode
	}{
		"a word":  {5, []websocket.StatusCode{websocket.StatusPolicyViolation}},
		"nothing": {0, []websocket.StatusCode{websocket.StatusPolicyViolation}},
		"a book":  {1 << 20, []websocket.StatusCode{websocket.StatusPolicyViolation, websocket.StatusMessageTooBig, -1}}, // it may be cut off in the middle
	} {
		v, other := h.watch(""), h.watch("")
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
		other.next() // nobody else minds
		h.release("ann", "A1")
		other.CloseNow()
	}
}
