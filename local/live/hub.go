// Package live lets browsers watch a house: a WebSocket brings the list of an
// event, and then what changes, as it changes.
//
// A [Hub] follows each event that somebody watches with one loop, renders what
// changed once, and writes it to all. It must not know how lists look or where
// seats are kept: the lists are those of [seatlock/functions/booking], byte for
// byte, and a [lockstore.LockStore] says when there is a new one.
package live

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"seatlock/functions/booking"
	"seatlock/lockstore"
)

// Path is where a Hub answers.
const Path = booking.LivePath

// A Config says what a Hub shows, to whom and to how many.
type Config struct {
	API     *booking.API        // renders the lists
	Store   lockstore.LockStore // that of the API
	Origins []string            // origins, such as https://shop.example, whose pages may watch beside those of the same host; * is all
	Viewers int                 // the most at a time
	Grace   time.Duration       // how long viewers may take to go once the Hub's context has ended
	Log     *slog.Logger
}

// A Hub answers GET /seats/live. Nothing of it runs while nobody watches.
type Hub struct {
	Config
	ctx    context.Context // ends when everybody has to go
	wires  context.Context // ends when the connections of those who have not gone are cut
	cut    context.CancelFunc
	accept websocket.AcceptOptions

	mu      sync.Mutex
	rooms   map[lockstore.EventID]*room // those that somebody watches
	viewers int
	ended   bool
	running sync.WaitGroup // viewers and rooms
}

// New makes a Hub. When the context ends everybody who watches is told that the
// server is going away, and nobody more is let in; Wait returns when they are
// gone.
func New(ctx context.Context, c Config) *Hub {
	h := &Hub{Config: c, ctx: ctx, rooms: make(map[lockstore.EventID]*room)}
	h.wires, h.cut = context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(c.Grace, h.cut) })
	for _, o := range c.Origins {
		if o == "*" {
			h.accept.InsecureSkipVerify = true
		}
		h.accept.OriginPatterns = append(h.accept.OriginPatterns, o)
	}
	return h
}

// Wait returns when nobody watches any more. It is called once the context has
// ended, and returns within the Grace then.
func (h *Hub) Wait() {
	h.mu.Lock()
	h.ended = true // nobody comes after this
	h.mu.Unlock()
	h.running.Wait()
	h.cut()
}

// Watching is how many watch now.
func (h *Hub) Watching() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.viewers
}

// Handler answers requests for Path, and leaves all others to next.
func (h *Hub) Handler(next http.Handler) http.Handler {
	watch := h.API.Live(h.watch)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == Path {
			watch.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// watch shows an event to one viewer until either goes. Everything that can be
// refused is, before the connection becomes a WebSocket.
func (h *Hub) watch(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	ev, since, err := h.API.Watched(r)
	if err != nil {
		return err
	}
	if r.Method != "GET" || !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return noHandshake(w, "This is a WebSocket. GET /seats answers the same list, and with since what changed.")
	}
	room, err := h.enter(ev)
	if err != nil {
		return err
	}
	defer h.leave(room)

	// The place in the line is taken before the list is made, so that no change
	// falls between the two. What the line still has of before is skipped.
	line, place := room.stand()
	defer line.leave()
	list, err := h.API.Seats(ctx, ev.ID, since)
	if err == nil && !room.begin(list) { // the line begins with a newer one; then another is newer still
		list, err = h.API.Seats(ctx, ev.ID, since)
	}
	if err != nil {
		return err
	}
	v, err := h.upgrade(w, r)
	if err != nil {
		return err
	}
	defer context.AfterFunc(h.wires, v.cut)()
	v.show(h.ctx, list, place)
	return nil
}

// upgrade makes a WebSocket of the request's connection.
func (h *Hub) upgrade(w http.ResponseWriter, r *http.Request) (*viewer, error) {
	s := &shake{ResponseWriter: w}
	ws, err := websocket.Accept(s, r, &h.accept)
	switch {
	case err == nil:
		return &viewer{ws: ws, wire: s.wire}, nil
	case s.status == http.StatusForbidden:
		return nil, booking.Refuse(booking.ErrForbidden, 0, "Pages of that origin may not watch here; -cors-origin says which may.")
	case s.status == http.StatusSwitchingProtocols: // and then the connection could not be taken over
		return nil, err
	}
	return nil, noHandshake(w, "This is no WebSocket handshake of version 13 over HTTP/1.1 (RFC 6455).")
}

// noHandshake refuses a request that is none, with the header that RFC 9110
// wants of a 426.
func noHandshake(w http.ResponseWriter, detail string) error {
	w.Header().Set("Connection", "Upgrade")
	w.Header().Set("Upgrade", "websocket")
	return booking.Refuse(booking.ErrUpgradeRequired, 0, detail)
}

// shake is the ResponseWriter of a handshake. It keeps the connection at hand,
// and leaves it to others to tell of a failure.
type shake struct {
	http.ResponseWriter
	status int
	wire   net.Conn
}

func (s *shake) WriteHeader(status int) {
	s.status = status
	if status == http.StatusSwitchingProtocols {
		s.ResponseWriter.WriteHeader(status)
	}
}

func (s *shake) Write(p []byte) (int, error) { return len(p), nil }

func (s *shake) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	wire, rw, err := http.NewResponseController(s.ResponseWriter).Hijack()
	s.wire = wire
	return wire, rw, err
}

// enter lets a viewer into the event's room, which the first one opens.
func (h *Hub) enter(ev *lockstore.Event) (*room, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended || h.ctx.Err() != nil {
		return nil, booking.Refuse(booking.ErrNoRoom, time.Second, "This server is going away. Try again, or ask GET /seats.")
	}
	if h.viewers >= h.Viewers {
		return nil, booking.Refuse(booking.ErrNoRoom, fullTime, "As many watch here as can. GET /seats answers the same; or try again later.")
	}
	h.viewers++
	h.running.Add(1)
	r := h.rooms[ev.ID]
	if r == nil {
		r = newRoom(h, ev)
		h.rooms[ev.ID] = r
	}
	r.viewers++
	return r, nil
}

// fullTime is after how long somebody who found no room may try again.
const fullTime = 30 * time.Second

// leave lets a viewer out. The last one closes the room.
func (h *Hub) leave(r *room) {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer h.running.Done()
	h.viewers--
	r.viewers--
	if r.viewers == 0 {
		r.close()
		delete(h.rooms, r.ev.ID)
	}
}
