package live_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"seatlock/functions/booking"
	"seatlock/functions/venue"
	"seatlock/local/live"
	"seatlock/lockstore"
	"seatlock/lockstore/memstore"
)

// inBubble runs a test in a synctest bubble with the time limits of the runner's server,
// over pipes. The test fails if a goroutine is left at the end.
func inBubble(t *testing.T, store lockstore.LockStore, try func(*testing.T, *server), change ...func(*live.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h, handler := build(t, store, 10, change...)
		pipes := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		srv := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second}
		var serving sync.WaitGroup
		serving.Go(func() { srv.Serve(pipes) })
		h.url = "http://seatlock.example"
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return pipes.dial() }}
		h.client = &http.Client{Transport: transport}
		t.Cleanup(func() {
			h.end()
			h.hub.Wait()
			srv.Close()
			serving.Wait()
			transport.CloseIdleConnections()
		})
		try(t, h)
	})
}

// pipes is a listener whose connections have no buffers: a write waits for the
// read.
type pipes struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (p *pipes) dial() (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// raw returns a connection after a handshake. Nothing reads from it or answers
// pings.
func (h *server) raw(t *testing.T) net.Conn {
	t.Helper()
	c, err := h.client.Transport.(*http.Transport).DialContext(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	go io.WriteString(c, "GET /seats/live HTTP/1.1\r\nHost: seatlock.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2VhdGxvY2sgc2VhdHMhIQ==\r\n\r\n")
	var head bytes.Buffer
	for one := make([]byte, 1); !strings.HasSuffix(head.String(), "\r\n\r\n"); {
		if _, err := c.Read(one); err != nil {
			t.Fatalf("%v after %s", err, &head)
		}
		head.Write(one)
	}
	if !strings.HasPrefix(head.String(), "HTTP/1.1 101 ") {
		t.Fatal(head.String())
	}
	return c
}

// TestChangesAreGathered checks that a change after a quiet time is sent at once, and
// that changes within the next tenth of a second are sent together.
func TestChangesAreGathered(t *testing.T) {
	inBubble(t, new(memstore.Store), func(t *testing.T, h *server) {
		v := h.mustDial("").readAll()
		v.next()
		time.Sleep(time.Minute)
		began := time.Now()
		h.lock("ann", "A1")
		if l := v.next(); l.seats() != "A1 locked" || time.Since(began) != 0 {
			t.Errorf("after %v: %s", time.Since(began), l.seats())
		}
		for _, seat := range []lockstore.SeatID{"B2", "B1", "B3"} {
			time.Sleep(20 * time.Millisecond)
			h.lock("ann", seat)
		}
		h.release("ann", "B3")
		if l := v.next(); l.seats() != "B1 locked, B2 locked, B3 available" || time.Since(began) != 100*time.Millisecond {
			t.Errorf("after %v: %s", time.Since(began), l.seats())
		}
	})
}

// TestPlacesComeBack checks that a message is sent when the lock of an area's place
// expires: lists do not name the places, so viewers cannot compute it.
func TestPlacesComeBack(t *testing.T) {
	events, err := venue.ReadEvents("events", strings.NewReader(`{"events":[{"id":"club","sections":[{"name":"Hall","rows":[{"row":"A","seats":"1-4"}]}],"areas":[{"name":"Floor","capacity":300}]}]}`), venue.Defaults{LockTTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	store, club := new(memstore.Store), events[0].Event
	inBubble(t, store, func(t *testing.T, h *server) {
		h.ev = club
		v := h.mustDial("").readAll()
		next := func(want string) {
			t.Helper()
			if got := string(<-v.messages); !strings.Contains(got, `"areas":[{"section":"Floor",`+want+`}]`) {
				t.Errorf("after %v the message is %.400s, want the floor to have %s", time.Now().UTC().Format("05.000"), got, want)
			}
		}
		began := time.Now()
		next(`"available":300,"locked":0,"booked":0`)
		h.lock("ann", "Floor#1", "Floor#2")
		next(`"available":298,"locked":2,"booked":0`)
		time.Sleep(20 * time.Second)
		h.lock("ben", "Floor#3")
		next(`"available":297,"locked":3,"booked":0`)
		h.confirm("ben", "Floor#3")
		next(`"available":297,"locked":2,"booked":1`)
		next(`"available":299,"locked":0,"booked":1`)
		if took := time.Since(began); took < time.Minute || took > time.Minute+2*time.Second {
			t.Errorf("the places whose locks lasted a minute are available after %v", took)
		}
		time.Sleep(time.Hour)
		if n := len(v.messages); n != 0 {
			t.Errorf("%d more messages were sent, want none: no place is locked", n)
		}
	}, func(c *live.Config) {
		if c.API, err = booking.New(booking.Config{Store: store, Events: events, Logger: c.Log}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestExpiryIsNoMessage checks that no message is sent when a lock of a seat expires:
// viewers compute it from expiresAt, as with GET /seats.
func TestExpiryIsNoMessage(t *testing.T) {
	inBubble(t, new(memstore.Store), func(t *testing.T, h *server) {
		h.lock("ann", "A1")
		v := h.mustDial("").readAll()
		if l := v.next(); l.Seats[0].Status != "locked" || l.Seats[0].ExpiresAt == "" {
			t.Errorf("A1 is listed as %+v", l.Seats[0])
		}
		time.Sleep(2 * time.Hour)
		v.status["A1"] = "available"
		h.lock("ann", "B1")
		if l := v.next(); l.seats() != "B1 locked" || l.Counts.Locked != 1 || l.Counts.Available != 99 {
			t.Errorf("the next message has the seats %s and the counts %+v", l.seats(), l.Counts)
		}
	})
}

// TestNoTimeLimit checks that a connection may last longer than a request.
func TestNoTimeLimit(t *testing.T) {
	inBubble(t, new(memstore.Store), func(t *testing.T, h *server) {
		v := h.mustDial("")
		v.next()
		ctx := v.CloseRead(t.Context()) // answers pings
		time.Sleep(24 * time.Hour)
		if ctx.Err() != nil {
			t.Fatal("the connection was closed within a day without changes")
		}
		v.CloseNow()
	})
}

// TestPingWithoutAnswer checks that a viewer that does not answer a ping is
// disconnected.
func TestPingWithoutAnswer(t *testing.T) {
	store := &counting{LockStore: new(memstore.Store)}
	inBubble(t, store, func(t *testing.T, h *server) {
		c := h.raw(t)
		began := time.Now()
		n, err := io.Copy(io.Discard, c) // it reads, and answers no ping
		if took := time.Since(began); err != nil || n == 0 || took != 40*time.Second {
			t.Errorf("it was disconnected after %v with %d bytes, %v, want 40s", took, n, err)
		}
		synctest.Wait()
		if store.now.Load() != 0 {
			t.Error("the hub still waits for changes")
		}
	})
}

// TestSlowViewers checks that slow viewers are disconnected, and that others do not
// wait for them.
func TestSlowViewers(t *testing.T) {
	inBubble(t, new(memstore.Store), func(t *testing.T, h *server) {
		stuck, fast, slow := h.raw(t), h.mustDial(""), h.mustDial("")
		for range 2 { // most are not slow
			h.mustDial("").readAll()
		}
		fast.next()
		slow.next()
		began := time.Now()
		var slowly sync.WaitGroup
		slowly.Go(func() { // reads a message every two seconds, while ten are sent every second
			for {
				time.Sleep(2 * time.Second)
				if _, err := slow.read(); err != nil {
					if code := websocket.CloseStatus(err); code != websocket.StatusTryAgainLater {
						t.Errorf("the slow viewer was closed with %v", err)
					}
					if took := time.Since(began); took < 15*time.Second || took > 25*time.Second {
						t.Errorf("the slow viewer was disconnected after %v, want 15s to 25s", took)
					}
					return
				}
			}
		})
		for n := range 300 {
			seat := h.ev.Seats[n%100]
			h.lock("ann", seat)
			made := time.Now()
			if l := fast.next(); !strings.Contains(l.seats(), string(seat)+" locked") || time.Since(made) > 100*time.Millisecond {
				t.Fatalf("after %v came the message %s, want %s locked within 100ms", time.Since(made), l.seats(), seat)
			}
			h.release("ann", seat)
		}
		slowly.Wait()
		if time.Since(began) < 25*time.Second {
			t.Fatal("the test was too short for a viewer to be disconnected")
		}
		if _, err := io.Copy(io.Discard, stuck); err != nil { // reads what was sent before the end
			t.Error(err)
		}
		if time.Since(began) > time.Minute {
			t.Errorf("a viewer that reads nothing was disconnected after %v, want at most a minute", time.Since(began))
		}
	})
}

// TestAStalledMessage checks that a viewer that sends part of a message, or a bad
// one, is disconnected.
func TestAStalledMessage(t *testing.T) {
	for name, sent := range map[string]string{
		"the head of a huge message": "\x81\xff\x00\x00\x00\x00\x40\x00\x00\x00abcd",
		"half a message":             "\x81\x85abcdxx",
		"half a head":                "\x81",
		"no mask":                    "\x81\x05hello",
		"an unknown kind":            "\x83\x80abcd",
		"a fragmented ping":          "\x09\x80abcd",
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, new(memstore.Store), func(t *testing.T, h *server) {
				c := h.raw(t)
				go io.WriteString(c, sent)
				began := time.Now()
				if _, err := io.Copy(io.Discard, c); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took > 45*time.Second {
					t.Errorf("it was disconnected after %v, want at most 45s", took)
				}
			})
		})
	}
}

// TestGrace checks that a viewer that does not answer the close frame is
// disconnected after Grace.
func TestGrace(t *testing.T) {
	inBubble(t, new(memstore.Store), func(t *testing.T, h *server) {
		v, silent, stuck := h.mustDial(""), h.raw(t), h.raw(t)
		v.next()
		var reads sync.WaitGroup
		reads.Go(func() { io.Copy(io.Discard, silent) }) // until it is disconnected
		time.Sleep(time.Second)
		began := time.Now()
		h.end()
		if code := v.closed(); code != websocket.StatusGoingAway || time.Since(began) != 0 {
			t.Errorf("the viewer was closed with %v after %v, want going away at once", code, time.Since(began))
		}
		h.hub.Wait()
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("Wait returned after %v, want 2s", took)
		}
		reads.Wait()
		stuck.Close()
	}, func(c *live.Config) { c.Grace = 2 * time.Second })
}
