// Package live sends the list of an event to browsers over WebSockets, and then the
// changes as they happen.
//
// A [Hub] follows each event that has viewers with one loop, renders each change
// once, and writes it to all viewers. The package must not know how lists look or
// where seats are kept: a [seatlist.Feed] makes the lists, which are those of GET
// /seats, and waits for changes.
package live

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"seatlock/functions/access"
	"seatlock/functions/booking"
	"seatlock/functions/problem"
	"seatlock/functions/seatlist"
	"seatlock/functions/telemetry"
	"seatlock/lockstore"
)

// A Config configures a Hub.
type Config struct {
	API     *booking.API
	Origins []string                       // other sites whose pages may connect, such as https://shop.example; * means all
	Places  *access.Places                 // limits the viewers
	Client  func(*http.Request) netip.Addr // returns the address that a viewer counts for
	Grace   time.Duration                  // how long after the end of the Hub's context viewers are disconnected at the latest
	Log     *slog.Logger
}

// A Hub answers GET /seats/live. It runs no goroutines while it has no viewers.
type Hub struct {
	Config
	ctx        context.Context // ends when viewers are asked to leave
	conns      context.Context // ends when the remaining connections are closed without a close frame
	closeConns context.CancelFunc
	accept     websocket.AcceptOptions
	pace       pace

	mu      sync.Mutex
	streams map[*seatlist.Feed]*stream // of the events with viewers
	ended   bool
	running sync.WaitGroup // viewers and streams
}

// New returns a Hub. When the context ends, the Hub accepts no more viewers and
// closes all connections with the status "going away". The caller must then call
// [Hub.Wait].
func New(ctx context.Context, c Config) *Hub {
	h := &Hub{Config: c, ctx: ctx, streams: make(map[*seatlist.Feed]*stream), pace: newPace()}
	// The library must not compress: it would do so again for each viewer.
	h.accept.CompressionMode, h.accept.CompressionThreshold = websocket.CompressionNoContextTakeover, math.MaxInt
	h.conns, h.closeConns = context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(c.Grace, h.closeConns) })
	for _, o := range c.Origins {
		if o == "*" {
			h.accept.InsecureSkipVerify = true
		}
		h.accept.OriginPatterns = append(h.accept.OriginPatterns, o)
	}
	return h
}

// Wait returns when there are no viewers left, at most Grace after the end of the
// Hub's context.
func (h *Hub) Wait() {
	h.mu.Lock()
	h.ended = true // from here on, join adds no viewer to running
	h.mu.Unlock()
	h.running.Wait()
	h.closeConns()
}

// ViewerCount returns the number of viewers.
func (h *Hub) ViewerCount() int { return int(h.Places.Taken()) }

// Handler returns a handler that answers requests for [booking.LivePath], and passes all
// others to next.
func (h *Hub) Handler(next telemetry.Handler) telemetry.Handler {
	live := h.API.Live(h.show)
	return func(w http.ResponseWriter, r *http.Request) telemetry.Outcome {
		if r.URL.Path == booking.LivePath {
			return live(w, r)
		}
		return next(w, r)
	}
}

// show sends an event to one viewer until the connection ends. It returns errors
// only before the connection becomes a WebSocket.
func (h *Hub) show(w http.ResponseWriter, r *http.Request, feed *seatlist.Feed, since lockstore.Version) error {
	if r.Method != "GET" || !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return noHandshake(w, "This is a WebSocket. GET /seats answers the same list, and with since what changed.")
	}
	addr := h.Client(r)
	s, err := h.join(feed, addr)
	if err != nil {
		return err
	}
	defer h.leave(s, addr)
	greeted, err := h.pace.begin(r.Context(), h.ctx)
	if err != nil {
		if h.ctx.Err() != nil {
			return goingAway()
		}
		return err
	}
	defer greeted()

	// The viewer joins its group before the list is made, so that it misses no
	// change in between. It skips messages that are older than the list.
	group, last := s.join()
	defer group.leave()
	list, err := feed.List(r.Context(), since)
	if err == nil && !s.begin(list) { // the stream began with a newer list; make one that is newer still
		list, err = feed.List(r.Context(), since)
	}
	if err != nil {
		return err
	}
	v, err := h.upgrade(w, r)
	if err != nil {
		return err
	}
	defer context.AfterFunc(h.conns, v.closeNow)()
	ctx, cancel := context.WithCancel(h.ctx)
	defer cancel()
	defer context.AfterFunc(feed.Retired(), cancel)() // the viewer reconnects, and gets the changed event
	v.show(ctx, r.Context(), list, last, greeted)
	return nil
}

