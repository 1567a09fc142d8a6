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

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/venue"
	"seatlock/local/live"
	"seatlock/lockstore"
)

// patience is the longest wait for something that must happen. It says nothing about how
// long that should take: the machine may be busy.
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
	config := live.Config{API: api, Places: access.NewPlaces(5000, 5000), Client: (access.Proxies)(nil).Client, Grace: 10 * time.Second, Log: log}
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

// readAll makes the viewer read every message as it arrives, as a browser does. Other
// viewers read, and answer pings, only when the test reads.
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

// mustDial is like dial but must succeed.
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

// next is like read but must succeed.
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
