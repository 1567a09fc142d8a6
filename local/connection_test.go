package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"seatlock/functions/access"
	"seatlock/functions/settings"
	"seatlock/functions/telemetry"
)

// A countingListener counts the writes to its connections.
type countingListener struct {
	net.Listener
	writes atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &countingConn{c, l}, err
}

type countingConn struct {
	net.Conn
	of *countingListener
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.of.writes.Add(1)
	return c.Conn.Write(p)
}

// TestAnswersAreSentInOnePiece checks that an answer of up to 16 KB is sent with one
// write, with its header, and that the connection can be used for the next ones.
func TestAnswersAreSentInOnePiece(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	s := settings.Server{Connections: 100, Share: 100}
	counting := &countingListener{Listener: tcp}
	limits := newLimits(s, access.Policy{}, tcp.Addr(), log)
	srv := &http.Server{
		ConnContext: withConnection,
		Handler: telemetry.Observe(limits.handler(func(w http.ResponseWriter, r *http.Request) telemetry.Outcome {
			w.Header().Set("Content-Length", r.Header.Get("Length"))
			io.WriteString(w, strings.Repeat("seat", 500))
			io.WriteString(w, strings.Repeat("seat", int(r.ContentLength)))
			return telemetry.Outcome{}
		}), func(context.Context) string { return "id" }),
	}
	go srv.Serve(limitConnections(counting, s, nil, log)) // ends with Close
	defer srv.Close()
	for _, c := range []struct {
		seats, length string
		most          int64
	}{
		{strings.Repeat("x", 500), "4000", 1},
		{"", "2000", 1},
		{strings.Repeat("x", 3300), "15200", 1},
		{strings.Repeat("x", 20_000), "82000", 100},
		{strings.Repeat("x", 500), "4000", 1},
	} {
		counting.writes.Store(0)
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+tcp.Addr().String(), strings.NewReader(c.seats))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Length", c.length)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.Header.Get("Content-Length") != c.length || strings.ReplaceAll(string(body), "seat", "") != "" {
			t.Errorf("the answer has %d bytes, %v, of %s", len(body), err, c.length)
		}
		if n := counting.writes.Load(); n > c.most {
			t.Errorf("an answer of %s bytes was sent with %d writes, want at most %d", c.length, n, c.most)
		}
	}
}