// upgrade makes the request's connection a WebSocket.
func (h *Hub) upgrade(w http.ResponseWriter, r *http.Request) (*viewer, error) {
	u := &upgrader{ResponseWriter: w}
	ws, err := websocket.Accept(u, r, &h.accept)
	switch {
	case err == nil:
		return &viewer{ws: ws, conn: u.conn, deflate: w.Header().Get("Sec-WebSocket-Extensions") != ""}, nil
	case u.status == http.StatusForbidden:
		return nil, problem.Refuse(problem.Forbidden, "Pages of that origin may not connect. The operator can allow it with -cors-origin.")
	case u.status == http.StatusSwitchingProtocols: // the connection could not be hijacked
		return nil, err
	}
	return nil, noHandshake(w, "This is not a WebSocket handshake of version 13 over HTTP/1.1 (RFC 6455).")
}

// noHandshake refuses a request that is not a handshake, with the headers that
// RFC 9110 requires of a 426.
func noHandshake(w http.ResponseWriter, detail string) error {
	w.Header().Set("Connection", "Upgrade")
	w.Header().Set("Upgrade", "websocket")
	return &problem.Refusal{Kind: problem.UpgradeRequired, Detail: detail}
}

// An upgrader is the ResponseWriter of a handshake. It keeps the hijacked connection, and
// discards the library's error answers.
type upgrader struct {
	http.ResponseWriter
	status int
	conn   net.Conn
}

func (u *upgrader) WriteHeader(status int) {
	u.status = status
	if status == http.StatusSwitchingProtocols {
		u.ResponseWriter.WriteHeader(status)
	}
}

func (u *upgrader) Write(p []byte) (int, error) { return len(p), nil }

func (u *upgrader) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(u.ResponseWriter).Hijack()
	u.conn = conn
	return conn, rw, err
}

// join counts a viewer of the event and returns the event's stream, which it makes for the
// first viewer.
func (h *Hub) join(feed *seatlist.Feed, addr netip.Addr) (*stream, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended || h.ctx.Err() != nil {
		return nil, goingAway()
	}
	switch err := h.Places.Take(addr, 1); {
	case errors.Is(err, access.ErrShare):
		return nil, &problem.Refusal{Kind: problem.NoRoom, Wait: fullTime, Detail: "Too many viewers from your network address. Use GET /seats, or try again later."}
	case err != nil:
		return nil, &problem.Refusal{Kind: problem.NoRoom, Wait: fullTime, Detail: "Too many viewers. Use GET /seats, or try again later."}
	}
	h.running.Add(1)
	s := h.streams[feed]
	if s == nil {
		s = newStream(h, feed)
		h.streams[feed] = s
	}
	s.viewers++
	return s, nil
}

func goingAway() error {
	return &problem.Refusal{Kind: problem.NoRoom, Wait: time.Second, Detail: "This server is stopping. Try again, or use GET /seats."}
}

// fullTime is the Retry-After for a viewer who gets no place.
const fullTime = 30 * time.Second

// leave undoes join. When the last viewer leaves, the stream ends.
func (h *Hub) leave(s *stream, addr netip.Addr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer h.running.Done()
	h.Places.Release(addr, 1)
	s.viewers--
	if s.viewers == 0 {
		s.end()
		delete(h.streams, s.feed)
	}
}
